"""Challengers in shadow: what they would have predicted, beside what the champion would have.

For each open challenge two folds follow the label log, one of either model, in slices like the learner's. Of
every explored label that a person gave since the challenge, the score of what each would have served just
before it learned the label is kept, and by these they are compared. So what a comparison says follows from
the log alone; and when it says that the challenger is better, the promotion is put into the log.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import structlog

from streamsel.learning.applied import Applied, Outcome
from streamsel.learning.course import Challenge, DirectiveRefused, InForce
from streamsel.learning.fold import Fold
from streamsel.learning.gaps import Gap
from streamsel.learning.promotion import Standing, compared, score
from streamsel.metrics import Metrics
from streamsel.ports import Clock, LabelLog
from streamsel.records import Directive, Label, PromotionRule
from streamsel.review.refusals import LabelLogRefused, LabelLogUnreachable
from streamsel.services.directing import Directing
from streamsel.services.folding import Folding, KeptFolds, LogEntry

_PEOPLE = ("reviewer", "consensus")
_NO_OPINION = np.zeros(0)
_NOTHING_YET = Standing(0, 0.0, 1.0, promoted=False)


class Champion(Protocol):
    """The learner."""

    @property
    def version(self) -> int: ...

    @property
    def in_force(self) -> InForce: ...

    async def reached(self, version: int) -> None: ...


@dataclass
class _Contestant:
    """One model's fold, and its scores by offset."""

    fold: Fold
    rule: PromotionRule
    since: int
    scores: dict[int, float] = field(default_factory=dict)
    next_offset: int = 0

    async def advance(self, folding: Folding, end: int) -> None:
        """Up to ``end`` of the log."""
        if self.fold.version < end:
            self.fold = await folding.advanced(self.fold, end, self._account)

    def _account(self, entry: LogEntry, applied: Applied) -> None:
        if entry.offset < self.next_offset:
            # The fold was rewound: what comes is told anew.
            self.scores = {offset: kept for offset, kept in self.scores.items() if offset < entry.offset}
        self.next_offset = entry.offset + 1
        record = entry.record
        if (
            entry.offset < self.since
            or applied.outcome is not Outcome.LEARNED
            or not isinstance(record, Label)
        ):
            return
        if record.lane == "explore" and record.source in _PEOPLE:
            predicted = _NO_OPINION if applied.predicted is None else applied.predicted
            index = self.fold.spec.labels.index(record.label)
            self.scores[entry.offset] = score(self.rule, predicted, index)


@dataclass
class _Trial:
    challenge: Challenge
    champion: _Contestant
    challenger: _Contestant
    standing: Standing = field(init=False, default=_NOTHING_YET)

    def goes_by(self, gaps: tuple[Gap, ...]) -> bool:
        """From here on, if what they have learned so far allows it."""
        folds = (self.champion.fold, self.challenger.fold)
        if not all(InForce(fold.spec, gaps).makes(fold) for fold in folds):
            return False
        for fold in folds:
            fold.gaps = gaps
        return True

    def compare(self) -> None:
        """By the labels that both have met."""
        both = sorted(self.champion.scores.keys() & self.challenger.scores.keys())
        self.standing = compared(
            self.challenge.rule,
            np.array([self.champion.scores[offset] for offset in both]),
            np.array([self.challenger.scores[offset] for offset in both]),
        )


class Trials:
    """``run`` beside the learner, until cancelled."""

    def __init__(
        self,
        log: LabelLog,
        directing: Directing,
        metrics: Metrics,
        clock: Clock,
        kept: KeptFolds | None = None,
    ) -> None:
        """``kept`` are the snapshots, if there are any."""
        self._folding = Folding(log, metrics, clock, kept)
        self._directing = directing
        self._metrics = metrics
        self._clock = clock
        self._trials: dict[str, _Trial] = {}
        self._advancing = asyncio.Lock()
        self._log = structlog.get_logger()

    @property
    def standings(self) -> dict[str, Standing]:
        """By the id of the challenge."""
        return {name: trial.standing for name, trial in self._trials.items()}

    async def run(self, champion: Champion) -> None:
        """Follows the champion."""
        while True:
            version = champion.version
            await self.advance(champion.in_force, version)
            await champion.reached(version + 1)

    async def advance(self, in_force: InForce, end: int) -> None:
        """Brings all challenges that are open up to ``end``, and promotes whom it is due."""
        async with self._advancing:
            for name in self._trials.keys() - in_force.challenges.keys():
                self._forget(name)
            for name, challenge in in_force.challenges.items():
                trial = self._trials.get(name)
                if trial is None or trial.challenge != challenge or not trial.goes_by(in_force.gaps):
                    self._trials[name] = trial = await self._begun(in_force, challenge, end)
                await trial.champion.advance(self._folding, end)
                await trial.challenger.advance(self._folding, end)
                await asyncio.to_thread(trial.compare)
        for name, trial in list(self._trials.items()):
            standing = trial.standing
            self._metrics.challenger_labels.labels(name).set(standing.labels)
            self._metrics.challenger_gain.labels(name).set(standing.gain)
            self._metrics.challenger_wealth.labels(name).set(standing.wealth)
            if standing.promoted:
                await self._promote(name, trial.challenge, standing)

    async def release(self, in_force: InForce) -> Fold | None:
        """The challenger's fold that has become what is in force, if there is one; it is not used here any
        more."""
        async with self._advancing:
            for name, trial in self._trials.items():
                if in_force.makes(trial.challenger.fold):
                    self._forget(name)
                    trial.challenger.fold.gaps = in_force.gaps
                    return trial.challenger.fold
        return None

    async def _begun(self, in_force: InForce, challenge: Challenge, end: int) -> _Trial:
        self._log.info("challenger_begins", model=challenge.spec.preset, since=challenge.since)
        folds = (
            await self._folding.started(in_force, end, before=challenge.since),
            await asyncio.to_thread(Fold, challenge.spec, in_force.gaps),
        )
        return _Trial(challenge, *(_Contestant(fold, challenge.rule, challenge.since) for fold in folds))

    def _forget(self, name: str) -> None:
        del self._trials[name]
        for gauge in (
            self._metrics.challenger_labels,
            self._metrics.challenger_gain,
            self._metrics.challenger_wealth,
        ):
            with suppress(KeyError):
                gauge.remove(name)

    async def _promote(self, name: str, challenge: Challenge, standing: Standing) -> None:
        promotion = Directive(
            # Every selector finds the same, and all say it under one name.
            directive_id=f"promotion-{name}-{challenge.since}",
            action="promote",
            issued_by="rule",
            issued_at=self._clock.time(),
            reason=f"better by the rule declared with {name}",
            challenge=name,
            evidence=standing.evidence(),
        )
        try:
            given = await self._directing.give(promotion)
        except (DirectiveRefused, LabelLogRefused, LabelLogUnreachable) as error:
            self._log.warning("promotion_waits", challenge=name, error=str(error))
        else:
            self._log.info("promoted", challenge=name, offset=given.offset, **standing.evidence())
