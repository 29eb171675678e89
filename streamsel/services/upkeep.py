"""What goes on at the desk without anyone's call."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from streamsel.metrics import Metrics
from streamsel.ports import ReviewQueue, SourceUnavailable
from streamsel.records import LANES
from streamsel.review.refusals import DeskUnreachable, LabelLogUnreachable
from streamsel.services.resolving import Resolver
from streamsel.services.settling import Settler

_SWEEPS_A_ROUND = 100
_OUTAGE_SECONDS = 1.0


class Upkeep:
    """Settles what comes into the log, resolves opinions, ends what lapsed or expired, keeps the metrics.
    Outages are waited out."""

    def __init__(
        self,
        queue: ReviewQueue,
        settler: Settler,
        resolver: Resolver,
        metrics: Metrics,
        sweep_seconds: float,
    ) -> None:
        self._queue = queue
        self._settler = settler
        self._resolver = resolver
        self._metrics = metrics
        self._sweep_seconds = sweep_seconds
        self._log = structlog.get_logger()

    async def follow(self) -> None:
        """Keeps the store true to the log, until cancelled. Raises ``TopicRefused``, see ``Settler``."""
        await self._keep_doing(self._follow)

    async def tend(self) -> None:
        """Ends what lapsed or expired, until cancelled."""
        await self._keep_doing(self._tend)

    async def _follow(self) -> None:
        position = await self._settler.catch_up()
        await self._resolver.resolve(position)
        await self._settler.follow(position)

    async def _tend(self) -> None:
        for _ in range(_SWEEPS_A_ROUND):
            if not await self._queue.sweep(self._settler.log_settled_at):
                break
        status = await self._queue.status()
        for lane in LANES[1:]:
            backlog = status.waiting.get(lane, 0) + status.leased.get(lane, 0)
            self._metrics.review_backlog.labels(lane).set(backlog)
        self._metrics.review_oldest_seconds.set(status.oldest_seconds)
        self._metrics.live_reviewers.set(status.live_reviewers)
        self._metrics.queries_expired.set(status.expired_total)
        self._metrics.queries_dead.set(status.dead_total)
        await asyncio.sleep(self._sweep_seconds)

    async def _keep_doing(self, step: Callable[[], Awaitable[None]]) -> None:
        """Repeats ``step`` until cancelled; an outage is waited out, and told once."""
        out = False
        while True:
            try:
                await step()
            except (DeskUnreachable, LabelLogUnreachable, SourceUnavailable) as error:
                if not out:
                    self._log.warning("desk_outage", step=step.__name__, error=str(error))
                out = True
                await asyncio.sleep(_OUTAGE_SECONDS)
            else:
                if out:
                    self._log.info("desk_recovered", step=step.__name__)
                out = False
