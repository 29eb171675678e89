"""A desk that dies before a chosen one of its effects on store and log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from loadtest.inside.fate import Fate
from streamsel.adapters.clock import SystemClock
from streamsel.metrics import Metrics
from streamsel.ports import LabelLog, ReviewQueue
from streamsel.services.desk import Desk
from tests.services.desk.desks import LABELS
from tests.services.desk.panels import FLOOR

_EFFECTS = ("begin", "abort", "settle", "dispute", "retract", "pause")


class _MortalQueue:
    def __init__(self, queue: ReviewQueue, fate: Fate) -> None:
        self._queue = queue
        self._fate = fate

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._queue, name)
        if name not in _EFFECTS:
            return method

        async def mortal(*arguments: Any) -> Any:
            self._fate.effect()
            return await method(*arguments)

        return mortal


class _MortalLog:
    def __init__(self, log: LabelLog, fate: Fate) -> None:
        self._log = log
        self._fate = fate

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    async def append(self, records: Sequence[bytes]) -> Sequence[int]:
        self._fate.effect()
        return await self._log.append(records)


def mortal_desk(queue: ReviewQueue, log: LabelLog, fate: Fate) -> Desk:
    """It dies by its ``fate``."""
    return Desk(
        _MortalQueue(queue, fate),
        _MortalLog(log, fate),
        LABELS,
        SystemClock(),
        Metrics(),
        sweep_seconds=0.01,
        floor=FLOOR,
    )
