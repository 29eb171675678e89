"""Replicas at one offset have one model. Where two have not, the odd one out folds the log anew."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import structlog

from streamsel.metrics import Metrics
from streamsel.ports import Clock
from streamsel.ports.replicas import Replica, Replicas
from streamsel.review.refusals import DeskUnreachable
from streamsel.services.ending import end
from streamsel.services.learner import Learner

LOOK_SECONDS = 5.0
REFOLD_SECONDS = 600.0
"""Between two refolds: one that came to the same model again would come to it once more."""


class Disagreement(NamedTuple):
    """Another replica's digest, which is not ours."""

    replica: str
    offset: int
    digest: str


class Agreement:
    """``run`` until cancelled, in every selector."""

    def __init__(
        self, name: str, learner: Learner, replicas: Replicas, metrics: Metrics, clock: Clock
    ) -> None:
        """``name``: this process's, unlike all others'."""
        self._name = name
        self._learner = learner
        self._replicas = replicas
        self._metrics = metrics
        self._clock = clock
        self._log = structlog.get_logger()
        self._known: set[Disagreement] = set()
        self._refolding: asyncio.Task[bool] | None = None
        self._may_refold_at = clock.monotonic()

    async def run(self) -> None:
        """While Redis does not answer, nothing is compared."""
        try:
            while True:
                try:
                    await self.publish()
                    await self.compare()
                except DeskUnreachable as error:
                    self._log.warning("replicas_not_compared", error=str(error))
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            if self._refolding is not None:
                await end(self._refolding)

    async def publish(self) -> None:
        """Says what the model is here."""
        await self._replicas.publish(self._own())

    async def compare(self) -> None:
        """With what others say of theirs. Who is the odd one out refolds in the background."""
        own = self._own()
        others = [one for one in await self._replicas.live() if one.name != own.name and one.spec == own.spec]
        found = {one for other in others for one in disagreements(own, other)}
        self._metrics.replicas_disagreeing.set(len({one.replica for one in found}))
        new, self._known = found - self._known, found
        for one in sorted(new):
            self._metrics.replica_disagreements.inc()
            self._log.error(
                "replicas_disagree",
                replica=one.replica,
                offset=one.offset,
                digest=own.digests[one.offset],
                other=one.digest,
            )
        if any(odd_one_out(own, others, one.offset) for one in new):
            self._refold()

    async def refolded(self) -> None:
        """Returns once no refold is under way."""
        if self._refolding is not None:
            await asyncio.wait([self._refolding])

    def _own(self) -> Replica:
        learner = self._learner
        return Replica(self._name, learner.scorer.fold.spec.spec_hash, learner.digests)

    def _refold(self) -> None:
        """In the background, unless it was done lately."""
        if self._clock.monotonic() < self._may_refold_at:
            return
        self._may_refold_at = self._clock.monotonic() + REFOLD_SECONDS
        self._refolding = asyncio.create_task(self._learner.refold())


def disagreements(own: Replica, other: Replica) -> list[Disagreement]:
    """Where both were at one offset, with another digest each."""
    return [
        Disagreement(other.name, offset, other.digests[offset])
        for offset in sorted(own.digests.keys() & other.digests.keys())
        if own.digests[offset] != other.digests[offset]
    ]


def odd_one_out(own: Replica, others: Sequence[Replica], offset: int) -> bool:
    """Whether our digest at an offset is not that of more than half of all who were there."""
    said = Counter(one.digests[offset] for one in (own, *others) if offset in one.digests)
    return 2 * said[own.digests[offset]] <= said.total()
