"""A micro-batch from raw records to decisions, queries and dead letters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import orjson
import pytest

from loadtest.inside.doubles import Event, ScorerDouble
from streamsel.codec import EventDecoder, decode_decision, query_id_of
from streamsel.codec.layout import Layout
from streamsel.learning.scorer import Opinions
from streamsel.metrics import Metrics
from streamsel.records import Conditions, Decision, Experience, FeatureTable
from streamsel.selection import (
    CapacityFacts,
    CapacityPolicy,
    QueryRate,
    QueryStrategy,
    StrategySettings,
    draws,
)
from streamsel.selection.candidates import Candidates, Floats
from streamsel.selection.constraints import ConstraintSettings
from streamsel.selection.draws import holdout_draws
from streamsel.selection.quotas import Quota
from streamsel.selection.rules import Comparison, Rule
from streamsel.services.decider import Decided, Decider, Scorer

ALL = QueryRate(1.0, 0.0, 10**9, 1e9)
SOME = QueryRate(0.3, 0.06, 10**9, 1e9)
FIFTH = QueryRate(0.2, 0.0, 10**9, 0.0)
LAYOUT = Layout(exclude=("note",), timestamp="at", segments=("region",))


class FixedClock:
    """Always the same moment."""

    def time(self) -> float:
        return 1_700_000_000.5

    def monotonic(self) -> float:
        return 5.0


class Opinion:
    """A model with this opinion on every event."""

    version = 12
    experience = Experience()

    def __init__(self, *row: float, labels: tuple[str, ...] = ("no", "yes")) -> None:
        self._row = row
        self.labels = labels

    def opinions(self, table: FeatureTable) -> Opinions:
        return Opinions(np.tile(np.array(self._row), (len(table.rows), 1)))

    def contributions(self, table: FeatureTable) -> Sequence[Mapping[str, float]]:
        return [dict.fromkeys(table.row(index), 0.5) for index in range(len(table.rows))]


class Committee(Opinion):
    """Two members, of whom the first counts for all; they differ on events with an odd ``a``."""

    def opinions(self, table: FeatureTable) -> Opinions:
        odd = np.array([int(row[table.names.index("a")] or 0) % 2 for row in table.rows])
        first, second = np.full(len(odd), 0.9), np.where(odd, 0.1, 0.9)
        members = np.array([np.stack([one, 1.0 - one], axis=1) for one in (first, second)])
        return Opinions(members[0], members, np.array([0.5, 0.5]))


def decider(
    scorer: Scorer,
    layout: Layout = LAYOUT,
    metrics: Metrics | None = None,
    strategy: str = "entropy",
    constraints: ConstraintSettings | None = None,
) -> Decider:
    settings = StrategySettings(strategy, seed=7, constraints=constraints or ConstraintSettings())
    return Decider(EventDecoder(layout), scorer, QueryStrategy(settings), FixedClock(), metrics or Metrics())


def records(count: int, partition: int = 0, start: int = 0) -> list[Event]:
    return [
        Event(
            "events",
            partition,
            start + number,
            orjson.dumps({"id": f"{partition}-{number}", "a": number, "b": True}),
        )
        for number in range(count)
    ]


def read(decided: Decided) -> list[Decision]:
    return [decode_decision(value) for some in decided.decisions for value in some.values]


def test_every_event_has_a_decision_and_those_asked_about_a_query() -> None:
    """Lane, propensity, utility and model version of decision and query agree; its id is the event's."""
    made = decider(Opinion(0.3, 0.7)).decide(records(400), SOME)
    decisions = read(made)
    assert [one.event_id for one in decisions] == [f"0-{number}" for number in range(400)]
    assert [one.query for one in decisions if one.query] == list(made.queries)
    assert {one.lane for one in decisions} == {"none", "uncertain", "explore"}
    assert made.events == 400
    assert made.explored == pytest.approx(400 * 0.06, rel=0.1)
    for one in decisions:
        assert one.probabilities == {"no": 0.3, "yes": 0.7}
        assert (one.model_version, one.decided_at, one.query_fraction) == (12, 1_700_000_000.5, 0.3)
        assert (one.query is None) == (one.lane == "none")
        if one.query is not None:
            assert one.query.query_id == query_id_of(one.event_id)
            assert (one.query.lane, one.query.propensity, one.query.utility) == (
                one.lane, one.propensity, one.utility,
            )  # fmt: skip


def test_the_trace_an_event_came_with_is_its_decisions_and_its_querys() -> None:
    """Asked about or not, in a batch of two partitions; what is malformed is as good as not there."""
    traces = {
        place: f"00-{number:032x}-{number:016x}-01"
        for number, place in enumerate([(0, 0), (0, 7), (1, 2), (1, 49)], start=1)
    }
    batch = [*records(50), *records(50, partition=1)]
    for row, record in enumerate(batch):
        trace = traces.get((record.partition, record.offset), "nonsense")
        batch[row] = record._replace(headers=[("origin", b"shop"), ("traceparent", trace.encode())])
    made = decider(Opinion(0.3, 0.7)).decide(batch, SOME)
    decisions = read(made)
    found = {(one.source.partition, one.source.offset): one.traceparent for one in decisions}
    assert {place: trace for place, trace in found.items() if trace is not None} == traces
    assert {one.lane for one in decisions} >= {"none", "uncertain"}
    assert [one.query.traceparent for one in decisions if one.query is not None] == [
        one.traceparent for one in decisions if one.query is not None
    ]


