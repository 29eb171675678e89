"""What holds for every acquisition function: range, which orders mean nothing, what knowing nothing is."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsel.selection.acquisition import ACQUISITIONS
from streamsel.selection.candidates import Candidates, Recent
from tests.core.candidate_strategies import candidates, with_classes, with_events

NAMES = ["random", "least_confidence", "margin", "entropy", "committee_vote", "committee_kl"]
NAMES += ["expected_change", "expected_error", "density", "coreset", "cost", "hybrid"]
MODEL_FREE = {"random", "coreset"}
every = pytest.mark.parametrize("name", NAMES)
modelled = pytest.mark.parametrize("name", [name for name in NAMES if name not in MODEL_FREE])


def unknowing(events: int, classes: int) -> Candidates:
    """A model that tells no two classes apart, and everything else in place."""
    probabilities = np.ones((events, classes))
    recent = Recent(np.array([[0.0], [1.0]]), np.ones((2, classes)))
    places = np.arange(float(events))[:, np.newaxis]
    return Candidates(
        probabilities, np.ones((3, events, classes)), np.full(3, 1 / 3), places, recent, places[:1]
    )


def test_every_strategy_has_its_function() -> None:
    """The registry names each function by its strategy, and only cost divides by costs."""
    assert list(ACQUISITIONS) == NAMES
    assert [name for name, info in ACQUISITIONS.items() if info.name == name] == NAMES
    assert [name for name, info in ACQUISITIONS.items() if info.per_cost] == ["cost"]


@every
@given(batch=candidates())
def test_utilities_are_in_range(name: str, batch: Candidates) -> None:
    """One utility an event, in [0, 1]."""
    utilities = ACQUISITIONS[name].function(batch)
    assert utilities.shape == (len(batch),)
    assert ((utilities >= 0.0) & (utilities <= 1.0)).all()


@every
@given(batch=candidates(), data=st.data())
def test_events_do_not_touch_each_other(name: str, batch: Candidates, data: st.DataObject) -> None:
    """Any events of a batch, in any order, have the utilities they had."""
    order = np.array(data.draw(st.permutations(range(len(batch)))))[: data.draw(st.integers(1, len(batch)))]
    function = ACQUISITIONS[name].function
    assert function(with_events(batch, order)) == pytest.approx(function(batch)[order], abs=1e-6)


@every
@given(batch=candidates(), data=st.data())
def test_the_order_of_classes_is_of_no_matter(name: str, batch: Candidates, data: st.DataObject) -> None:
    """Any permutation of the classes has the same utilities."""
    order = data.draw(st.permutations(range(batch.probabilities.shape[1])))
    function = ACQUISITIONS[name].function
    assert function(with_classes(batch, order)) == pytest.approx(function(batch), abs=1e-7)


@every
@given(batch=candidates())
def test_only_what_is_named_is_used(name: str, batch: Candidates) -> None:
    """What a function does not say it uses may be missing."""
    uses = ACQUISITIONS[name].uses
    function = ACQUISITIONS[name].function
    bare = Candidates(
        batch.probabilities,
        members=batch.members if "members" in uses else None,
        weights=batch.weights if "members" in uses else None,
        points=batch.points if "points" in uses else None,
        recent=batch.recent if "recent" in uses else None,
        asked=batch.asked if "asked" in uses else None,
    )
    assert function(bare).tolist() == function(batch).tolist()


@pytest.mark.parametrize(
    ("name", "column"), [(name, column) for name in NAMES for column in sorted(ACQUISITIONS[name].uses)]
)
@given(batch=candidates())
def test_what_is_missing_is_named(name: str, column: str, batch: Candidates) -> None:
    """Without a column it uses, a function says which strategy needs what."""
    without: dict[str, Any] = {column: None}
    with pytest.raises(ValueError, match=f"{name} needs "):
        ACQUISITIONS[name].function(replace(batch, **without))


@modelled
@pytest.mark.parametrize("shape", [(4, 0), (4, 1), (0, 0), (0, 3)])
def test_an_unfitted_model_makes_every_event_useful(name: str, shape: tuple[int, int]) -> None:
    """With fewer than two classes nothing is known: utility 1 for each event there is."""
    assert ACQUISITIONS[name].function(unknowing(*shape)).tolist() == [1.0] * shape[0]


@modelled
@given(batch=candidates())
def test_events_without_an_opinion_are_useful(name: str, batch: Candidates) -> None:
    """A row with a NaN or without any weight has utility 1, and does not touch its neighbours."""
    assert batch.members is not None
    three = with_events(batch, np.array([0, 0, 0]))
    assert three.members is not None
    probabilities, members = three.probabilities.copy(), three.members.copy()
    probabilities[0, 0], members[:, 0, 0] = np.nan, np.nan
    probabilities[1], members[:, 1] = 0.0, 0.0
    found = ACQUISITIONS[name].function(replace(three, probabilities=probabilities, members=members))
    alone = ACQUISITIONS[name].function(batch)[0]
    assert found == pytest.approx([1.0, 1.0, alone], abs=1e-6)


@every
def test_constant_features_are_no_trouble(name: str) -> None:
    """Events all at one point have equal utilities when the model says the same of them."""
    rows, recent = np.tile([0.7, 0.3], (5, 1)), Recent(np.zeros((4, 2)), np.tile([0.6, 0.4], (4, 1)))
    batch = Candidates(rows, rows[np.newaxis], None, np.zeros((5, 2)), recent, np.zeros((3, 2)))
    utilities = ACQUISITIONS[name].function(batch)
    assert np.ptp(utilities) == pytest.approx(0.0, abs=1e-9)
    assert np.isfinite(utilities).all()


def test_functions_can_be_pickled() -> None:
    """A sampler that holds one can be stored."""
    assert pickle.loads(pickle.dumps(ACQUISITIONS)) == ACQUISITIONS  # noqa: S301 - our own bytes
