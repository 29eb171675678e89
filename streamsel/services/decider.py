"""A micro-batch of raw records to decisions: decode, score, select, encode. No I/O and no waiting.

Nothing yields to the event loop in here, so one micro-batch is decided by one model version.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, groupby
from math import isfinite
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from streamsel.codec import DecisionColumns, EventBatch, EventDecoder, encode_decisions, query_id_of
from streamsel.codec.trace_context import carried
from streamsel.learning.evaluation.sums import DecidedEvents
from streamsel.learning.scorer import Opinions
from streamsel.metrics import Metrics
from streamsel.ports import Clock, OutgoingDecisions, SourceRecord
from streamsel.records import LANES, Conditions, DeadLetter, Experience, FeatureTable, Query
from streamsel.selection import QueryRate, QueryStrategy, Scored, Selected
from streamsel.services.summarising import Summariser


class Scorer(Protocol):
    """The serving model, as the learner keeps it."""

    @property
    def version(self) -> int: ...

    @property
    def labels(self) -> tuple[str, ...]: ...

    @property
    def experience(self) -> Experience: ...

    def opinions(self, table: FeatureTable) -> Opinions: ...

    def contributions(self, table: FeatureTable) -> Sequence[Mapping[str, float]]: ...


@dataclass(frozen=True, slots=True)
class Decided:
    """What came of a micro-batch."""

    decisions: Sequence[OutgoingDecisions]
    queries: Sequence[Query]
    letters: Sequence[DeadLetter]
    events: int
    explored: float
    """How many queries the draws give in expectation, those held out among them."""
    threshold: float
    cost: float = 0.0
    """What the queries come to, in ordinary ones."""
    rules: Mapping[str, int] = field(default_factory=dict)
    """About how many events each rule, quota and so on had a say, by its configured name."""


class Decider:
    """Holds what stays from one micro-batch to the next: the decoder's shape and the strategy's memory."""

    def __init__(
        self,
        decoder: EventDecoder,
        scorer: Scorer,
        strategy: QueryStrategy,
        clock: Clock,
        metrics: Metrics,
        configuration: str | None = None,
        summariser: Summariser | None = None,
    ) -> None:
        """``configuration`` is the id under which what is configured was recorded; without ``summariser``
        nothing is told of all events together."""
        self._decoder = decoder
        self._scorer = scorer
        self._strategy = strategy
        self._clock = clock
        self._metrics = metrics
        self._configuration = configuration
        self._summariser = summariser

    def event_id(self, record: SourceRecord) -> str | None:
        """The id of a record's event; ``None`` when it is no event."""
        return self._decoder.event_id(record)

    def decide(self, records: Sequence[SourceRecord], rate: QueryRate) -> Decided:
        """Every record as a decision or a dead letter, in order; ``records`` grouped by partition."""
        started = self._clock.monotonic()
        now = self._clock.time()
        batch = self._decoder.decode(records, now)
        decoded = self._clock.monotonic()
        stage = self._metrics.stage
        stage["decode"].observe(decoded - started)
        if not batch.ids:
            return Decided((), (), batch.letters, 0, 0.0, float("nan"))
        opinions = self._scorer.opinions(batch.table)
        scored = self._clock.monotonic()
        stage["score"].observe(scored - decoded)
        selected = self._select(batch, opinions, rate)
        gated = selected.decisions
        shared = _Shared(batch, opinions.probabilities, selected, now, _traceparents(batch))
        lanes: list[int] = gated.lanes.tolist()
        asked = np.flatnonzero(gated.lanes)
        queries = dict(zip(asked.tolist(), self._queries(shared, asked), strict=True))
        decisions = [
            self._encoded(shared, start, stop, lanes, queries, rate)
            for start, stop in _by_partition(batch.records)
        ]
        if self._summariser is not None:
            events = DecidedEvents(opinions.probabilities, gated.lanes, gated.propensities)
            self._summariser.add(now, self._scorer.labels, events, batch.table, batch.segments)
        stage["gate"].observe(self._clock.monotonic() - scored)
        return Decided(
            decisions,
            list(queries.values()),
            batch.letters,
            events=len(batch.ids),
            explored=len(batch.ids) * gated.explore_fraction,
            threshold=gated.threshold,
            cost=gated.cost,
            rules=_counted(selected.reasons),
        )

    def _select(self, batch: EventBatch, opinions: Opinions, rate: QueryRate) -> Selected:
        scored = Scored(
            ids=batch.ids,
            table=batch.table,
            labels=self._scorer.labels,
            probabilities=opinions.probabilities,
            segments=batch.segments,
            members=opinions.members,
            weights=opinions.weights,
            experience=self._scorer.experience,
        )
        return self._strategy.decide(scored, rate)

    def _encoded(
        self,
        shared: _Shared,
        start: int,
        stop: int,
        lanes: Sequence[int],
        queries: dict[int, Query],
        rate: QueryRate,
    ) -> OutgoingDecisions:
        batch, first = shared.batch, shared.batch.records[start]
        offsets = [record.offset for record in batch.records[start:stop]]
        columns = DecisionColumns(
            topic=first.topic,
            partition=first.partition,
            offsets=offsets,
            event_ids=batch.ids[start:stop],
            decided_at=shared.now,
            model_version=self._scorer.version,
            labels=self._scorer.labels,
            probabilities=shared.probabilities[start:stop],
            utilities=shared.selected.utilities[start:stop],
            threshold=shared.selected.decisions.threshold,
            query_fraction=rate.fraction,
            lanes=lanes[start:stop],
            propensities=shared.selected.decisions.propensities[start:stop],
            queries={row - start: query for row, query in queries.items() if start <= row < stop},
            segments=None if batch.segments is None else batch.segments[start:stop],
            rules={
                row - start: rules for row, rules in shared.selected.reasons.items() if start <= row < stop
            },
            conditions=self._conditions(shared.selected, rate),
            traceparents={
                row - start: one for row, one in shared.traceparents.items() if start <= row < stop
            },
        )
        return OutgoingDecisions(first.partition, offsets, encode_decisions(columns))

    def _conditions(self, selected: Selected, rate: QueryRate) -> Conditions:
        candidates, facts = selected.decisions.candidates, rate.facts
        if facts is None:
            return Conditions(self._configuration, candidates, rate.affordable)
        return Conditions(
            self._configuration,
            candidates,
            rate.affordable,
            backlog=facts.backlog,
            oldest_seconds=facts.oldest_seconds,
            live_reviewers=facts.live_reviewers,
            completions_per_second=facts.completions_per_second,
        )

    def _queries(self, shared: _Shared, asked: NDArray[np.intp]) -> Iterator[Query]:
        """Of the events in these rows."""
        if not len(asked):
            return
        batch, layout, gated = shared.batch, self._decoder.layout, shared.selected.decisions
        labels, version = self._scorer.labels, self._scorer.version
        columns = zip(
            asked.tolist(),
            gated.lanes[asked].tolist(),
            gated.propensities[asked].tolist(),
            shared.selected.utilities[asked].tolist(),
            shared.probabilities[asked].tolist(),
            self._scorer.contributions(batch.table.some(asked.tolist())),
            strict=True,
        )
        for row, lane, propensity, utility, opinion, contributions in columns:
            event, features = batch.objects[row], batch.table.row(row)
            known = len(opinion) > 0 and all(map(isfinite, opinion))
            yield Query(
                query_id=query_id_of(batch.ids[row]),
                event_id=batch.ids[row],
                lane=LANES[lane],
                propensity=propensity,
                utility=utility,
                probabilities=dict(zip(labels, opinion, strict=True)) if known else {},
                model_version=version,
                decided_at=shared.now,
                features=features,
                context=layout.event_context(event, features),
                timestamp=layout.event_time(event),
                segments={} if batch.segments is None else batch.segments[row],
                rules=shared.selected.reasons.get(row, ()),
                contributions=contributions if known else {},
                traceparent=shared.traceparents.get(row),
            )


