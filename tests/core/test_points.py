"""Events as points: scales, missing values, categories, words, and bounds on all of it."""

from __future__ import annotations

import pickle
import statistics
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from streamsel.records import FeatureTable, Value
from streamsel.selection.candidates import Floats
from streamsel.selection.points import CATEGORY, FURTHEST, HASHED, OWN, Space
from tests.core.learning_strategies import rows, table_of

matrices = st.tuples(st.integers(1, 5), st.integers(1, 6), st.integers(1, 4)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=st.floats(-1e3, 1e3))
)


def numbers(matrix: Floats, names: tuple[str, ...] | None = None) -> FeatureTable:
    """A table of numbers alone, as the fast path takes it."""
    names = names or tuple(f"n{column:05}" for column in range(matrix.shape[1]))
    return FeatureTable(names, [tuple(row) for row in matrix.tolist()], matrix)


@given(matrices)
def test_numbers_are_standardised_by_all_events_so_far(batches: Floats) -> None:
    """By mean and standard deviation of every event up to the last of the batch, clipped."""
    space = Space()
    for count, batch in enumerate(batches, start=1):
        points = space.place(numbers(batch))
        for column in range(batch.shape[1]):
            seen = batches[:count, :, column].ravel().tolist()
            mean, deviation = statistics.fmean(seen), statistics.pstdev(seen)
            if deviation > 1e-6:
                expected = np.clip((batch[:, column] - mean) / deviation, -FURTHEST, FURTHEST)
                assert points[:, column] == pytest.approx(expected, abs=1e-4)


def test_later_events_count_for_the_scale_as_well() -> None:
    """Not all of them, but a stream that moves for good becomes the new mean in the end."""
    space, draws = Space(), np.random.default_rng(5)
    for _ in range(10):
        space.place(numbers(draws.normal(0.0, 1.0, (500, 1))))
    for _ in range(400):
        space.place(numbers(draws.normal(10.0, 1.0, (500, 1))))
    assert abs(space.place(numbers(np.full((1, 1), 10.0)))[0, 0]) < 1.0


@given(matrices)
def test_both_ways_give_the_same_points(batches: Floats) -> None:
    """A table with its matrix and one without are the same events."""
    fast, slow = Space(), Space()
    for batch in batches:
        table = numbers(batch)
        assert fast.place(table).tolist() == slow.place(FeatureTable(table.names, table.rows)).tolist()


@pytest.mark.parametrize("constant", [0.0, 0.1, -1e9, 1e100])
def test_a_constant_is_no_difference(constant: float) -> None:
    """However large, and however it rounds."""
    space = Space()
    for events in (1, 7, 500):
        assert space.place(numbers(np.full((events, 2), constant))).tolist() == [[0.0, 0.0]] * events


def test_missing_and_unusable_numbers_are_the_mean() -> None:
    """None, NaN and a string among numbers give 0, and do not count for the scale."""
    space = Space()
    space.place(FeatureTable(("a",), [(1.0,), (3.0,)]))
    points = space.place(FeatureTable(("a",), [(None,), (float("nan"),), (1.0,), (3.0,)]))
    assert points[:, 0].tolist() == [0.0, 0.0, -1.0, 1.0]


def test_infinite_numbers_are_the_furthest() -> None:
    """They are taken for the largest there are."""
    space = Space()
    space.place(numbers(np.arange(100.0)[:, np.newaxis]))
    assert np.isfinite(space.place(numbers(np.array([[np.inf], [-np.inf], [1.0]])))).all()


@given(st.lists(st.lists(rows, max_size=4), max_size=4))
def test_any_features_give_finite_points(batches: list[list[tuple[Value, ...]]]) -> None:
    """Of every kind, mixed within a column, missing, huge: one row an event, bounded."""
    space = Space(text="note")
    for batch in batches:
        points = space.place(table_of(batch))
        assert points.shape == (len(batch), space.dimensions)
        assert np.isfinite(points).all()
        assert (np.abs(points) <= FURTHEST).all()


def test_two_events_that_differ_in_a_category_are_one_apart() -> None:
    """About a standard deviation; those of one category are at one place."""
    space = Space()
    points = space.place(FeatureTable(("c",), [("SE",), ("DE",), ("SE",), (None,)]))
    assert np.linalg.norm(points[0] - points[1]) == pytest.approx(1.0)
    assert np.linalg.norm(points[0] - points[2]) == 0.0
    assert np.linalg.norm(points[3]) == 0.0
    assert np.abs(points).max() == CATEGORY


def test_texts_with_more_words_in_common_are_nearer() -> None:
    """Each of length 1, whatever the case and however long."""
    space = Space(text="t")
    texts = ["win cash now", "WIN cash, today", "see you at the meeting", ""]
    points = space.place(FeatureTable(("t",), [(text,) for text in texts]))
    assert np.linalg.norm(points, axis=1) == pytest.approx([1.0, 1.0, 1.0, 0.0])
    assert np.linalg.norm(points[0] - points[1]) < np.linalg.norm(points[0] - points[2])


def test_new_columns_come_after_the_old_ones() -> None:
    """An older point keeps its place when names and categories are added."""
    space = Space()
    first = space.place(numbers(np.array([[1.0], [3.0]]), ("m",)))
    later = space.place(FeatureTable(("a", "c", "m"), [(1.0, "x", 1.0), (2.0, "y", 3.0)]))
    assert first.shape == (2, 1)
    assert later.shape == (2, 2 + HASHED)
    assert later[:, 0].tolist() == first[:, 0].tolist()


def test_names_beyond_the_dimensions_share_them() -> None:
    """300 numbers in 64 dimensions, each of about unit variance still."""
    space, draws = Space(), np.random.default_rng(3)
    points = space.place(numbers(draws.normal(7.0, 5.0, (2000, 300))))
    assert points.shape == (2000, OWN)
    assert points.std(axis=0) == pytest.approx(1.0, abs=0.1)


def test_ten_thousand_names_and_categories_are_bounded() -> None:
    """Neither the dimensions nor the memory follow what a stream makes up."""
    space = Space()

    def flood(first: int) -> None:
        for start in range(first, first + 10_000, 500):
            names = tuple(f"n{number:06}" for number in range(start, start + 500))
            space.place(FeatureTable(names, [tuple(range(500))] * 3))
            space.place(FeatureTable(("c",), [(name,) for name in names]))

    flood(0)
    tracemalloc.start()
    flood(10_000)
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert space.dimensions == OWN + HASHED
    assert grown < 2_000_000


def test_a_pickled_space_goes_on_alike() -> None:
    """Its scales and its columns are all there."""
    space = Space(text="t")
    table = FeatureTable(("a", "c", "t"), [(1.0, "x", "some words"), (2.0, "y", "other words")])
    space.place(table)
    again = pickle.loads(pickle.dumps(space))  # noqa: S301 - our own bytes
    assert again.place(table).tolist() == space.place(table).tolist()
