"""A stream played from its first event to its last, by the service's own parts, in virtual time.

events ► score ► decide ► ask ► wait (events, or reviewers) ► learn
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

import numpy as np

from streamsel.backtest.reviewers import SimulatedDesk, arrivals
from streamsel.backtest.stream import Stream
from streamsel.backtest.trace import Integers, Plan, ReviewCourse, ReviewerPlan, Trace
from streamsel.learning.fold import Fold
from streamsel.learning.scorer import Opinions
from streamsel.learning.serving import ServingModel
from streamsel.learning.spec import ModelSpec
from streamsel.records import FeatureTable, Label, LabelSource, Lane
from streamsel.selection import CapacityPolicy, QueryRate
from streamsel.selection.strategy import QueryStrategy, Scored, StrategySettings

MICRO_BATCH = 25
"""Events decided by one model; their labels count from the next micro-batch on."""
LANES: tuple[Lane, ...] = ("none", "uncertain", "explore", "rule")
"""By the gate's codes."""
RATE_EVENTS = 200
"""Arrivals over which the event rate is measured."""


class Oracle(Protocol):
    """Who answers, when, and how much may be asked."""

    def rate(self, row: int) -> QueryRate:
        """What the micro-batch that starts at ``row`` may spend."""

    def ask(self, row: int, utility: float, lane: int) -> None: ...

    def answered(self, row: int) -> list[int]:
        """The rows whose labels have come by the time event ``row`` arrives, each once, in order."""

    def course(self) -> ReviewCourse | None: ...


def run(stream: Stream, plan: Plan, progress: Callable[[int], None]) -> Trace:
    """Plays the stream; ``progress`` is told how many events are decided. Raises as ``QueryStrategy.decide``
    and ``presets.build`` do."""
    began = time.perf_counter()
    play = _Play(stream, plan)
    count, seeded = len(stream), min(plan.seed_labels, len(stream))
    for first, last, step in ((0, seeded, play.seed), (seeded, count, play.micro_batch)):
        for start in range(first, last, MICRO_BATCH):
            stop = min(start + MICRO_BATCH, last)
            step(start, stop)
            progress(stop)
    play.learn(len(stream))
    return play.trace(time.perf_counter() - began)


class _Play:
    """One run and its arrays."""

    def __init__(self, stream: Stream, plan: Plan) -> None:
        self._stream = stream
        self._plan = plan
        spec = ModelSpec(stream.labels, plan.preset, plan.factory, plan.seed, stream.text, plan.copies)
        self._model = ServingModel(Fold(spec), plan.screen)
        self._strategy = QueryStrategy(
            StrategySettings(plan.strategy, plan.window, plan.seed, stream.text, plan.constraints)
        )
        self._oracle = _oracle(stream, plan)
        count = len(stream)
        self._probabilities = np.full((count, len(stream.labels)), np.nan)
        self._lanes = np.zeros(count, dtype=np.int8)
        self._propensities = np.zeros(count)
        self._learned_at: Integers = np.full(count, -1, dtype=np.int64)

    def seed(self, start: int, stop: int) -> None:
        """Predicts and learns events whose labels are known."""
        self._predict(start, stop)
        for row in range(start, stop):
            self._fold(row, "seed")

    def micro_batch(self, start: int, stop: int) -> None:
        """Learns what has come by now, then predicts and decides."""
        self.learn(start)
        table, opinions = self._predict(start, stop)
        scored = Scored(
            ids=self._stream.ids[start:stop],
            table=table,
            labels=self._stream.labels,
            probabilities=opinions.probabilities,
            segments=None if self._stream.segments is None else self._stream.segments[start:stop],
            members=opinions.members,
            weights=opinions.weights,
            experience=self._model.experience,
        )
        selected = self._strategy.decide(scored, self._oracle.rate(start))
        self._lanes[start:stop] = selected.decisions.lanes
        self._propensities[start:stop] = selected.decisions.propensities
        for offset in np.flatnonzero(selected.decisions.lanes).tolist():
            row, lane = start + offset, int(selected.decisions.lanes[offset])
            self._oracle.ask(row, float(selected.utilities[offset]), lane)

    def learn(self, row: int) -> None:
        """Every label that has come by the time event ``row`` arrives."""
        for answered in self._oracle.answered(row):
            self._fold(answered, "reviewer")
            self._learned_at[answered] = row

    def trace(self, seconds: float) -> Trace:
        """What is left behind."""
        return Trace(
            labels=self._stream.labels,
            truth=self._stream.truth,
            probabilities=self._probabilities,
            lanes=self._lanes,
            propensities=self._propensities,
            learned_at=self._learned_at,
            segments=self._stream.segments,
            seconds=seconds,
            digest=self._model.digest(),
            model_version=self._model.version,
            course=self._oracle.course(),
        )

    def _predict(self, start: int, stop: int) -> tuple[FeatureTable, Opinions]:
        table = FeatureTable.of(self._stream.events[start:stop])
        opinions = self._model.opinions(table)
        if opinions.probabilities.shape[1]:
            self._probabilities[start:stop] = opinions.probabilities
        return table, opinions

    def _fold(self, row: int, source: LabelSource) -> None:
        stream, said = self._stream, self._probabilities[row]
        known = not np.isnan(said).any()
        event_id = stream.ids[row]
        label = Label(
            label_id=event_id,
            revision=1,
            event_id=event_id,
            label=stream.labels[stream.truth[row]],
            source=source,
            labelled_by="backtest",
            labelled_at=0.0,
            features=stream.events[row],
            lane=LANES[self._lanes[row]],
            propensity=float(self._propensities[row]),
            probabilities=dict(zip(stream.labels, said.tolist(), strict=True)) if known else {},
        )
        self._model.fold.apply(self._model.version, label)


