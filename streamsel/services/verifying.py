"""Whether every live selector has the model that follows from the label log."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from streamsel.learning.fold import Fold
from streamsel.learning.spec import ModelSpec
from streamsel.metrics import Metrics
from streamsel.ports import Clock, LabelLog
from streamsel.ports.replicas import Replica, Replicas
from streamsel.services.directing import Directing
from streamsel.services.folding import Folding


@dataclass(frozen=True, slots=True)
class Verified:
    """One selector beside a fold of the log from its start."""

    name: str
    version: int
    digest: str
    expected: str | None
    """The fold's digest at that version; ``None`` where the log does not reach that far."""
    agrees: bool


@dataclass(frozen=True, slots=True)
class Verification:
    """What the log comes to, and who has it."""

    version: int
    """The log's end."""
    labels: int
    digest: str
    replicas: Sequence[Verified]

    @property
    def agree(self) -> bool:
        """Whether all do."""
        return all(one.agrees for one in self.replicas)


async def verify(
    log: LabelLog,
    spec: ModelSpec,
    replicas: Replicas,
    clock: Clock,
    watch: Callable[[int], Callable[[int], None]],
) -> Verification:
    """Folds the log from its start, stopping wherever a replica stands. Snapshots are left out of it."""
    live = await replicas.live()
    log_end = await log.end()
    folding = Folding(log, Metrics(), clock, watch=watch(2 * log_end))
    directing = Directing(log, spec)
    await directing.read(log_end)
    fold = await asyncio.to_thread(Fold, spec)
    expected: dict[int, str] = {}
    for offset in sorted({one.version for one in live if one.version <= log_end} | {log_end}):
        in_force = directing.course.at(offset)
        if not in_force.makes(fold):
            fold = await asyncio.to_thread(Fold, in_force.spec)
        fold.gaps = in_force.gaps
        fold = await folding.advanced(fold, offset)
        expected[offset] = fold.digest()
    compared = [_compared(one, expected.get(one.version)) for one in live]
    return Verification(log_end, fold.labels_learned, expected[log_end], compared)


def _compared(replica: Replica, expected: str | None) -> Verified:
    digest = replica.digests[replica.version]
    return Verified(replica.name, replica.version, digest, expected, digest == expected)
