"""Near-duplicates: a burst is asked about a few times; what a stream always holds is asked about as ever."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from streamsel.selection.candidates import Recent
from streamsel.selection.duplicates import MOST_ASKED, Duplicates
from streamsel.selection.points import FURTHEST

FRACTION = 0.05
TIMES = 3
WINDOW = 500


def asked_of(points: np.ndarray, utilities: np.ndarray, batch: int) -> tuple[np.ndarray, int]:
    """Which events are asked about when each micro-batch spends what is owed on the events of highest utility
    that are not suppressed, and how many were suppressed."""
    duplicates = Duplicates(TIMES, WINDOW)
    rng = np.random.default_rng(0)
    recent: Recent | None = None
    asked: list[int] = []
    owed, hidden = 0.0, 0
    for start in range(0, len(points), batch):
        now, wanted = points[start : start + batch], utilities[start : start + batch]
        rows = duplicates.suppressed(now, wanted, np.ones(len(now), bool), recent, FRACTION)
        hidden += len(rows)
        order = np.argsort(-wanted, kind="stable")
        owed += FRACTION * len(now)
        chosen = order[~np.isin(order, rows)][: int(owed)]
        owed -= len(chosen)
        duplicates.note_asked(chosen)
        asked.extend((start + chosen).tolist())
        sample = rng.choice(start + len(now), min(start + len(now), 256), replace=False)
        recent = Recent(points[sample], np.empty((len(sample), 0)))
    return np.array(asked), hidden


def stream(dims: int, copies: np.ndarray, jitter: float) -> tuple[np.ndarray, np.ndarray]:
    """4,000 ordinary events, but those at ``copies`` of one pattern, of which the model is least sure."""
    rng = np.random.default_rng(dims)
    points, utilities = rng.normal(size=(4000, dims)), 0.9 * rng.random(4000)
    points[copies] = rng.normal(size=dims) + jitter * rng.normal(size=(len(copies), dims))
    utilities[copies] = 0.95
    return points, utilities


@pytest.mark.parametrize("batch", [20, 500, 2000])
@pytest.mark.parametrize("jitter", [0.0, 0.01])
@pytest.mark.parametrize("dims", [2, 5, 15])
def test_a_burst_is_asked_about_a_few_times(dims: int, jitter: float, batch: int) -> None:
    """500 copies in a row, or every other of 1,000 events, give a handful of queries."""
    for copies in (np.arange(2000, 2500), np.arange(2000, 3000, 2)):
        asked, _ = asked_of(*stream(dims, copies, jitter), batch)
        assert 1 <= np.isin(asked, copies).sum() <= 3 * TIMES
        assert len(asked) == pytest.approx(FRACTION * 4000, abs=FRACTION * WINDOW)


def test_ordinary_neighbours_are_not_suppressed() -> None:
    """In two dimensions, with all uncertainty on a thin curve where events are dense."""
    rng = np.random.default_rng(1)
    points = rng.normal(size=(10_000, 2))
    utilities = np.exp(-10.0 * np.abs(points[:, 0] - np.sin(2.0 * points[:, 1])))
    _, hidden = asked_of(points, utilities, 500)
    assert hidden < 0.002 * len(points)


@pytest.mark.parametrize("batch", [1, 20, 500])
@pytest.mark.parametrize("patterns", [1, 2, 30])
def test_a_stream_of_few_patterns_spends_its_budget(patterns: int, batch: int) -> None:
    """From the start, up to a window's worth; one pattern of constant features is never suppressed whole."""
    rng = np.random.default_rng(2)
    which = rng.integers(patterns, size=4000)
    asked, _ = asked_of(rng.normal(size=(patterns, 4))[which], which / patterns, batch)
    assert len(asked) == pytest.approx(FRACTION * 4000, abs=FRACTION * WINDOW + 1)


@pytest.mark.parametrize("batch", [1, 20, 500])
def test_a_stream_that_becomes_another_pattern_for_good_is_asked_about_again(batch: int) -> None:
    """After a window at the most, however much of its past was otherwise."""
    points = np.zeros((8000, 3))
    points[6000:] = 2.0
    asked, _ = asked_of(points, np.full(8000, 0.5), batch)
    assert np.count_nonzero(asked >= 6000) >= FRACTION * (2000 - 1.5 * WINDOW)


