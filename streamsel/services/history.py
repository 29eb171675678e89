"""Keeps the desk's history: a sample every ten seconds, thinned when it is looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import groupby
from statistics import fmean

import structlog

from streamsel.ports import Clock, QueueStatus, ReviewQueue
from streamsel.ports.history import History, Sample
from streamsel.review.refusals import DeskUnreachable

SAMPLE_SECONDS = 10
_MOST_POINTS = 360


class HistoryKeeper:
    """``run`` until cancelled, in every desk."""

    def __init__(self, queue: ReviewQueue, history: History, clock: Clock) -> None:
        self._queue = queue
        self._history = history
        self._clock = clock
        self._log = structlog.get_logger()

    async def run(self) -> None:
        """What cannot be looked at, or not be kept, is missing from the history."""
        while True:
            await asyncio.sleep(SAMPLE_SECONDS - self._clock.time() % SAMPLE_SECONDS)
            try:
                await self.take()
            except DeskUnreachable as error:
                self._log.warning("history_sample_missed", error=str(error))

    async def take(self) -> None:
        """One sample, of the last full ten seconds."""
        now = self._clock.time()
        await self._history.note(_sample(now - now % SAMPLE_SECONDS, await self._queue.status()))

    async def since(self, hours: float) -> tuple[int, Sequence[Sample]]:
        """The last ``hours``, thinned: how many seconds a sample stands for, and the samples in order."""
        step = step_seconds(hours)
        now = self._clock.time()
        return step, thinned(await self._history.since(now - hours * 3600.0), step)


def step_seconds(hours: float) -> int:
    """So many seconds a point, in whole samples, that there are ``_MOST_POINTS`` at most."""
    return SAMPLE_SECONDS * max(1, -int(-hours * 3600.0 // (_MOST_POINTS * SAMPLE_SECONDS)))


def thinned(samples: Sequence[Sample], step: int) -> Sequence[Sample]:
    """One for every ``step`` seconds of which there are samples: their means, but of ages the greatest."""
    return [
        _merged(int(start) * step, list(some)) for start, some in groupby(samples, lambda one: one.at // step)
    ]


def _merged(at: int, samples: Sequence[Sample]) -> Sample:
    return Sample(
        at=float(at),
        backlog=round(fmean(one.backlog for one in samples)),
        oldest_seconds=max(one.oldest_seconds for one in samples),
        live_reviewers=round(fmean(one.live_reviewers for one in samples)),
        completions_per_second=fmean(one.completions_per_second for one in samples),
    )


def _sample(at: float, status: QueueStatus) -> Sample:
    return Sample(
        at=at,
        backlog=sum(status.waiting.values()) + sum(status.leased.values()),
        oldest_seconds=status.oldest_seconds,
        live_reviewers=status.live_reviewers,
        completions_per_second=status.completions_per_second,
    )
