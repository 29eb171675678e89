"""An oracle that is asked, at work at the desk: a program that claims from its own queue.

    hold (store) ► claim (store) ► caught up (log) ► ask ─┬► begin (store) ► label (log) ► settle (store)
                                                          ├► opinion (log) ► pass on (store)    to be checked
                                                          └► pass on (store)    no answer, no room, no budget

What is passed on waits in people's queue, for one and the same reason whatever the true one is: whoever gets
it can't tell that the oracle has answered. One process works for an oracle at a time, and starts a round only
when it knows all that the last one brought, so that cap and budget are kept.

Killed before it appends, its leases lapse and the queries are claimed anew. Killed after a label, any desk
settles it from the log; killed after an opinion, that is found in the log and the query passed on.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, repeat

import structlog

from streamsel.codec import encode_log_record
from streamsel.metrics import Metrics
from streamsel.ports import Answer, Claim, Clock, LabelLog, ReviewQueue, SourceUnavailable
from streamsel.ports.oracles import Answerer, NoAnswer
from streamsel.ports.webhooks import DeliveryPositions
from streamsel.records import DRAWN, LabelSource
from streamsel.review.oracles import drawn
from streamsel.review.refusals import (
    DeskUnreachable,
    LabelLogRefused,
    LabelLogUnreachable,
    OnBreak,
    Paused,
    Superseded,
    UnknownQuery,
)
from streamsel.review.reviewers import Reviewer
from streamsel.services.answers import answer_of
from streamsel.services.log_lines import about
from streamsel.services.oracles.following import AccountsFollower
from streamsel.services.oracles.told import label_of, opinion_of

PASSED_ON = "not answered by an oracle"
"""The only reason ever given."""
_IDLE_SECONDS = 5.0
_OUTAGE_SECONDS = 1.0
_AT_ONCE_OVER = 0.001
"""Seconds of a hold that is given up."""
_HOUR, _DAY = 3_600.0, 86_400.0


@dataclass(frozen=True, slots=True)
class Duty:
    """What an oracle that is asked does. Its queue has its name."""

    name: str
    source: LabelSource
    tier: int
    at_once: int
    """Queries it is asked at a time."""
    an_hour: float | None = None
    """Calls for an answer, at most."""
    a_day: float | None = None
    hold_seconds: float = 30.0
    """Longer than a round takes: a process that died keeps others from going on for so long."""


class Answering:
    """``run`` until cancelled, in any number of processes."""

    def __init__(
        self,
        duty: Duty,
        answerer: Answerer,
        queue: ReviewQueue,
        log: LabelLog,
        follower: AccountsFollower,
        positions: DeliveryPositions,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        """``follower`` must be running; the oracle is one of its ``accounts.terms``."""
        self._duty = duty
        self._answerer = answerer
        self._queue = queue
        self._label_log = log
        self._follower = follower
        self._positions = positions
        self._clock = clock
        self._outcomes = metrics.oracle_answers
        self._reviewer = Reviewer(duty.name, duty.tier, frozenset({duty.name}))
        self._terms = follower.accounts.terms[duty.name]
        self._holder = secrets.token_hex(8)
        self._in_vain: deque[float] = deque()
        """When it was asked and nothing came into the log: that costs, too."""
        self._log = structlog.get_logger().bind(oracle=duty.name)

    async def run(self) -> None:
        """Outages of the log and of the store are waited out, and told once."""
        out = False
        try:
            while True:
                try:
                    if not await self.work():
                        await self._queue.wait_for_work(_IDLE_SECONDS)
                    out = False
                except (Paused, OnBreak):
                    await asyncio.sleep(_IDLE_SECONDS)
                except (DeskUnreachable, LabelLogUnreachable, SourceUnavailable) as error:
                    if not out:
                        self._log.warning("oracle_outage", error=str(error))
                    out = True
                    await asyncio.sleep(_OUTAGE_SECONDS)
        finally:
            with suppress(DeskUnreachable):
                await self._hold(_AT_ONCE_OVER)

    async def work(self) -> int:
        """One round; returns how many queries were claimed: none when another process works for this oracle.

        Raises ``DeskUnreachable``, ``LabelLogUnreachable`` or ``SourceUnavailable``, and what a reviewer is
        told who may not claim now: ``Paused`` or ``OnBreak``."""
        duty = self._duty
        if not await self._hold(duty.hold_seconds):
            return 0
        claims = await self._queue.claim(self._reviewer, [duty.name], duty.at_once)
        if claims:
            await self._follower.caught_up()
            treated = await asyncio.gather(
                *(self._treat(claim, may) for claim, may in zip(claims, self._permissions(), strict=False)),
                return_exceptions=True,
            )
            for one in treated:
                if isinstance(one, BaseException):
                    raise one
        return len(claims)

    async def _hold(self, seconds: float) -> bool:
        return await self._positions.hold(f"oracle:{self._duty.name}", self._holder, seconds, 0) is not None

    def _permissions(self) -> Iterator[bool]:
        """For one claim after the other, whether the oracle may be asked."""
        return chain(
            repeat(True, min(self._follower.accounts.room(self._duty.name), self._budget())), repeat(False)
        )

    def _budget(self) -> int:
        now, left = self._clock.time(), float(self._duty.at_once)
        while self._in_vain and self._in_vain[0] < now - _DAY:
            self._in_vain.popleft()
        for most, span in ((self._duty.an_hour, _HOUR), (self._duty.a_day, _DAY)):
            if most is not None:
                spent = self._follower.accounts.answers_since(self._duty.name, now - span)
                spent += sum(asked_at > now - span for asked_at in self._in_vain)
                left = min(left, most - spent)
        return max(int(left), 0)

    async def _treat(self, claim: Claim, may: bool) -> None:
        query_id = claim.query.query_id
        try:
            outcome = await self._outcome(claim, may)
            if outcome != "label":
                await self._queue.escalate(query_id, claim.fence, self._duty.name, PASSED_ON)
        except (Superseded, UnknownQuery):
            outcome = "superseded"
        self._outcomes.labels(self._duty.name, outcome).inc()

    async def _outcome(self, claim: Claim, may: bool) -> str:
        query = claim.query
        if not may or query.lane in DRAWN or self._follower.accounts.heard(query.query_id):
            return "passed_on"
        try:
            label = await self._answerer.answer(query)
            if drawn(query.query_id, self._duty.name, self._terms.check):
                now = self._clock.time()
                opinion = opinion_of(query.query_id, query.event_id, label, self._duty.name, now)
                await self._label_log.append([encode_log_record(opinion)])
                return "opinion"
            return await self._record(claim, label)
        except (NoAnswer, LabelLogRefused) as none:
            self._in_vain.append(self._clock.time())
            self._log.info("oracle_gave_no_answer", **about(query), reason=str(none))
            return "no_answer"
        except Superseded:
            self._in_vain.append(self._clock.time())
            raise

    async def _record(self, claim: Claim, label: str) -> str:
        query_id, name = claim.query.query_id, self._duty.name
        opened = await self._queue.begin(query_id, claim.fence, name, label, f"{name}:{claim.fence}")
        if isinstance(opened, Answer):
            return "label"
        record = label_of(opened.query, label, self._duty.source, name, self._clock.time(), opened.revision)
        try:
            (offset,) = await self._label_log.append([encode_log_record(record)])
        except LabelLogRefused:
            await self._queue.abort(query_id, claim.fence, name)
            raise
        await self._queue.settle([answer_of(record, offset)])
        return "label"
