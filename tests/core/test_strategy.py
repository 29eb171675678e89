"""The query strategy as a whole: what it remembers, what it explains, and how it begins."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping

import numpy as np
import pytest

from streamsel.records import Experience, FeatureTable
from streamsel.selection import (
    ConstraintSettings,
    QueryRate,
    QueryStrategy,
    Scored,
    Selected,
    StrategySettings,
)
from streamsel.selection.acquisition import AcquisitionRefused
from streamsel.selection.candidates import Floats
from streamsel.selection.gate import EXPLORE, RULE, UNCERTAIN
from streamsel.selection.quotas import Quota
from streamsel.selection.rules import Comparison, Rule

LABELS = ("fine", "fraud")
TENTH = QueryRate(0.1, 0.02, 2**31, 2.0**31)
KNOWING = Experience((500, 500), explored_loss=0.1, explored_prior_loss=0.7)
"""Of a model that is past its cold start."""
NAMES = ("a", "b", "c")


def micro_batch(
    points: Floats,
    first: int = 0,
    *,
    experience: Experience = KNOWING,
    segments: list[Mapping[str, str]] | None = None,
) -> Scored:
    """Events at these points, the model in doubt the nearer ``a`` is to 0."""
    doubt = np.exp(-np.abs(points[:, 0]))
    probabilities = np.column_stack((doubt / 2.0, 1.0 - doubt / 2.0))
    if not experience.counts:
        probabilities = np.zeros((len(points), 0))
    rows = [tuple(row) for row in points.tolist()]
    return Scored(
        ids=[f"event-{first + row}" for row in range(len(points))],
        table=FeatureTable(NAMES[: points.shape[1]], rows, points),
        labels=LABELS,
        probabilities=probabilities,
        segments=segments,
        experience=experience,
    )


def stream(events: int, size: int, seed: int = 1) -> Iterator[Scored]:
    draws = np.random.default_rng(seed)
    for first in range(0, events, size):
        yield micro_batch(draws.normal(size=(size, 3)), first)


def strategy(name: str = "hybrid", **constraints: object) -> QueryStrategy:
    return QueryStrategy(StrategySettings(name, constraints=ConstraintSettings(**constraints)))  # type: ignore[arg-type]


def same(one: Selected, other: Selected) -> bool:
    return (
        np.array_equal(one.utilities, other.utilities)
        and np.array_equal(one.decisions.lanes, other.decisions.lanes)
        and np.array_equal(one.decisions.propensities, other.decisions.propensities)
        and one.reasons == other.reasons
    )


@pytest.mark.parametrize("name", ["hybrid", "entropy", "density", "coreset", "expected_error", "random"])
def test_a_pickled_strategy_goes_on_alike(name: str) -> None:
    """At any moment: all that it remembers is in the pickle, and a copy decides the same from there."""
    subject = strategy(name, duplicates=3)
    for number, batch in enumerate(stream(2_000, 100)):
        copy = pickle.loads(pickle.dumps(subject))  # noqa: S301 - our own bytes
        assert same(subject.decide(batch, TENTH), copy.decide(batch, TENTH))
        if number % 3 == 0:
            subject = copy


def test_two_that_saw_the_same_decide_the_same() -> None:
    """No draw but those by the events' ids and the seed."""
    one, other = strategy(duplicates=3), strategy(duplicates=3)
    different = QueryStrategy(StrategySettings(seed=1, constraints=ConstraintSettings(duplicates=3)))
    differences = 0
    for batch in stream(2_000, 100):
        decided = one.decide(batch, TENTH)
        assert same(decided, other.decide(batch, TENTH))
        differences += not same(decided, different.decide(batch, TENTH))
    assert differences > 10


