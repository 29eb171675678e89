"""Disagreement: formulas, ends, members without an opinion, and scikit-activeml's figures."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from skactiveml.pool import average_kl_divergence, vote_entropy

from streamsel.selection.acquisition import ACQUISITIONS
from streamsel.selection.candidates import Candidates, Floats
from tests.core.candidate_strategies import candidates

both = pytest.mark.parametrize("name", ["committee_vote", "committee_kl"])


def disagreement(name: str, members: Floats, weights: Floats | None = None) -> Floats:
    """Of a committee whose mixture is of no matter."""
    return ACQUISITIONS[name].function(Candidates(members.mean(axis=0), members, weights))


def naive_vote(members: Floats, weights: Floats, event: int) -> float:
    """Vote entropy as in its source, by one vote after another."""
    classes = members.shape[2]
    votes = [0.0] * classes
    for member, weight in zip(members[:, event], weights, strict=True):
        favourites = [label for label in range(classes) if member[label] == max(member)]
        for label in favourites:
            votes[label] += weight / len(favourites)
    return -sum(vote * math.log(vote) for vote in votes if vote > 0.0) / math.log(classes)


def naive_kl(members: Floats, weights: Floats, event: int) -> float:
    """The members' weighted divergence from the consensus as in its source."""
    classes = members.shape[2]
    consensus = [
        sum(weight * member[label] for member, weight in zip(members[:, event], weights, strict=True))
        for label in range(classes)
    ]
    total = 0.0
    for member, weight in zip(members[:, event], weights, strict=True):
        total += weight * sum(p * math.log(p / c) for p, c in zip(member, consensus, strict=True))
    return total / math.log(classes)


@given(candidates())
def test_the_formulas(batch: Candidates) -> None:
    """Both utilities are their formulas, weights included."""
    assert batch.members is not None
    assert batch.weights is not None
    for event in range(len(batch)):
        vote = naive_vote(batch.members, batch.weights, event)
        kl = naive_kl(batch.members, batch.weights, event)
        assert ACQUISITIONS["committee_vote"].function(batch)[event] == pytest.approx(vote, abs=1e-9)
        assert ACQUISITIONS["committee_kl"].function(batch)[event] == pytest.approx(kl, abs=1e-9)


@both
def test_the_ends(name: str) -> None:
    """Members that agree have utility 0, however unsure; members sure of different classes 1."""
    members = np.array([[[0.6, 0.4], [1.0, 0.0]], [[0.6, 0.4], [0.0, 1.0]]])
    assert disagreement(name, members) == pytest.approx([0.0, 1.0], abs=1e-9)


@both
def test_the_further_apart_the_more_useful(name: str) -> None:
    """Two members moving apart disagree ever more, or at least not less."""
    shifts = np.linspace(0.0, 0.5, 11)
    one = np.stack((0.5 + shifts, 0.5 - shifts), axis=1)
    utilities = disagreement(name, np.stack((one, one[:, ::-1])))
    assert (np.diff(utilities) >= -1e-12).all()


@both
def test_members_without_an_opinion_are_left_out(name: str) -> None:
    """A member of NaN on an event counts as absent there, and the others' weights sum to 1."""
    members = np.array([[[0.9, 0.1]], [[0.2, 0.8]], [[np.nan, np.nan]]])
    weights = np.array([0.3, 0.2, 0.5])
    without = disagreement(name, members[:2], np.array([0.6, 0.4]))
    assert disagreement(name, members, weights) == pytest.approx(without)


@both
@given(batch=candidates())
def test_a_member_twice_is_a_member_of_twice_the_weight(name: str, batch: Candidates) -> None:
    """Splitting a member in two that share its weight changes nothing."""
    assert batch.members is not None
    assert batch.weights is not None
    members = np.concatenate((batch.members, batch.members[:1]))
    weights = np.append(batch.weights, batch.weights[0] / 2.0)
    weights[0] /= 2.0
    function = ACQUISITIONS[name].function
    assert function(replace(batch, members=members, weights=weights)) == pytest.approx(
        function(batch), abs=1e-9
    )


@given(candidates(smallest=1e-3))
def test_scikit_activeml_agrees(batch: Candidates) -> None:
    """Members of equal weight: the same figures up to their largest, log k."""
    members = batch.members
    assert members is not None
    classes = members.shape[2]
    kl = average_kl_divergence(members.copy()) / math.log(classes)
    assert disagreement("committee_kl", members) == pytest.approx(kl, abs=1e-6)
    # It votes by single classes, so a tie is no vote of its own.
    members = members + np.arange(classes) * 1e-6
    votes = vote_entropy(members.argmax(axis=2).T, list(range(classes))) / math.log(classes)
    assert disagreement("committee_vote", members) == pytest.approx(votes, abs=1e-9)
