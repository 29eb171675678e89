"""The mixture of several opinions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from streamsel.learning.hedge import FLOOR, SMOOTHING, Floats, Hedge

GOOD, BAD, SILENT = (0.1, 0.9), (0.9, 0.1), (np.nan, np.nan)


@st.composite
def opinions(draw: st.DrawFn) -> Floats:
    """(members, events, classes), some rows NaN, each other summing to 1; certainty among them."""
    shape = (draw(st.integers(1, 5)), draw(st.integers(1, 4)), draw(st.integers(2, 4)))
    raw = draw(arrays.arrays(np.float64, shape, elements=st.sampled_from((0.0, 1e-9, 0.2, 1.0))))
    raw[..., 0] += raw.sum(axis=2) == 0.0
    raw /= raw.sum(axis=2, keepdims=True)
    raw[draw(arrays.arrays(np.bool_, shape[:2]))] = np.nan
    return raw


@given(opinions(), st.lists(st.integers(0, 3), max_size=60))
def test_a_mixture_is_a_distribution_wherever_anyone_has_an_opinion(
    members: Floats, labels: list[int]
) -> None:
    """Whatever was learned before, certain members and silent ones included."""
    hedge = Hedge(members.shape[0], members.shape[2])
    for label in labels:
        hedge.learn(members[:, 0], label % members.shape[2])
    mixed = hedge.mix(members)
    silent = np.isnan(members[:, :, 0]).all(axis=0)
    assert np.isnan(mixed[silent]).all()
    assert (mixed[~silent] >= 0.999 * SMOOTHING / hedge.classes).all()
    np.testing.assert_allclose(mixed[~silent].sum(axis=1), 1.0)
    np.testing.assert_allclose(hedge.weights.sum(), 1.0)
    assert (hedge.weights >= 0.999 * FLOOR).all()


@given(opinions(), st.integers(0, 3))
def test_members_in_another_order_mix_alike(members: Floats, label: int) -> None:
    """No member is preferred for its place."""
    one, other = (Hedge(members.shape[0], members.shape[2]) for _ in range(2))
    one.learn(members[:, 0], label % one.classes)
    other.learn(members[::-1, 0], label % one.classes)
    np.testing.assert_allclose(one.mix(members), other.mix(members[::-1]))


def test_weight_goes_to_who_predicts_well_and_comes_back_fast() -> None:
    """Down to the floor, and over half again within a hundred labels of the stream turning."""
    hedge = Hedge(2, 2)
    for _ in range(200):
        hedge.learn(np.array([GOOD, BAD]), 1)
    assert hedge.weights[1] == pytest.approx(FLOOR, rel=0.01)
    for _ in range(100):
        hedge.learn(np.array([GOOD, BAD]), 0)
    assert hedge.weights[1] > 0.5


def test_a_silent_member_is_left_out_and_keeps_its_standing() -> None:
    """Between one that gains and one that loses."""
    hedge = Hedge(3, 2)
    members = np.array([GOOD, SILENT, BAD])
    for _ in range(20):
        hedge.learn(members, 1)
    good, silent, bad = hedge.weights
    assert good > silent > bad
    np.testing.assert_allclose(
        hedge.mix(np.array([[SILENT], [GOOD], [SILENT]]))[0],
        (1.0 - SMOOTHING) * np.array(GOOD) + SMOOTHING / 2,
    )


def test_labels_on_which_nobody_had_an_opinion_change_no_weight_into_nan() -> None:
    """The mixture is as sound as before."""
    hedge = Hedge(2, 2)
    hedge.learn(np.array([SILENT, SILENT]), 0)
    assert hedge.weights.tolist() == [0.5, 0.5]
