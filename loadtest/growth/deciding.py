"""µs of CPU for an event to be decided: decoded, scored, gated, encoded, without the broker's clients.

To be run as a process of its own with one thread for linear algebra. Times are the thread's own, and the
least of some rounds: what other processes take of the machine is not ours.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, NamedTuple

import orjson

from loadtest.events import FEATURES, transaction
from loadtest.thread_time import least
from streamsel import wiring
from streamsel.adapters.clock import SystemClock
from streamsel.codec import EventDecoder
from streamsel.config import Config
from streamsel.learning.fold import Fold
from streamsel.learning.serving import ServingModel
from streamsel.metrics import Metrics
from streamsel.records import Label
from streamsel.selection import QueryRate, QueryStrategy, StrategySettings
from streamsel.services.decider import Decider
from streamsel.wiring.models import model_spec

SIZES: Mapping[str, Sequence[int]] = {
    "features": (5, 15, 50, 150, 500),
    "payload": (200, 600, 2_000, 10_000, 50_000),
    "classes": (2, 5, 10, 20, 50),
    "window": (100, 500, 2_000, 10_000),
    "rules": (1, 10, 30, 100),
}
MODELS = ("logistic", "tree", "forest", "portfolio")
RATE = QueryRate(0.01, 0.002, 2**31, 2.0**31)
MICRO_BATCH = 1_000
LARGE_PAYLOAD = 10_000
LABELS_A_CLASS = 20
MODEL_LABELS = 1_000


class Record(NamedTuple):
    """A record as it comes from the broker."""

    topic: str
    partition: int
    offset: int
    value: bytes
    headers: Sequence[tuple[str, bytes | None]] = ()


def features(size: int, events: int) -> float:
    """``size`` numbers an event."""
    return _microseconds({}, _numbers(size, events, 2), size)


def payload(size: int, events: int) -> float:
    """Fifteen features, and an excluded field that fills the event up to ``size`` bytes."""
    return _microseconds({"stream": {"exclude": ["note"]}}, _numbers(15, events, 2), 15, size)


def classes(size: int, events: int) -> float:
    """``size`` labels, one-vs-rest."""
    config = {"labels": {"names": [_name(label) for label in range(size)]}}
    return _microseconds(config, _numbers(15, events, size), 15)


def window(size: int, events: int) -> float:
    """Among the last ``size`` utilities the threshold is found, and near-duplicates among as many events."""
    return _microseconds({"select": {"window": size}}, _numbers(15, events, 2), 15)


def rules(size: int, events: int) -> float:
    """``size`` rules, each of two comparisons, that hardly ever hold."""
    tables = [
        {
            "name": f"rule {number}",
            "ask": "always",
            "all_of": [
                {"field": "f000", "op": ">", "value": 6.0 + number},
                {"field": "f001", "op": "<", "value": 0.0},
            ],
        }
        for number in range(size)
    ]
    return _microseconds({"select": {"rules": tables}}, _numbers(15, events, 2), 15)


DIMENSIONS: Mapping[str, Callable[[int, int], float]] = {
    one.__name__: one for one in (features, payload, classes, window, rules)
}


def model(preset: str, events: int) -> float:
    """Transactions of fifteen features, decided by a preset that has learned ``MODEL_LABELS`` labels."""
    random = Random(1)
    drawn = [transaction(random, number) for number in range(events + MODEL_LABELS)]
    rows = [({name: event[name] for name in FEATURES}, label) for event, label in drawn]
    config = Config.model_validate({"labels": {"names": ["legit", "fraud"]}, "model": {"preset": preset}})
    return _measured(config, rows[:MODEL_LABELS], rows[MODEL_LABELS:], 0)


def _microseconds(
    sections: dict[str, Any], rows: list[tuple[dict[str, Any], str]], width: int, size: int = 0
) -> float:
    names = sections.get("labels", {}).get("names", [_name(0), _name(1)])
    config = Config.model_validate({**sections, "labels": {"names": names}})
    learned = _numbers(width, LABELS_A_CLASS * len(names), len(names), seed=2)
    return _measured(config, learned, rows, size)


def _measured(
    config: Config,
    learned: Sequence[tuple[dict[str, Any], str]],
    rows: Sequence[tuple[dict[str, Any], str]],
    size: int,
) -> float:
    decider = _decider(config, learned)
    records = [_record(number, features, size) for number, (features, _) in enumerate(rows)]
    batches = [records[start : start + MICRO_BATCH] for start in range(0, len(records), MICRO_BATCH)]
    return least(lambda: [decider.decide(batch, RATE) for batch in batches]) / len(records) * 1e6


def _decider(config: Config, learned: Sequence[tuple[dict[str, Any], str]]) -> Decider:
    serving = ServingModel(Fold(model_spec(config)))
    for offset, (features, label) in enumerate(learned):
        number = str(offset)
        serving.fold.apply(offset, Label(number, 1, number, label, "seed", "loadtest", 0.0, features))
    select = config.select
    strategy = QueryStrategy(
        StrategySettings(select.strategy, select.window, select.seed, constraints=select.constraints())
    )
    decoder = EventDecoder(wiring.layout(config), max_bytes=config.stream.max_bytes)
    return Decider(decoder, serving, strategy, SystemClock(), Metrics())


def _numbers(width: int, events: int, labels: int, seed: int = 1) -> list[tuple[dict[str, Any], str]]:
    """Normal features; the label depends on the first of them."""
    random = Random(seed)
    drawn = []
    for _ in range(events):
        label = random.randrange(labels)
        values = {f"f{number:03d}": round(random.gauss(0.0, 1.0), 4) for number in range(width)}
        values["f000"] += label - labels / 2
        drawn.append((values, _name(label)))
    return drawn


def _name(label: int) -> str:
    return f"label {label}"


def _record(number: int, features: Mapping[str, Any], size: int) -> Record:
    event: dict[str, Any] = {"id": f"event-{number:09d}", **features}
    if size:
        event["note"] = ""
        event["note"] = "x" * max(size - len(orjson.dumps(event)), 0)
    return Record("events", 0, number, orjson.dumps(event))


def main(dimension: str, events: str, *sizes: str) -> None:
    """Prints µs an event for each size, or for each preset if the dimension is ``model``."""
    measure = model if dimension == "model" else lambda size, count: DIMENSIONS[dimension](int(size), count)
    # An event of many kilobytes is decided as often as fits the memory of a small machine.
    found = {one: measure(one, _fewer(dimension, one, int(events))) for one in sizes}
    print(json.dumps(found))


def _fewer(dimension: str, size: str, events: int) -> int:
    return max(events // 10, 100) if dimension == "payload" and int(size) >= LARGE_PAYLOAD else events


if __name__ == "__main__":
    main(*sys.argv[1:])
