"""All constraints at once: what the gate is told, in which order they count, and that no draw enters."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsel.records import FeatureTable
from streamsel.selection.candidates import Candidates, Recent
from streamsel.selection.capacity import QueryRate
from streamsel.selection.constraints import Constraints, ConstraintSettings
from streamsel.selection.costs import Costs
from streamsel.selection.gate import Gate
from streamsel.selection.quotas import RAISED, Quota
from streamsel.selection.rules import Comparison, Rule
from streamsel.selection.ruling import NEVER, SUPPRESSED, Ruling

LABELS = ("genuine", "fraud")
LARGE = Rule("large", "always", Comparison("amount", ">", 1000), priority=1)
OURS = Rule("ours", "never", Comparison("amount", "<", 0))
FAIR = Quota("fair", "country", 0.5, ("FR",))


def ruled(
    constraints: Constraints,
    amounts: list[float],
    countries: list[str],
    points: np.ndarray | None = None,
) -> Ruling | None:
    """A micro-batch of events with an amount and a country, the first the most useful."""
    count = len(amounts)
    matrix = np.array(amounts).reshape(count, 1)
    return constraints.rule(
        Candidates(np.full((count, 2), 0.5), points=points),
        FeatureTable(("amount",), [(amount,) for amount in amounts], matrix),
        [{"country": country} for country in countries],
        LABELS,
        np.linspace(1.0, 0.5, count),
        fraction=0.1,
    )


def test_nothing_configured_is_no_ruling() -> None:
    """Not even of zeros: the gate then need not look."""
    assert ruled(Constraints(ConstraintSettings()), [1.0, 2.0], ["DE", "FR"], np.zeros((2, 3))) is None


def test_nothing_that_applies_is_no_ruling() -> None:
    """Rules that hold of no event, quotas that owe nothing, no duplicates."""
    settings = ConstraintSettings((LARGE, OURS), (FAIR,), duplicates=3)
    assert ruled(Constraints(settings), [1.0, 2.0], ["DE", "FR"], np.eye(2)) is None


def test_rules_come_before_quotas_and_quotas_before_utility() -> None:
    """And each event names what gave it its rank."""
    constraints = Constraints(ConstraintSettings((LARGE, OURS), (FAIR,)))
    assert ruled(constraints, [1.0] * 4, ["DE"] * 4) is None
    constraints.note_asked(np.arange(4))
    ruling = ruled(constraints, [1.0, -5.0, 1.0, 5000.0, 1.0], ["DE", "FR", "FR", "FR", "FR"])
    assert ruling is not None
    assert ruling.ranks.tolist() == [0.0, NEVER, RAISED, 2.0, RAISED]
    assert ruling.reasons == {1: ("ours",), 2: ("quota:fair:FR",), 3: ("large",), 4: ("quota:fair:FR",)}
    assert ruling.costs is None


def test_two_quotas_may_be_served_by_one_query() -> None:
    """Both are named."""
    quotas = (FAIR, Quota("sure", "predicted_class", 0.5, ("genuine",)))
    constraints = Constraints(ConstraintSettings(quotas=quotas))
    ruled(constraints, [1.0] * 4, ["DE"] * 4)
    constraints.note_asked(np.arange(0))
    for _, accounts in constraints._quotas:
        accounts._debts[0] = 1.0
    ruling = ruled(constraints, [1.0, 1.0], ["FR", "DE"])
    assert ruling is not None
    assert ruling.reasons == {0: ("quota:fair:FR", "quota:sure:genuine")}


def test_duplicates_are_suppressed_unless_a_rule_wants_them() -> None:
    """Ten copies: those the rule wants stay wanted, and the quota's are suppressed like any."""
    constraints = Constraints(ConstraintSettings((LARGE,), (FAIR,), duplicates=3))
    ruled(constraints, [1.0] * 8, ["DE"] * 8, np.random.default_rng(0).normal(size=(8, 3)))
    constraints.note_asked(np.arange(8))
    ruling = ruled(constraints, [1.0] * 9 + [5000.0], ["DE"] * 5 + ["FR"] * 5, np.zeros((10, 3)))
    assert ruling is not None
    assert ruling.ranks.tolist() == [SUPPRESSED] * 5 + [RAISED] * 3 + [SUPPRESSED, 2.0]
    assert {ruling.reasons[row] for row in range(5)} == {("duplicate",)}
    assert ruling.reasons[9] == ("large",)


def test_a_micro_batch_without_points_asks_about_no_pattern() -> None:
    """What was asked in it is not remembered as points of an earlier one."""
    constraints = Constraints(ConstraintSettings(duplicates=3))
    assert ruled(constraints, [1.0] * 4, ["DE"] * 4, np.random.default_rng(0).normal(size=(4, 3))) is None
    constraints.note_asked(np.array([0]))
    assert ruled(constraints, [1.0] * 9, ["DE"] * 9) is None
    constraints.note_asked(np.arange(9))
    assert constraints._duplicates is not None
    assert len(constraints._duplicates._asked) == 1