def test_what_is_held_out_has_a_decision_and_a_query() -> None:
    """In a lane of its own, by a draw of the event id alone, and with what draws are expected to come to."""
    rate = replace(SOME, holdout_fraction=0.1)
    made = decider(Opinion(0.3, 0.7)).decide(records(400), rate)
    held_out = {one.event_id for one in read(made) if one.lane == "holdout"}
    ids = [one.event_id for one in read(made)]
    assert held_out == {one for one, drawn in zip(ids, holdout_draws(ids, 7), strict=True) if drawn < 0.1}
    assert held_out == {one.event_id for one in made.queries if one.lane == "holdout"}
    assert made.explored == pytest.approx(400 * 0.16, rel=0.1)


def test_two_deciders_decide_alike() -> None:
    """The same events from the same start give the same bytes: no draw but that of the event ids."""
    first, second = (decider(Opinion(0.5, 0.5)).decide(records(200), SOME) for _ in range(2))
    assert first.decisions == second.decisions
    drawn = draws([one.event_id for one in read(first)], seed=7)[0]
    explored = np.array([one.lane == "explore" for one in read(first)])
    assert explored.any()
    assert drawn[explored].max() < drawn[~explored].min() + 0.02


def test_a_decision_to_ask_tells_under_what_it_was_made() -> None:
    """Configuration, candidates, what budgets allowed, what reviewers were doing; and no other does."""
    facts = CapacityFacts(7, 12.5, 3, 0.25, 20.0, 100.0)
    policy = CapacityPolicy(budget=0.4, explore=0.2, target_backlog=20, expire_seconds=900.0)
    under = Decider(
        EventDecoder(LAYOUT),
        ScorerDouble(),
        QueryStrategy(StrategySettings("entropy")),
        FixedClock(),
        Metrics(),
        "9f2c",
    )
    shares = [0.5 if at % 3 else 0.9 for at in range(40)]
    events = [
        Event("events", 0, at, orjson.dumps({"id": f"e{at}", "p": share})) for at, share in enumerate(shares)
    ]
    made = read(under.decide(events, policy.rate(facts)))
    asked = [one for one in made if one.query is not None]
    assert 0 < len(asked) < len(made)
    assert {one.conditions for one in asked} == {Conditions("9f2c", 40, 0.4, 7, 12.5, 3, 0.25)}
    assert {one.conditions for one in made if one.query is None} == {None}


def test_what_a_query_tells_the_reviewer() -> None:
    """Features by name without the missing ones, the rest as context, time and segments as configured."""
    at = 1_700_000_000_000
    event = {"id": "e", "a": 1, "b": None, "c": {"d": "x"}, "note": "see file", "at": at, "region": 4}
    made = decider(Opinion(0.5, 0.5)).decide([Event("events", 3, 9, orjson.dumps(event))], ALL)
    (query,) = made.queries
    assert query.features == {"a": 1, "c.d": "x", "region": 4}
    assert query.context == {"at": at, "b": None, "note": "see file"}
    assert (query.timestamp, query.segments) == (1_700_000_000.0, {"region": "4"})
    assert read(made)[0].segments == {"region": "4"}
    assert str(read(made)[0].source) == "events:3:9"


@pytest.mark.parametrize(
    ("scorer", "opinion", "utility"),
    [
        (Opinion(labels=()), {}, 1.0),
        (Opinion(), {}, 1.0),
        (Opinion(float("nan"), float("nan")), {}, 1.0),
        (Opinion(1.0, 0.0), {"no": 1.0, "yes": 0.0}, 0.0),
        (Opinion(0.2, 0.3, 0.5, labels=("a", "b", "c")), {"a": 0.2, "b": 0.3, "c": 0.5}, 0.9372),
    ],
)
def test_opinions_of_all_kinds(scorer: Opinion, opinion: dict[str, float], utility: float) -> None:
    """No opinion is written as none at all, and makes the event as useful as can be."""
    made = decider(scorer).decide(records(3), ALL)
    for decision, query in zip(read(made), made.queries, strict=True):
        assert decision.probabilities == query.probabilities == opinion
        assert decision.utility == query.utility == pytest.approx(utility, abs=1e-4)


def test_a_committee_is_asked_what_it_disagrees_on() -> None:
    """Members and weights reach the strategy: only events they differ on are worth a label."""
    made = decider(Committee(), strategy="committee_vote").decide(records(200), FIFTH)
    assert [one.utility > 0.9 for one in read(made)] == [number % 2 == 1 for number in range(200)]
    assert {int(query.event_id.removeprefix("0-")) % 2 for query in made.queries} == {1}


