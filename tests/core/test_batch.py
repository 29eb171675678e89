"""A batch picked of a pool: the most useful events that are not alike, as rules and quotas allow."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from streamsel.records import FeatureTable
from streamsel.selection import Batch, ConstraintSettings, Scored, StrategySettings, rank_pool
from streamsel.selection.acquisition import ACQUISITIONS
from streamsel.selection.costs import Costs
from streamsel.selection.points import Space
from streamsel.selection.quotas import Quota
from streamsel.selection.rules import Comparison, Rule

Floats = NDArray[np.float64]
ENTROPY = StrategySettings("entropy")


def pool_of(matrix: Floats, positive: Floats, segments: list[str] | None = None) -> Scored:
    """Rows of numbers a, b, …, each with its probability of being positive."""
    names = tuple("abcdefgh"[: matrix.shape[1]])
    return Scored(
        ids=[f"event {row}" for row in range(len(matrix))],
        table=FeatureTable(names, [tuple(row) for row in matrix.tolist()], matrix),
        labels=("fine", "fraud"),
        probabilities=np.stack((1.0 - positive, positive), axis=1),
        segments=None if segments is None else [{"kind": kind} for kind in segments],
    )


def random_pool(size: int, seed: int = 0) -> Scored:
    """Normal in three numbers, with any predictions."""
    draw = np.random.default_rng(seed)
    return pool_of(draw.normal(size=(size, 3)), draw.random(size))


def picked(batch: Batch) -> list[int]:
    """The rows in order."""
    rows: list[int] = batch.rows.tolist()
    return rows


@given(size=st.integers(1, 60), count=st.integers(1, 80), seed=st.integers(0, 99), data=st.data())
@settings(max_examples=60, deadline=None)
def test_picks_each_row_once_and_all_there_are(size: int, count: int, seed: int, data: st.DataObject) -> None:
    """Never a labelled one; as many as asked for, or else all the rest."""
    labelled = np.array(data.draw(st.lists(st.booleans(), min_size=size, max_size=size)))
    batch = rank_pool(random_pool(size, seed), count, labelled=labelled)
    rows = picked(batch)
    assert len(set(rows)) == len(rows) == min(count, size - labelled.sum())
    assert not labelled[rows].any()
    assert ((batch.utilities >= 0.0) & (batch.utilities <= 1.0)).all()


@given(seed=st.integers(0, 999), count=st.integers(1, 25))
@settings(max_examples=30, deadline=None)
def test_agrees_with_the_formula(seed: int, count: int) -> None:
    """Greedy, each the largest utility times one less its largest similarity to those before."""
    pool = random_pool(25, seed)
    space = Space()
    points = space.place(pool.table)
    batch = rank_pool(pool, count, ENTROPY)
    variance = points.var(axis=0).sum()
    expected: list[int] = []
    while len(expected) < count:
        gains = {}
        for row in set(range(25)) - set(expected):
            likest = max(
                (np.exp(-6.0 * ((points[row] - points[one]) ** 2).sum() / variance) for one in expected),
                default=0.0,
            )
            gains[row] = batch.utilities[row] * (1.0 - likest)
        expected.append(max(gains, key=lambda row: gains[row]))
    assert picked(batch) == expected


@pytest.mark.parametrize("strategy", [name for name in ACQUISITIONS if not name.startswith("committee")])
def test_works_by_every_strategy(strategy: str) -> None:
    """The same batch for the same seed."""
    pool = random_pool(300)
    labelled = np.arange(300) < 30
    once, again = (rank_pool(pool, 10, StrategySettings(strategy, seed=4), labelled) for _ in range(2))
    assert picked(once) == picked(again)
    assert len(set(picked(once))) == 10


def test_a_burst_is_picked_a_few_times_at_most() -> None:
    """Five hundred near-copies of the most doubtful event, among two hundred others that are nearly sure."""
    draw = np.random.default_rng(1)
    burst = 1.0 + 0.005 * draw.normal(size=(500, 3))
    others = draw.normal(size=(200, 3))
    doubts = np.concatenate((np.full(500, 0.5), np.full(200, 0.999)))
    pool = pool_of(np.concatenate((burst, others)), doubts)
    batch = rank_pool(pool, 40, StrategySettings("entropy", constraints=ConstraintSettings(duplicates=3)))
    assert 1 <= sum(row < 500 for row in picked(batch)) <= 3


def test_copies_fill_the_batch_where_there_is_nothing_else() -> None:
    """Asked for ten of twelve, two of which are different, ten come: first what is different."""
    matrix = np.concatenate((np.zeros((10, 1)), np.array([[1.0], [2.0]])))
    constrained = StrategySettings("entropy", constraints=ConstraintSettings(duplicates=1))
    rows = picked(rank_pool(pool_of(matrix, np.full(12, 0.5)), 10, constrained))
    assert len(rows) == 10
    assert {10, 11} < set(rows[:3])


def test_spreads_over_what_is_alike_useful() -> None:
    """Of four tight groups, equally doubtful, the first four picked are one of each."""
    draw = np.random.default_rng(2)
    centres = np.repeat([[0.0, 0.0], [0.0, 5.0], [5.0, 0.0], [5.0, 5.0]], 50, axis=0)
    pool = pool_of(centres + 0.1 * draw.normal(size=(200, 2)), draw.uniform(0.45, 0.55, 200))
    rows = picked(rank_pool(pool, 4, ENTROPY))
    assert {row // 50 for row in rows} == {0, 1, 2, 3}


def test_finds_a_rare_kind_before_there_are_labels() -> None:
    """Ten of a thousand lie apart; of thirty picked by hybrid some are among them, at the front."""
    draw = np.random.default_rng(3)
    matrix = draw.normal(size=(1_000, 4))
    matrix[:10] = 4.0 + 0.3 * draw.normal(size=(10, 4))
    pool = pool_of(matrix, np.full(1_000, 0.5))
    unknown = Scored(pool.ids, pool.table, (), np.zeros((1_000, 0)))
    rows = picked(rank_pool(unknown, 30))
    assert min(rows[:10]) < 10


def test_what_is_labelled_counts_as_asked() -> None:
    """The most distant from all labelled ones comes first."""
    matrix = np.array([[0.0], [1.0], [2.0], [10.0]])
    pool = pool_of(matrix, np.full(4, 0.5))
    settings_ = StrategySettings("coreset")
    assert picked(rank_pool(pool, 1, settings_, np.array([True, False, False, False]))) == [3]
    assert picked(rank_pool(pool, 1, settings_, np.array([False, False, False, True]))) == [0]


def test_rules_come_first_and_never_means_never() -> None:
    """However sure the model is; each is named by its rule."""
    pool = random_pool(100)
    rules = (
        Rule("large", "always", Comparison("a", ">", 1.0)),
        Rule("tests", "never", Comparison("b", ">", 0.0)),
    )
    batch = rank_pool(pool, 100, StrategySettings("entropy", constraints=ConstraintSettings(rules)))
    values = pool.table.matrix
    assert values is not None
    rows = picked(batch)
    assert set(rows) == set(np.flatnonzero(values[:, 1] <= 0.0).tolist())
    large = [bool(values[row, 0] > 1.0) for row in rows]
    assert large == sorted(large, reverse=True)
    assert batch.reasons == {row: ("large",) for row, is_large in zip(rows, large, strict=True) if is_large}


def test_quotas_are_shares_of_the_batch() -> None:
    """A group the model is sure of gets its share, of its most useful events, and no more."""
    draw = np.random.default_rng(5)
    kinds = ["rare" if row % 20 == 0 else "common" for row in range(400)]
    doubts = np.array([0.99 if kind == "rare" else 0.5 for kind in kinds])
    pool = pool_of(draw.normal(size=(400, 3)), doubts, kinds)
    constraints = ConstraintSettings(quotas=(Quota("kinds", "kind", 0.2, ("rare",)),))
    batch = rank_pool(pool, 50, StrategySettings("entropy", constraints=constraints))
    rare = [row for row in picked(batch) if kinds[row] == "rare"]
    assert len(rare) == 10
    assert {batch.reasons[row] for row in rare} == {("quota:kinds:rare",)}
    assert len(batch.reasons) == 10


def test_all_groups_of_a_quota_without_values_get_their_share() -> None:
    """Of more groups than it can be granted to, each an equal one."""
    draw = np.random.default_rng(6)
    kinds = [f"kind {row % 4}" for row in range(80)]
    doubts = np.array([0.5 if row % 4 == 0 else 0.999 for row in range(80)])
    pool = pool_of(draw.normal(size=(80, 3)), doubts, kinds)
    constraints = ConstraintSettings(quotas=(Quota("kinds", "kind", 0.9),))
    rows = picked(rank_pool(pool, 40, StrategySettings("entropy", constraints=constraints)))
    assert min(sum(row % 4 == kind for row in rows) for kind in range(4)) >= 9


def test_utility_is_weighed_against_cost() -> None:
    """Of two events alike in all but their price the cheaper one comes first."""
    pool = pool_of(np.array([[-1.0], [1.0]]), np.array([0.5, 0.5]), ["dear", "cheap"])
    constraints = ConstraintSettings(costs=Costs(segment={"kind": {"dear": 5.0}}))
    assert picked(rank_pool(pool, 2, StrategySettings("entropy", constraints=constraints))) == [1, 0]


def test_random_is_a_sample_like_any_other() -> None:
    """Whatever the predictions, however alike; another seed draws another."""
    pool = pool_of(np.zeros((2_000, 2)), np.linspace(0.0, 1.0, 2_000))
    one, other = (picked(rank_pool(pool, 200, StrategySettings("random", seed=seed))) for seed in (1, 2))
    assert set(one) != set(other)
    assert np.mean(one) == pytest.approx(1_000, abs=150)


def test_no_fewer_than_one_is_asked_for() -> None:
    """A batch of nothing is a mistake."""
    with pytest.raises(ValueError, match="count must be at least 1 event, not 0"):
        rank_pool(random_pool(5), 0)
