"""A stream played from its first event to its last, by the service's own parts, in virtual time.

events ► score ► decide ► ask ► wait (events, or reviewers) ► learn
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from streamsel.backtest.oracles import oracle_of
from streamsel.backtest.stream import Stream
from streamsel.backtest.trace import Integers, Plan, Trace
from streamsel.learning.fold import Fold
from streamsel.learning.scorer import Opinions
from streamsel.learning.serving import ServingModel
from streamsel.learning.spec import ModelSpec
from streamsel.records import LANES, FeatureTable, Label, LabelSource
from streamsel.selection.strategy import QueryStrategy, Scored, StrategySettings

MICRO_BATCH = 25
"""Events decided by one model; their labels count from the next micro-batch on."""


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
        self._oracle = oracle_of(stream, plan)
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
        asked = np.flatnonzero(selected.decisions.lanes).tolist()
        self._oracle.charge(len(asked), selected.decisions.cost)
        for offset in asked:
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