@dataclass(frozen=True, slots=True)
class _Shared:
    """One micro-batch's columns."""

    batch: EventBatch
    probabilities: NDArray[np.float64]
    selected: Selected
    now: float
    traceparents: Mapping[int, str]
    """By row."""


def _traceparents(batch: EventBatch) -> dict[int, str]:
    """Of the events that came with one, by row."""
    found = ((row, carried(record.headers)) for row, record in enumerate(batch.records) if record.headers)
    return {row: traceparent for row, traceparent in found if traceparent is not None}


def _counted(reasons: Mapping[int, tuple[str, ...]]) -> Mapping[str, int]:
    """Events by rule; a quota's groups, of which there may be any number, together."""
    counts: Counter[str] = Counter()
    for reason, events in Counter(chain.from_iterable(reasons.values())).items():
        counts[":".join(reason.split(":", 2)[:2])] += events
    return counts


def _by_partition(records: Sequence[SourceRecord]) -> list[tuple[int, int]]:
    """The stretches of equal topic and partition."""
    if records[0].partition == records[-1].partition and records[0].topic == records[-1].topic:
        return [(0, len(records))]
    stretches, start = [], 0
    for _, group in groupby(records, key=lambda record: (record.topic, record.partition)):
        stop = start + sum(1 for _ in group)
        stretches.append((start, stop))
        start = stop
    return stretches