def test_the_budget_is_spent_on_the_most_useful_and_at_random() -> None:
    """A tenth of the events, some of them explored whatever their utility."""
    subject = strategy("entropy")
    utilities, lanes = [], []
    for batch in stream(5_000, 250):
        selected = subject.decide(batch, TENTH)
        utilities.append(selected.utilities)
        lanes.append(selected.decisions.lanes)
    all_utilities, all_lanes = np.concatenate(utilities), np.concatenate(lanes)
    assert np.count_nonzero(all_lanes) == pytest.approx(500, rel=0.05)
    assert np.count_nonzero(all_lanes == EXPLORE) == pytest.approx(100, rel=0.3)
    assert np.quantile(all_utilities[all_lanes == UNCERTAIN], 0.05) > np.quantile(all_utilities, 0.85)
    assert np.median(all_utilities[all_lanes == EXPLORE]) == pytest.approx(np.median(all_utilities), abs=0.1)


@pytest.mark.parametrize("name", ["hybrid", "random"])
def test_the_first_events_of_an_unknown_stream_are_asked_about_twice_as_often(name: str) -> None:
    """Later ones less, so that the budget is charged its fraction; with labels, as after a restart, or with a
    model that brought its knowledge along, all are asked about alike."""
    for experience, first in ((Experience(), 16), (KNOWING, 8)):
        begun, draws = strategy(name), np.random.default_rng(7)
        asked = [
            np.count_nonzero(
                begun.decide(
                    micro_batch(draws.normal(size=(20, 3)), start, experience=experience), TENTH
                ).decisions.lanes
            )
            for start in range(0, 1_080, 20)
        ]
        assert sum(asked[:4]) == pytest.approx(first, abs=4)
        assert sum(asked) == pytest.approx(108, abs=8)


def test_every_rule_that_had_a_say_is_named() -> None:
    """Rules by name, quotas by name and group, near-duplicates as such; and only those."""
    draws = np.random.default_rng(3)
    subject = strategy(
        "entropy",
        rules=(
            Rule("large", "always", Comparison("b", ">", 2.5)),
            Rule("tests", "never", Comparison("c", "<", -1.5)),
        ),
        quotas=(Quota("regions", "region", 0.3, ("north",)),),
        duplicates=2,
    )
    said: dict[str, list[tuple[float, float, float, int, str]]] = {}
    for first in range(0, 4_000, 200):
        points = draws.normal(size=(200, 3))
        points[50:90] = (0.01, 0.2, 0.3)
        regions = draws.choice(["north", "south"], 200, p=[0.1, 0.9]).tolist()
        segments: list[Mapping[str, str]] = [{"region": region} for region in regions]
        selected = subject.decide(micro_batch(points, first, segments=segments), TENTH)
        for row, reasons in selected.reasons.items():
            for reason in reasons:
                lane = int(selected.decisions.lanes[row])
                said.setdefault(reason, []).append((*points[row].tolist(), lane, regions[row]))
    assert set(said) == {"large", "tests", "quota:regions:north", "duplicate"}
    assert all(b > 2.5 for _, b, _, _, _ in said["large"])
    assert {lane for *_, lane, _ in said["large"]} & {RULE}
    assert all(c < -1.5 and lane == 0 for _, _, c, lane, _ in said["tests"])
    assert {region for *_, region in said["quota:regions:north"]} == {"north"}
    assert {(a, b, c) for a, b, c, _, _ in said["duplicate"]} == {(0.01, 0.2, 0.3)}


def test_a_burst_is_asked_about_a_few_times() -> None:
    """Of 300 copies of one doubtful event; without suppression they take all there is to spend."""
    asked = []
    for duplicates in (3, 0):
        subject, draws, count = strategy(duplicates=duplicates), np.random.default_rng(4), 0
        for first in range(0, 3_000, 100):
            points = draws.normal(size=(100, 3))
            burst = 1_000 <= first < 1_300
            if burst:
                points[:] = (0.0, 0.5, -0.5)
            decided = subject.decide(micro_batch(points, first), TENTH).decisions
            count += burst * int(np.count_nonzero(decided.lanes == UNCERTAIN))
        asked.append(count)
    assert asked[0] <= 4 < 10 < asked[1]


