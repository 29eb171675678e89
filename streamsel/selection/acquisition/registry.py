"""Acquisition functions by the name of their query strategy."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal, TypeAlias

import numpy as np

from streamsel.selection.acquisition.change import expected_change
from streamsel.selection.acquisition.committee import committee_kl, committee_vote
from streamsel.selection.acquisition.custom import AcquisitionRefused, custom
from streamsel.selection.acquisition.error import expected_error
from streamsel.selection.acquisition.spread import coreset, density
from streamsel.selection.acquisition.uncertainty import entropy, least_confidence, margin
from streamsel.selection.candidates import Acquisition, Candidates, Floats

Column: TypeAlias = Literal["members", "points", "recent", "asked"]
"""What of ``Candidates`` need not be computed unless it is used."""


@dataclass(frozen=True, slots=True)
class AcquisitionInfo:
    """An acquisition function, and what it takes."""

    name: str
    function: Acquisition
    uses: frozenset[Column] = frozenset()
    """``members`` stands for their weights as well."""
    per_cost: bool = False
    """Whether events are ranked by utility over cost: the division is the ruling's."""


def random(candidates: Candidates) -> Floats:
    """The same for all: the gate breaks ties by its draws."""
    return np.ones(len(candidates))


ACQUISITIONS: dict[str, AcquisitionInfo] = {
    info.name: info
    for info in (
        AcquisitionInfo("random", random),
        AcquisitionInfo("least_confidence", least_confidence),
        AcquisitionInfo("margin", margin),
        AcquisitionInfo("entropy", entropy),
        AcquisitionInfo("committee_vote", committee_vote, frozenset({"members"})),
        AcquisitionInfo("committee_kl", committee_kl, frozenset({"members"})),
        AcquisitionInfo("expected_change", expected_change, frozenset({"points"})),
        AcquisitionInfo("expected_error", expected_error, frozenset({"points", "recent", "asked"})),
        AcquisitionInfo("density", density, frozenset({"points", "recent"})),
        AcquisitionInfo("coreset", coreset, frozenset({"points", "asked"})),
        AcquisitionInfo("cost", entropy, per_cost=True),
        # Entropy, and until the classes are known the cold start's part, which ``QueryStrategy`` blends in.
        # Members' disagreement and densities, alone or as factors, chose no better on a dozen streams.
        AcquisitionInfo("hybrid", entropy),
    )
}
"""By query strategy name."""


def resolve(name: str) -> AcquisitionInfo:
    """Of a query strategy, or of one's own function by ``package.module:object``, which is given everything
    there is. Raises ``AcquisitionRefused``."""
    if ":" in name:
        return AcquisitionInfo(name, custom(name), frozenset({"members", "points", "recent", "asked"}))
    if name not in ACQUISITIONS:
        nearest = get_close_matches(name, ACQUISITIONS, n=1)
        meant = f"; did you mean '{nearest[0]}'?" if nearest else ""
        known = ", ".join(ACQUISITIONS)
        raise AcquisitionRefused(
            f"there is no strategy '{name}'{meant} Known: {known}, or package.module:object"
        )
    return ACQUISITIONS[name]
