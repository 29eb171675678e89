"""Who runs beside us, and on how many of the events."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Peer:
    """A module that does the work of ``work.Work`` and reports its run."""

    title: str
    module: str
    package: str
    """What it stands on; its version goes with the figures."""
    environment: str | None = None
    """The folder with its lock; without one it runs among the load tests' own packages."""
    share: float = 1.0
    """Of the events. A slow one gets fewer, so that nobody waits for it."""
    arguments: tuple[str, ...] = ()

    @property
    def lock(self) -> Path | None:
        return None if self.environment is None else HERE / self.environment / "requirements.lock"

    @property
    def version(self) -> str:
        """Of the package."""
        if self.lock is None:
            return version(self.package)
        pinned = re.search(rf"^{re.escape(self.package)}==(\S+)", self.lock.read_text(), re.MULTILINE)
        if pinned is None:
            raise LookupError(f"{self.lock} does not pin {self.package}")
        return pinned[1]


PEERS = {
    "bare": Peer("bare loop of librdkafka", "loadtest.peers.bare", "confluent-kafka"),
    "ceiling": Peer("the ceiling, on aiokafka", "loadtest.peers.ceiling", "aiokafka"),
    "aiokafka": Peer("plain loop of aiokafka", "loadtest.peers.plain_aiokafka", "aiokafka", share=0.5),
    "bytewax": Peer("Bytewax", "loadtest.peers.bytewax.contestant", "bytewax", "bytewax"),
    "faststream_batch": Peer(
        "FastStream, in batches", "loadtest.peers.faststream.batch", "faststream", "faststream"
    ),
    "quix": Peer("Quix Streams", "loadtest.peers.quix.contestant", "quixstreams", "quix", 0.5),
    "faust": Peer("faust-streaming", "loadtest.peers.faust.contestant", "faust-streaming", "faust", 0.02),
    "faststream": Peer(
        "FastStream, a message at a time",
        "loadtest.peers.faststream.single",
        "faststream",
        "faststream",
        0.02,
    ),
    "faststream_unconfirmed": Peer(
        "FastStream, the same, not waiting for delivery",
        "loadtest.peers.faststream.single",
        "faststream",
        "faststream",
        0.02,
        ("unconfirmed",),
    ),
}
