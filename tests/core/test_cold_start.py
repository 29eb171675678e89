"""Before labels: rare kinds of events come first, all kinds come, and the model takes over when it can."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsel.records import Experience
from streamsel.selection import Gate, QueryRate
from streamsel.selection.candidates import Candidates, Floats, Recent
from streamsel.selection.cold_start import FEW, PATIENCE, ColdStart, handover
from streamsel.selection.reservoirs import Reservoir, Ring


def unlabelled(points: Floats, asked: Floats | None = None, recent: Floats | None = None) -> Candidates:
    """Events before the first label."""
    nothing = np.zeros((0, points.shape[1]))
    sample = nothing if recent is None else recent
    return Candidates(
        np.zeros((len(points), 0)),
        points=points,
        recent=Recent(sample, np.zeros((len(sample), 0))),
        asked=nothing if asked is None else asked,
    )


def labels_to_five(events: Floats, positive: np.ndarray, explore: float, seed: int) -> int:
    """Labels until five positives, by the gate at 10 %, with nothing learned from any of them."""
    start, gate, reservoir, ring = ColdStart(seed), Gate(), Reservoir(seed=seed), Ring()
    draws, labels, found = np.random.default_rng(seed), 0, 0
    for first in range(0, len(events), 50):
        points = events[first : first + 50]
        batch = unlabelled(points, ring.latest(points.shape[1]), reservoir.recent(points.shape[1]).points)
        rate = QueryRate(0.1, 0.1 * explore, room=10**6, explore_room=1e6)
        utilities = start.utilities(batch)
        lanes = gate.decide(utilities, rate, draws.random(len(points)), draws.random(len(points))).lanes
        for event in np.flatnonzero(lanes):
            labels, found = labels + 1, found + int(positive[first + event])
            if found == 5:
                return labels
        ring.add(points[lanes > 0])
        reservoir.add(points, batch.probabilities)
    raise AssertionError(f"{found} positives in {labels} labels")


@pytest.mark.parametrize("explore", [0.2, 0.5])
@pytest.mark.parametrize("kind", ["outliers", "cluster"])
def test_rare_positives_take_a_third_of_the_labels(kind: str, explore: float) -> None:
    """1 % positives, scattered or a small group of their own: five within a third of the 500 labels that
    random queries need in the mean."""
    needed = []
    for seed in range(5):
        draws = np.random.default_rng(seed)
        events, positive = draws.normal(size=(5000, 6)), draws.random(5000) < 0.01
        if kind == "outliers":
            events[positive] *= 2.5
        else:
            events[positive] = draws.normal(size=(positive.sum(), 6)) * 0.5 + [3.0, -3.0, 3.0, 0.0, 0.0, 0.0]
        needed.append(labels_to_five(events, positive, explore, seed))
    assert np.mean(needed) <= 500 / 3


def test_what_was_asked_about_often_gives_way() -> None:
    """Of two events equally far out, the one like many asked before is the less useful."""
    cloud = np.random.default_rng(2).normal(size=(200, 2)) * 0.5
    both = np.array([[4.0, 4.0], [-4.0, -4.0]])
    start = ColdStart()
    start.utilities(unlabelled(cloud, recent=cloud))
    asked = np.repeat(both[:1], 5, axis=0) + np.random.default_rng(3).normal(size=(5, 2)) * 0.01
    first, second = start.utilities(unlabelled(both, asked, cloud))
    assert first < second


@given(st.integers(1, 30), st.integers(0, 4), st.integers(0, 30), st.integers(0, 10), st.integers(0, 9))
def test_utilities_are_in_range(events: int, dimensions: int, recent: int, asked: int, seed: int) -> None:
    """One utility an event, in [0, 1], whatever there is to compare with."""
    draws = np.random.default_rng(seed)
    points, sample, before = (draws.normal(size=(count, dimensions)) for count in (events, recent, asked))
    start = ColdStart(seed)
    for _ in range(2):
        utilities = start.utilities(unlabelled(points, before, sample))
        assert utilities.shape == (events,)
        assert ((utilities >= 0.0) & (utilities <= 1.0)).all()


def test_constant_features_leave_all_alike() -> None:
    """So that the gate's draws decide."""
    zeros = np.zeros((20, 3))
    assert np.ptp(ColdStart().utilities(unlabelled(zeros, zeros[:3], zeros))) == 0.0


def test_new_dimensions_are_taken_in() -> None:
    """As when a stream gets a column."""
    start, draws = ColdStart(), np.random.default_rng(4)
    for dimensions in (2, 3):
        points = draws.normal(size=(50, dimensions))
        points[7] = 5.0
        assert start.utilities(unlabelled(points, recent=points)).argmax() == 7


@pytest.mark.parametrize("column", ["points", "recent", "asked"])
def test_what_is_missing_is_refused(column: str) -> None:
    """Without points and what to compare them with, there is no cold start."""
    batch = replace(unlabelled(np.zeros((3, 2))), **{column: None})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="a cold start needs"):
        ColdStart().utilities(batch)


def test_a_pickled_cold_start_goes_on_alike() -> None:
    """Its trees and its ranks too."""
    points = np.random.default_rng(9).normal(size=(300, 2))
    start = ColdStart(3)
    start.utilities(unlabelled(points))
    again = pickle.loads(pickle.dumps(start))  # noqa: S301 - our own bytes
    later = unlabelled(points[:50] + 1.0, recent=points)
    assert again.utilities(later).tolist() == start.utilities(later).tolist()


@pytest.mark.parametrize("counts", [(), (0, 0), (50,), (50, 0), (0, 3, 0)])
def test_one_class_alone_is_not_handed_over(counts: tuple[int, ...]) -> None:
    """A model that knows one class knows nothing."""
    assert handover(Experience(counts)) == 0.0


def test_the_model_takes_over_when_it_knows_all_classes_and_beats_their_shares() -> None:
    """Wholly then; by half while it is known to do no better; and in steps with the rarest class."""
    counts = (400, FEW)
    better, worse = Experience(counts, 0.2, 0.3), Experience(counts, 0.3, 0.2)
    assert handover(better) == 1.0
    assert handover(worse) == 0.5
    assert handover(Experience(counts)) == 1.0
    steps = [handover(Experience((40, rare), 0.2, 0.3)) for rare in range(FEW + 1)]
    assert steps == pytest.approx(np.linspace(0.0, 1.0, FEW + 1))
    assert handover(Experience((PATIENCE, 1))) == 1.0


@given(st.lists(st.integers(0, 30), min_size=2, max_size=5), st.integers(0, 4))
def test_a_label_never_lowers_the_weight(counts: list[int], which: int) -> None:
    """Nor does the order of the classes change it."""
    which %= len(counts)
    more = counts.copy()
    more[which] += 1
    assert handover(Experience(tuple(counts))) <= handover(Experience(tuple(more))) <= 1.0
    assert handover(Experience(tuple(reversed(counts)))) == pytest.approx(handover(Experience(tuple(counts))))