def test_a_query_says_what_moved_the_prediction() -> None:
    """By feature; where nothing could be predicted, nothing did."""
    made = decider(Opinion(0.5, 0.5), strategy="margin").decide(records(50), FIFTH)
    assert made.queries
    for query in made.queries:
        assert query.contributions == {"a": 0.5, "b": 0.5}
    unsaid = decider(Opinion(np.nan, np.nan), strategy="margin").decide(records(50), FIFTH)
    assert [dict(query.contributions) for query in unsaid.queries] == [{}] * len(unsaid.queries) != []


def by_labels(candidates: Candidates) -> Floats:
    """An acquisition function of someone's own."""
    return np.full(len(candidates), candidates.experience.labels / 100.0)


def test_the_models_experience_reaches_the_strategy() -> None:
    """What its labels tell of it, as of the version that is decided by."""
    scorer = Opinion(0.5, 0.5)
    scorer.experience = Experience((30, 12))
    made = decider(scorer, strategy=f"{__name__}:by_labels").decide(records(5), FIFTH)
    assert {one.utility for one in read(made)} == {0.42}


RULES = ConstraintSettings(
    rules=(
        Rule("large", "always", Comparison("a", ">=", 95)),
        Rule("tests", "never", Comparison("a", "<", 10)),
    ),
    quotas=(Quota("regions", "region", 0.5),),
)


def ruled(number: int, partition: int = 0, region: str = "n") -> Event:
    """Of every hundred the model is sure of the last ten, whose ``a`` is 90 to 99."""
    event = {
        "id": f"{partition}-{number}",
        "a": number % 100,
        "p": 0.99 if number % 100 >= 90 else 0.6,
        "region": region,
    }
    return Event("events", partition, number, orjson.dumps(event))


def test_rules_that_had_a_say_are_named() -> None:
    """In the decision, asked about or not, and in its query; quotas with their group."""
    events = [ruled(number, partition) for partition in range(2) for number in range(100)]
    made = decider(ScorerDouble(), constraints=RULES).decide(events, FIFTH)
    for one in read(made):
        number = one.source.offset
        if number >= 95:
            assert one.rules == ("large",)
        elif number < 10:
            assert (one.rules, one.lane) == (("tests",), "none")
        else:
            assert one.rules in ((), ("quota:regions:n",))
        assert one.query is None or one.query.rules == one.rules
    assert {query.lane for query in made.queries if query.rules == ("large",)} == {"rule"}


def test_events_are_counted_by_rule_and_quota() -> None:
    """A quota's groups come together: how many names there are is the configuration's affair alone."""
    subject = decider(ScorerDouble(), constraints=RULES)
    counts: Counter[str] = Counter()
    for start in range(0, 3_000, 100):
        events = [ruled(start + number, region="s:1" if number % 2 else "n") for number in range(100)]
        counts.update(subject.decide(events, FIFTH).rules)
    assert counts.keys() == {"large", "tests", "quota:regions"}
    assert (counts["large"], counts["tests"]) == (150, 300)


def test_partitions_are_written_apart() -> None:
    """A micro-batch over several partitions gives each its own decisions, in its order."""
    mixed: Sequence[Event] = [*records(3, 2, 10), *records(2, 0, 5), *records(1, 7)]
    made = decider(Opinion(0.5, 0.5)).decide(mixed, ALL)
    assert [(one.partition, list(one.offsets)) for one in made.decisions] == [
        (2, [10, 11, 12]),
        (0, [5, 6]),
        (7, [0]),
    ]
    assert [(one.source.partition, one.source.offset) for one in read(made)] == [
        (one.partition, one.offset) for one in mixed
    ]
    assert [query.event_id for query in made.queries] == [one.event_id for one in read(made)]


def test_poison_among_events() -> None:
    """What is no event is a dead letter dated now, and its neighbours are decided under their own offsets."""
    mixed = records(4)
    mixed[1] = mixed[1]._replace(value=b"poison")
    made = decider(Opinion(0.5, 0.5)).decide(mixed, ALL)
    assert [one.source.offset for one in read(made)] == [0, 2, 3]
    assert [(one.source.offset, one.failed_at) for one in made.letters] == [(1, 1_700_000_000.5)]


def test_nothing_to_decide() -> None:
    """No records, or no events among them, make no decisions and move neither gate nor threshold."""
    nothing = decider(Opinion(0.5, 0.5)).decide([], ALL)
    assert (nothing.events, nothing.explored, list(nothing.decisions), list(nothing.letters)) == (
        0,
        0.0,
        [],
        [],
    )
    poison = decider(Opinion(0.5, 0.5)).decide([Event("events", 0, 0, b"poison")], ALL)
    assert (poison.events, len(poison.letters), list(poison.decisions)) == (0, 1, [])


def test_stages_are_observed_once_a_micro_batch() -> None:
    """However many events there are, each stage is one observation."""
    metrics = Metrics()
    subject = decider(Opinion(0.5, 0.5), metrics=metrics)
    for _ in range(3):
        subject.decide(records(100), SOME)
    for stage in ("decode", "score", "gate"):
        assert metrics.registry.get_sample_value("streamsel_stage_seconds_count", {"stage": stage}) == 3.0