def test_before_there_is_a_model_what_lies_apart_is_asked_about() -> None:
    """Of 20 outliers among 2,000 events, most, at a tenth of all: at random it would be two."""
    draws = np.random.default_rng(5)
    points = draws.normal(size=(2_000, 3))
    outliers = np.sort(draws.choice(np.arange(500, 2_000), 20, replace=False))
    points[outliers] = draws.choice([-6.0, 6.0], (20, 3)) + draws.normal(size=(20, 3))
    subject, lanes = strategy(), []
    for first in range(0, 2_000, 50):
        batch = micro_batch(points[first : first + 50], first, experience=Experience())
        lanes.append(subject.decide(batch, TENTH).decisions.lanes)
    asked = np.concatenate(lanes) > 0
    assert np.count_nonzero(asked) == pytest.approx(200, rel=0.1)
    assert np.count_nonzero(asked[outliers]) >= 8


@pytest.mark.parametrize(
    ("less", "more"),
    [
        (Experience((500, 500)), Experience((990, 10))),
        (Experience((500, 500)), Experience((20, 20))),
        (Experience((500, 500)), Experience()),
    ],
    ids=["a class is rare", "labels are few", "there are none"],
)
def test_hybrid_explores_more_while_little_is_known(less: Experience, more: Experience) -> None:
    """Its share of queries drawn at random follows the labels; others keep to what is configured."""
    explored: dict[str, list[float]] = {}
    for name in ("hybrid", "entropy"):
        for experience in (less, more):
            subject, draws, shares = strategy(name), np.random.default_rng(6), []
            for first in range(0, 3_000, 100):
                batch = micro_batch(draws.normal(size=(100, 3)), first, experience=experience)
                shares.append(subject.decide(batch, TENTH).decisions.explore_fraction)
            explored.setdefault(name, []).append(float(np.mean(shares)))
    assert explored["hybrid"][1] > 1.3 * explored["hybrid"][0]
    assert explored["entropy"] == [pytest.approx(0.02, rel=0.1)] * 2


def test_a_committee_strategy_refuses_a_model_without_members() -> None:
    """With what would be right."""
    with pytest.raises(AcquisitionRefused, match="committee_kl needs a committee"):
        strategy("committee_kl").decide(next(stream(10, 10)), TENTH)


def test_a_model_without_an_opinion_makes_every_event_useful() -> None:
    """NaN for one event: utility 1; the others' is as it was."""
    subject = strategy("entropy")
    batch = micro_batch(np.full((4, 3), 2.0))
    batch.probabilities[1] = np.nan
    utilities = subject.decide(batch, TENTH).utilities
    assert utilities[1] == 1.0
    assert (utilities[[0, 2, 3]] < 0.9).all()


@pytest.mark.parametrize("name", ["hybrid", "coreset", "density"])
def test_poor_streams_do_no_harm(name: str) -> None:
    """Constant, new or no features, missing values, texts: the budget is spent all the same."""
    subject = strategy(name, duplicates=3)
    tables = [
        FeatureTable((), [()] * 100),
        FeatureTable(("a",), [(1.0,)] * 100),
        FeatureTable(("a", "b"), [(None, float("nan"))] * 100),
        FeatureTable(("a", "z"), [(float(row), f"text {row}") for row in range(100)]),
    ]
    asked = 0
    for number in range(80):
        table = tables[number % 4]
        scored = Scored(
            ids=[f"{number}-{row}" for row in range(100)],
            table=table,
            labels=LABELS,
            probabilities=np.full((100, 2), 0.5),
            experience=KNOWING,
        )
        asked += int(np.count_nonzero(subject.decide(scored, TENTH).decisions.lanes))
    assert asked == pytest.approx(800, rel=0.1)