def test_costs_are_told_and_divide_utilities() -> None:
    """In ordinary queries; without costs utilities are compared as they are."""
    constraints = Constraints(ConstraintSettings(costs=Costs(segment={"country": {"DE": 2.0}})))
    ruling = ruled(constraints, [1.0, 1.0], ["DE", "FR"])
    assert ruling is not None
    assert ruling.costs is not None
    assert ruling.costs.tolist() == [2.0, 1.0]
    assert constraints.per_cost(np.array([1.0, 0.6]), ruling) == pytest.approx([0.5, 0.6])
    assert Constraints(ConstraintSettings()).per_cost(np.array([0.7]), None).tolist() == [0.7]


def test_a_price_alone_makes_no_event_dearer() -> None:
    """Where every query costs the same there is nothing to tell the gate."""
    assert ruled(Constraints(ConstraintSettings(costs=Costs(default=4.0))), [1.0], ["DE"]) is None


def gated(
    settings: ConstraintSettings, batch: int, utilities: np.ndarray, countries: np.ndarray, points: np.ndarray
) -> np.ndarray:
    """Which of a stream's events the gate asks about, a tenth of them, a fifth of these by exploration."""
    rng = np.random.default_rng(0)
    constraints, gate, asked = Constraints(settings), Gate(), []
    rate = QueryRate(0.1, 0.02, room=10**9, explore_room=1e9)
    for start in range(0, len(utilities), batch):
        rows = slice(start, start + batch)
        count = len(utilities[rows])
        sample = points[rng.integers(max(start, 1), size=min(start, 256))]
        ruling = constraints.rule(
            Candidates(
                np.empty((count, 0)), points=points[rows], recent=Recent(sample, np.empty((len(sample), 0)))
            ),
            FeatureTable((), [()] * count),
            [{"country": country} for country in countries[rows]],
            LABELS,
            utilities[rows],
            fraction=0.1,
        )
        decided = gate.decide(utilities[rows], rate, rng.random(count), rng.random(count), ruling)
        chosen = np.flatnonzero(decided.lanes)
        constraints.note_asked(chosen)
        asked.append(start + chosen)
    return np.concatenate(asked)


@pytest.mark.parametrize("batch", [20, 500])
def test_a_quota_is_kept_by_the_gate(batch: int) -> None:
    """A group the model is sure of gets its share of the queries, and the budget is spent as ever."""
    rng = np.random.default_rng(1)
    countries = rng.choice(["DE", "FR"], 10_000, p=[0.6, 0.4])
    utilities = rng.random(10_000) * np.where(countries == "FR", 0.01, 0.9)
    points = rng.normal(size=(10_000, 3))
    quota = Quota("fair", "country", 0.25)
    asked = gated(ConstraintSettings(quotas=(quota,), duplicates=3), batch, utilities, countries, points)
    assert 0.235 <= (countries[asked] == "FR").mean() <= 0.27
    assert len(asked) == pytest.approx(1000, abs=20)


@pytest.mark.parametrize("patterns", [1, 3, 30])
@pytest.mark.parametrize("batch", [20, 500])
def test_a_stream_of_few_patterns_spends_its_budget_through_the_gate(batch: int, patterns: int) -> None:
    """To within a fiftieth: suppression only moves queries from one event to another."""
    rng = np.random.default_rng(2)
    which = rng.integers(patterns, size=11_000)
    points = rng.normal(size=(patterns, 4))[which]
    asked = gated(ConstraintSettings(duplicates=3), batch, 0.5 + which / 100, np.full(11_000, "DE"), points)
    assert np.count_nonzero(asked >= 1000) == pytest.approx(1000, abs=20)


@given(
    st.lists(
        st.lists(
            st.tuples(
                st.sampled_from([-5.0, 1.0, 5000.0]),
                st.sampled_from(["DE", "FR"]),
                st.sampled_from([0.0, 1.0]),
            ),
            min_size=1,
            max_size=20,
        ),
        min_size=1,
        max_size=5,
    ),
    st.integers(0, 2**20 - 1),
)
def test_never_is_never_whatever_else(batches: list[list[tuple[float, str, float]]], bits: int) -> None:
    """With quotas that owe, duplicates and dear segments; and always comes before everything that is not."""
    settings = ConstraintSettings(
        (LARGE, OURS), (FAIR,), Costs(segment={"country": {"FR": 3.0}}), duplicates=1, window=10
    )
    constraints = Constraints(settings)
    for batch in batches:
        amounts = [amount for amount, _, _ in batch]
        points = np.array([[point, point] for *_, point in batch])
        ruling = ruled(constraints, amounts, [country for _, country, _ in batch], points)
        assert ruling is not None
        for row, amount in enumerate(amounts):
            assert (ruling.ranks[row] == NEVER) == (amount < 0)
            assert (ruling.ranks[row] > RAISED) == (amount > 1000)
            assert (row in ruling.reasons) == (ruling.ranks[row] != 0.0)
        constraints.note_asked(np.array([row for row in range(len(batch)) if bits >> row & 1], np.intp))
