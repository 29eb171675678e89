"""What becomes of the label log's records in a fold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from streamsel.learning.calibration import Calibration, Floats


class Outcome(StrEnum):
    """What became of a record. All but ``REWIND`` advance the fold."""

    LEARNED = "learned"
    RETRACTED = "retracted"
    """A retraction that counts, and had nothing to unlearn."""
    OPINION = "opinion"
    """One answer of several, or one that does not count: not for the model."""
    DIRECTIVE = "directive"
    """About the model itself, and so not for this one to learn."""
    LEFT_OUT = "left_out"
    """In a gap: rolled back, or come while the model is frozen."""
    DUPLICATE = "duplicate"
    """This revision of the label, or a newer one, is known; the model did not change."""
    HELD_OUT = "held_out"
    """A label for evaluation alone."""
    UNREADABLE = "unreadable"
    UNKNOWN_LABEL = "unknown_label"
    """Not one of the spec's labels: passed over, whatever its revision."""
    REFUSED = "refused"
    """The estimator raised on it. What it may have half learned, it has everywhere alike."""
    REWIND = "rewind"
    """Supersedes a label already learned; go on with ``rewound``."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a record, with a sentence where there is something to say."""

    outcome: Outcome
    detail: str = ""
    explored: tuple[Calibration, Sequence[float]] | None = None

    @property
    def predicted(self) -> Floats | None:
        """Of a label of the explore lane that was learned: the probabilities (labels,) that the model would
        have served just before; ``None`` if it had no opinion."""
        if self.explored is None:
            return None
        calibration, predicted = self.explored
        served: Floats = calibration(np.array([predicted]))[0]
        return served