class _DelayedOracle:
    """Whatever is asked is answered ``delay`` events later."""

    def __init__(self, plan: Plan) -> None:
        self._delay = plan.delay
        self._waiting: deque[int] = deque()
        self._rate = QueryRate(
            fraction=plan.budget,
            explore_fraction=plan.explore * plan.budget,
            room=2**31,
            explore_room=2.0**31,
        )

    def rate(self, row: int) -> QueryRate:  # noqa: ARG002
        return self._rate

    def ask(self, row: int, utility: float, lane: int) -> None:  # noqa: ARG002
        self._waiting.append(row)

    def answered(self, row: int) -> list[int]:
        rows = []
        while self._waiting and self._waiting[0] + self._delay < row:
            rows.append(self._waiting.popleft())
        return rows

    def course(self) -> ReviewCourse | None:
        return None


class _ReviewingOracle:
    """Simulated reviewers behind the capacity law; labels then take ``delay`` more events to arrive."""

    def __init__(self, stream: Stream, plan: Plan, reviewers: ReviewerPlan) -> None:
        self._desk = SimulatedDesk(reviewers, plan.seed)
        self._times = arrivals(len(stream), reviewers, stream.times)
        self._delay = plan.delay
        self._landed: deque[tuple[int, int]] = deque()
        self._policy = CapacityPolicy(
            budget=plan.budget,
            explore=plan.explore,
            target_backlog=reviewers.target_backlog,
            expire_seconds=reviewers.expire_seconds,
        )

    def rate(self, row: int) -> QueryRate:
        first = max(row - RATE_EVENTS, 0)
        elapsed = self._times[row] - self._times[first]
        events_per_second = (row - first) / elapsed if elapsed > 0.0 else 0.0
        return self._policy.rate(self._desk.facts(self._now(row), events_per_second))

    def ask(self, row: int, utility: float, lane: int) -> None:
        self._desk.offer(self._now(row), row, utility, lane)

    def answered(self, row: int) -> list[int]:
        self._landed.extend((one, row) for one in self._desk.answered(self._now(row)))
        rows = []
        while self._landed and (self._landed[0][1] + self._delay <= row or row == len(self._times)):
            rows.append(self._landed.popleft()[0])
        return rows

    def course(self) -> ReviewCourse | None:
        return self._desk.course(self._now(len(self._times)))

    def _now(self, row: int) -> float:
        return float(self._times[min(row, len(self._times) - 1)])


def _oracle(stream: Stream, plan: Plan) -> Oracle:
    return _DelayedOracle(plan) if plan.reviewers is None else _ReviewingOracle(stream, plan, plan.reviewers)
