"""Disagreement of a committee: the trees of a forest, the members of a portfolio.

Members without an opinion on an event are left out of it, and the others' weights scaled to sum to 1; where
no member has one, the utility is 1. Both raise ``AcquisitionRefused`` when there is no committee.
"""

from __future__ import annotations

import numpy as np

from streamsel.selection.acquisition.custom import AcquisitionRefused
from streamsel.selection.acquisition.known import distributions, settled
from streamsel.selection.acquisition.uncertainty import normalised_entropy
from streamsel.selection.candidates import Candidates, Floats


def committee_vote(candidates: Candidates) -> Floats:
    """Vote entropy: −Σ_y v_y log v_y / log k, with v_y the weight of the members whose likeliest class is y;
    a member that finds several likeliest splits its vote. (I. Dagan and S. P. Engelson, Committee-Based
    Sampling for Training Probabilistic Classifiers, ICML 1995.)"""
    members, weights = _committee(candidates, "committee_vote")
    if members.shape[2] < 2:
        return np.ones(len(candidates))
    favourites = members == members.max(axis=2, keepdims=True)
    votes = favourites / favourites.sum(axis=2, keepdims=True)
    return normalised_entropy(_mixed(weights, votes))


def committee_kl(candidates: Candidates) -> Floats:
    """Mean divergence from the consensus C = Σ_m w_m p_m, as a share of its largest value:

        Σ_m w_m KL(p_m ‖ C) / log k  =  (H(C) − Σ_m w_m H(p_m)) / log k

    It is the weighted Jensen–Shannon divergence, and the mutual information of label and member. (A. McCallum
    and K. Nigam, Employing EM and Pool-Based Active Learning for Text Classification, ICML 1998.)
    """
    members, weights = _committee(candidates, "committee_kl")
    size, events, classes = members.shape
    if classes < 2:
        return np.ones(len(candidates))
    consensus = _mixed(weights, members)
    own = normalised_entropy(members.reshape(-1, classes)).reshape(size, events)
    return settled(normalised_entropy(consensus) - (weights * own).sum(axis=0), consensus)


def _committee(candidates: Candidates, strategy: str) -> tuple[Floats, Floats]:
    """Opinions (members, events, classes), 0 where there is none; their weights (members, events), which sum
    to 1 over the members with an opinion, or to 0 where nobody has one."""
    members = candidates.members
    if members is None:
        raise AcquisitionRefused(
            f"{strategy} needs a committee, and this model has no members: "
            "use preset forest, portfolio or text"
        )
    given = candidates.weights
    shares = np.ones(len(members)) if given is None else given
    known = distributions(members)
    weights = shares[:, np.newaxis] * known
    totals = weights.sum(axis=0)
    opinions = members if known.all() else np.where(known[..., np.newaxis], members, 0.0)
    return opinions, weights / np.where(totals > 0.0, totals, 1.0)


def _mixed(weights: Floats, members: Floats) -> Floats:
    """(events, classes): the members' weighted mean."""
    mixed: Floats = np.einsum("me,mek->ek", weights, members)
    return mixed
