"""What a demo is made of: its options, and the configuration that follows from them.

Time is compressed: simulated reviewers take 0.2 s where people take 25 s, and the windows of the capacity
control shrink with them. Leases and expiry leave somebody who labels along the time to read.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from streamsel.config import ApiKey, Config
from streamsel.config.auth import Auth
from streamsel.config.desk import Desk
from streamsel.config.sections import Capacity, Labels, Model, Stream
from streamsel.config.select import Select
from streamsel.config.servers import Kafka, Redis
from streamsel.demo.transactions import FEATURES, FRAUD, LABELS, LEGIT

Preset = Literal["logistic", "tree", "forest", "portfolio"]


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What ``streamsel demo`` can be told."""

    events: int = 20_000
    """Below about 10,000 too few labels are gathered for the comparison to say much."""
    reviewers: int = 6
    kafka: bool = False
    """On a real broker, started for the demo, instead of the embedded default."""
    serve: bool = False
    """Keeps page and API up after the last event, until Ctrl-C."""
    json: bool = False
    """Nothing on stdout; the summary is printed by the caller."""
    seed: int = 1
    preset: Preset = "logistic"
    screenshot: Path | None = None
    """Where the live view is saved as SVG when the last event has been decided."""

    def __post_init__(self) -> None:
        for name, value in (("events", self.events), ("reviewers", self.reviewers)):
            if value < 1:
                raise ValueError(f"{name} must be at least 1, not {value}")

    @property
    def stream(self) -> Literal["embedded", "kafka"]:
        """What carries the events."""
        return "kafka" if self.kafka else "embedded"

    @property
    def target_backlog(self) -> int:
        """For each reviewer one query in hand and two waiting: a second's work, which is longer than it takes
        the control to notice."""
        return 3 * self.reviewers


def configuration(
    options: DemoOptions, data_dir: Path, keys: list[ApiKey], bootstrap_servers: str | None
) -> Config:
    """The demo's ``streamsel.toml``, as it were."""
    return Config(
        stream=Stream(id="id", features=list(FEATURES), timestamp="time"),
        labels=Labels(
            names=list(LABELS),
            guideline={
                LEGIT: "The cardholder made this payment.",
                FRAUD: "Somebody else did: the card was stolen, cloned or leaked.",
            },
        ),
        model=Model(preset=options.preset, seed=options.seed),
        select=Select(budget=0.1),
        capacity=Capacity(
            target_backlog=options.target_backlog,
            lease_seconds=30.0,
            expire_seconds=60.0,
            window_seconds=3.0,
            fill_seconds=2.0,
        ),
        kafka=Kafka(bootstrap_servers=bootstrap_servers),
        redis=Redis(data_dir=data_dir),
        desk=Desk(port=0),
        auth=Auth(keys=keys),
    )