def test_what_is_pending_counts_and_is_forgotten_after_a_window() -> None:
    """A copy of what was asked three times, answered or not, is suppressed, until a window has passed."""
    duplicates = Duplicates(TIMES, WINDOW)
    rng = np.random.default_rng(3)
    pattern, utilities = np.ones((10, 4)), np.linspace(1.0, 0.5, 10)
    everything = np.ones(10, bool)
    assert set(duplicates.suppressed(pattern, utilities, everything, None, FRACTION)) == set(range(3, 10))
    duplicates.note_asked(np.arange(3))
    assert len(duplicates.suppressed(pattern, utilities, everything, None, FRACTION)) == 10
    duplicates.note_asked(np.empty(0, np.intp))
    for _ in range(WINDOW // 10):
        duplicates.suppressed(rng.normal(size=(10, 4)), utilities, everything, None, FRACTION)
        duplicates.note_asked(np.empty(0, np.intp))
    assert len(duplicates.suppressed(pattern, utilities, everything, None, FRACTION)) == 7


def test_copies_far_down_the_micro_batch_are_suppressed_as_well() -> None:
    """Otherwise they would be asked about in place of those above them."""
    points = np.concatenate((np.zeros((400, 3)), np.random.default_rng(4).normal(size=(100, 3)) + 5.0))
    utilities = np.concatenate((np.linspace(1.0, 0.5, 400), np.full(100, 0.4)))
    rows = Duplicates(TIMES, WINDOW).suppressed(points, utilities, np.ones(500, bool), None, FRACTION)
    assert set(rows) == set(range(3, 400))


def test_of_equal_copies_those_left_are_spread_over_the_micro_batch() -> None:
    """The budget is earned event by event: all at its beginning could not be asked about."""
    rows = Duplicates(10, WINDOW).suppressed(np.zeros((500, 2)), np.ones(500), np.ones(500, bool), None, 0.02)
    left = np.setdiff1d(np.arange(500), rows)
    assert len(left) == 10
    assert np.diff(left).max() <= 100


def test_closed_rows_are_left_alone() -> None:
    """Those a rule has decided on are neither suppressed nor do they stand for others."""
    open_rows = np.arange(20) >= 10
    wanted = np.where(open_rows, 0.5, -np.inf)
    rows = Duplicates(TIMES, WINDOW).suppressed(np.zeros((20, 2)), wanted, open_rows, None, FRACTION)
    assert len(rows) == 10 - TIMES
    assert set(rows) < set(range(10, 20))


@given(
    st.lists(
        st.tuples(
            arrays(
                np.float64,
                st.tuples(st.integers(1, 12), st.just(2)),
                elements=st.sampled_from([0.0, 1.0, -FURTHEST, FURTHEST]) | st.floats(-3.0, 3.0),
            ),
            st.sampled_from([0.0, 0.05, 0.5, 1.0]),
            st.integers(0, 2**12 - 1),
        ),
        max_size=6,
    ),
    st.integers(1, 4),
)
def test_any_stream(batches: list[tuple[np.ndarray, float, int]], times: int) -> None:
    """Only open rows are suppressed, each once; any pattern keeps as many queries as it may have; and what is
    remembered is bounded."""
    duplicates = Duplicates(times, window=10)
    for points, fraction, bits in batches:
        count = len(points)
        open_rows = np.array([bits >> row & 1 == 1 for row in range(count)])
        recent = Recent(points, np.empty((count, 0)))
        rows = duplicates.suppressed(points, np.linspace(1.0, 0.0, count), open_rows, recent, fraction)
        assert len(set(rows)) == len(rows)
        assert open_rows[rows].all()
        remembered = len(duplicates._asked)
        assert remembered > 0 or len(rows) <= max(int(open_rows.sum()) - times, 0)
        duplicates.note_asked(np.flatnonzero(open_rows))
        assert len(duplicates._asked) <= MOST_ASKED
