"""What is remembered of points: how many, which, and with which predictions."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsel.selection.reservoirs import Reservoir, Ring


def numbered(start: int, stop: int) -> np.ndarray:
    """Events whose point is their number."""
    return np.arange(float(start), float(stop))[:, np.newaxis]


def none(events: int) -> np.ndarray:
    """No predictions yet."""
    return np.zeros((events, 0))


@given(st.lists(st.integers(0, 40), max_size=8))
def test_the_sample_is_the_same_however_the_stream_is_cut(sizes: list[int]) -> None:
    """Micro-batches of any size give the sample of events one by one."""
    cut, whole = Reservoir(8, 32), Reservoir(8, 32)
    end = 0
    for size in sizes:
        cut.add(numbered(end, end + size), none(size))
        end += size
    for event in range(end):
        whole.add(numbered(event, event + 1), none(1))
    assert cut.recent(1).points.tolist() == whole.recent(1).points.tolist()
    assert len(cut.recent(1).points) == min(end, 8)


def test_all_events_are_kept_until_it_is_full() -> None:
    """In the order they came."""
    reservoir = Reservoir(8, 32)
    reservoir.add(numbered(0, 5), none(5))
    assert reservoir.recent(1).points.ravel().tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]


def test_the_sample_fades_exponentially() -> None:
    """In the mean, an event of the sample is as old as the horizon."""
    ages = []
    for seed in range(200):
        reservoir = Reservoir(16, 64, seed)
        reservoir.add(numbered(0, 1000), none(1000))
        ages.append(1000.0 - reservoir.recent(1).points.ravel())
    assert np.mean(ages) == pytest.approx(64.0, rel=0.05)
    assert np.mean(np.array(ages) > 64.0) == pytest.approx(np.exp(-1.0), abs=0.03)


def test_the_seed_decides() -> None:
    """The same one, the same sample; another, another."""

    def sample(seed: int) -> list[float]:
        reservoir = Reservoir(8, 32, seed)
        reservoir.add(numbered(0, 500), none(500))
        kept: list[float] = reservoir.recent(1).points.ravel().tolist()
        return kept

    assert sample(1) == sample(1)
    assert sample(1) != sample(2)


def test_predictions_from_before_there_were_classes_are_nan() -> None:
    """The sample has as many classes as the latest predictions, and NaN where they were not told apart."""
    reservoir = Reservoir(8, 8)
    reservoir.add(numbered(0, 2), none(2))
    assert reservoir.recent(1).probabilities.shape == (2, 0)
    reservoir.add(numbered(2, 3), np.array([[0.3, 0.7]]))
    reservoir.add(numbered(3, 4), none(1))
    _, probabilities = reservoir.recent(1)
    assert np.isnan(probabilities[[0, 1, 3]]).all()
    assert probabilities[2].tolist() == [0.3, 0.7]
    reservoir.add(numbered(4, 5), np.array([[0.2, 0.3, 0.5]]))
    _, probabilities = reservoir.recent(1)
    assert np.isnan(probabilities[:4]).all()
    assert probabilities[4].tolist() == [0.2, 0.3, 0.5]


def test_points_and_predictions_stay_together() -> None:
    """Whichever slots are overwritten."""
    reservoir = Reservoir(8, 16)
    for start in range(0, 300, 30):
        points = numbered(start, start + 30)
        reservoir.add(points, np.hstack((points, -points)))
    points, probabilities = reservoir.recent(1)
    assert probabilities.tolist() == np.hstack((points, -points)).tolist()


def test_points_may_get_more_dimensions() -> None:
    """Older points have zeros there; and so for a reader who knows of more."""
    reservoir, ring = Reservoir(4, 4), Ring(4)
    for points in (np.ones((1, 1)), np.full((1, 2), 2.0), np.full((1, 1), 3.0)):
        reservoir.add(points, none(1))
        ring.add(points)
    expected = [[1.0, 0.0, 0.0], [2.0, 2.0, 0.0], [3.0, 0.0, 0.0]]
    assert reservoir.recent(3).points.tolist() == expected
    assert ring.latest(3).tolist() == expected


def test_a_sample_does_not_change_under_its_reader() -> None:
    """It is a copy."""
    reservoir = Reservoir(2, 2)
    reservoir.add(numbered(0, 2), none(2))
    before = reservoir.recent(1)
    reservoir.add(numbered(2, 50), none(48))
    assert before.points.ravel().tolist() == [0.0, 1.0]


def test_the_ring_keeps_the_latest() -> None:
    """Oldest first; nothing before the first."""
    ring = Ring(3)
    assert ring.latest(2).shape == (0, 2)
    ring.add(numbered(0, 2))
    ring.add(none(0))
    ring.add(numbered(2, 5))
    assert ring.latest(1).ravel().tolist() == [2.0, 3.0, 4.0]


def test_sizes_that_make_no_sense_are_refused() -> None:
    """With the words for it."""
    with pytest.raises(ValueError, match="capacity must be from 1 to the horizon"):
        Reservoir(10, 5)
    with pytest.raises(ValueError, match="at least 1 point"):
        Ring(0)


def test_a_pickled_reservoir_goes_on_alike() -> None:
    """Its draws too."""
    reservoir = Reservoir(8, 32)
    reservoir.add(numbered(0, 100), none(100))
    again = pickle.loads(pickle.dumps(reservoir))  # noqa: S301 - our own bytes
    for each in (reservoir, again):
        each.add(numbered(100, 300), none(200))
    assert again.recent(1).points.tolist() == reservoir.recent(1).points.tolist()
