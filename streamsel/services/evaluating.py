"""Follows the label log and the summaries from their beginnings, and tells how good the model is."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from streamsel.codec import Unreadable, decode_log_record
from streamsel.codec.summaries import decode_summary
from streamsel.learning.evaluation.evaluation import Evaluation, Terms, WindowQuality
from streamsel.learning.evaluation.plateau import Plateau, resting_since
from streamsel.learning.evaluation.rounds import Round, rounds
from streamsel.metrics import Metrics
from streamsel.ports import Clock, LogReader
from streamsel.records import Label
from streamsel.services.log_following import LogFollower

if TYPE_CHECKING:
    from streamsel.learning.drift import Drift, DriftWatch

REFRESH_SECONDS = 10.0
_REST = 10.0
"""A refresh waits at least so many times as long as the last one took."""


@dataclass(frozen=True, slots=True)
class Quality:
    """What is known as of a time, in seconds since 1970."""

    at: float
    windows: Mapping[str, WindowQuality] = field(default_factory=dict)
    """``hour``, ``day``, ``labels`` and ``start``; none before there is anything settled."""
    rounds: Sequence[Round] = ()
    """The last ones, oldest first."""
    drifts: Sequence[Drift] = ()
    """The last ones, oldest first."""
    resting_since: float | None = None
    """Since when labels have stopped to pay, by the rule that was declared."""


class Evaluating:
    """``run`` until cancelled. All it knows follows from the logs, and is kept nowhere else."""

    def __init__(
        self,
        labels: LogReader,
        summaries: LogReader,
        terms: Terms,
        clock: Clock,
        metrics: Metrics,
        plateau: Plateau | None = None,
    ) -> None:
        """Without ``plateau`` labelling never rests."""
        self.quality = Quality(clock.time())
        """As of the last refresh."""
        self._evaluation = Evaluation(terms)
        self._plateau = plateau
        self._watch: DriftWatch | None = None
        self._clock = clock
        self._metrics = metrics
        self._log = structlog.get_logger()
        self._free = asyncio.Lock()
        """Held by whoever reads or changes the evaluation: it is refreshed in a thread."""
        self._labels, self._summaries = (
            LogFollower(log, self._readable(take), clock, outage="evaluation_outage", free=self._free)
            for log, take in ((labels, self._take_label), (summaries, self._take_summary))
        )

    async def reached(self, labels: int, summaries: int) -> None:
        """Returns once everything before these offsets is taken in, and ``quality`` tells of it."""
        await self._labels.reached(labels)
        await self._summaries.reached(summaries)
        await self.refresh()

    async def run(self) -> None:
        """Follows both logs, waiting out outages, and refreshes what is known."""
        self._watch = await asyncio.to_thread(_drift_watch, self._evaluation.terms.labels)
        async with asyncio.TaskGroup() as parts:
            parts.create_task(self._labels.run())
            parts.create_task(self._summaries.run())
            parts.create_task(self._refresh_often())

    def resting(self) -> bool:
        """Whether only exploration is to be asked about."""
        return self.quality.resting_since is not None

    async def refresh(self) -> None:
        """Brings ``quality`` up to now."""
        async with self._free:
            self.quality = await asyncio.to_thread(self._as_of, self._clock.time())
        self._show()

    def _as_of(self, now: float) -> Quality:
        drifts = () if self._watch is None else tuple(self._watch.told)
        found = rounds(self._evaluation, now)
        since = None
        if self._plateau is not None:
            since = resting_since(found, [drift.at for drift in drifts], self._plateau)
        return Quality(now, self._evaluation.windows(now), found, drifts, since)

    def _take_label(self, content: bytes) -> None:
        record = decode_log_record(content)
        row = self._evaluation.add_record(record)
        if row is not None and isinstance(record, Label) and self._watch is not None:
            self._watch.add_label(record)

    def _take_summary(self, content: bytes) -> None:
        summary = decode_summary(content)
        if self._evaluation.add_summary(summary) and self._watch is not None:
            self._watch.add_summary(summary)

    def _readable(self, take: Callable[[bytes], None]) -> Callable[[int, bytes], None]:
        def taken(offset: int, content: bytes) -> None:
            try:
                take(content)
            except Unreadable as error:
                self._log.warning("evaluation_unreadable", offset=offset, error=str(error))

        return taken

    async def _refresh_often(self) -> None:
        took = 0.0
        while True:
            await asyncio.sleep(max(REFRESH_SECONDS, _REST * took))
            began = self._clock.monotonic()
            await self.refresh()
            took = self._clock.monotonic() - began

    def _show(self) -> None:
        gauge = self._metrics.live_quality
        for name, window in self.quality.windows.items():
            for measure, estimate in window.whole.measures.items():
                for bound, value in estimate._asdict().items():
                    if not math.isnan(value):
                        gauge.labels(measure, name, bound).set(value)
            self._metrics.live_answered.labels(name).set(window.whole.answered)
            self._metrics.live_asked.labels(name).set(window.whole.asked)
        if self._watch is not None:
            for place, index in self._watch.indices.items():
                self._metrics.drift.labels(*place).set(index)
        self._metrics.plateau.set(self.resting())
        for drift in self.quality.drifts:
            self._metrics.drift_found.labels(drift.kind, drift.segment).set(drift.at)


def _drift_watch(labels: tuple[str, ...]) -> DriftWatch:
    """River takes seconds to import: a desk should not wait for it."""
    from streamsel.learning.drift import DriftWatch

    return DriftWatch(labels)
