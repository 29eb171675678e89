"""Whether, and since when, labels surprise a member more than they used to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

BEFORE, SINCE = 20, 10
"""Labels that it takes on either side of a change to see it."""
ERRORS = 4.0
"""Standard errors by which the means on both sides must differ. Where nothing changes, some of the many looks
at five hundred labels finds such a difference in one of seven cases; that costs two members their memory,
not the portfolio its others."""
LEAST_VARIANCE = 0.01


def changed_at(surprises: Sequence[float]) -> int:
    """The place, in labels from the first, from which on their mean is the most significantly higher than
    before; 0 if none is. ``surprises`` are 1 − p of each label as predicted before it was learned, so that
    no single one outweighs the others.

    (D. V. Hinkley, Inference About the Change-Point in a Sequence of Random Variables, Biometrika 57, 1970;
    the threshold on its maximum takes the place of a test level.)
    """
    count = len(surprises)
    if count < BEFORE + SINCE:
        return 0
    values = np.array(surprises)
    places = np.arange(BEFORE, count - SINCE + 1)
    sums = np.cumsum(values)
    before = sums[places - 1] / places
    since = (sums[-1] - sums[places - 1]) / (count - places)
    variance = max(float(values.var()), LEAST_VARIANCE)
    errors = (since - before) * np.sqrt(places * (count - places) / (count * variance))
    likeliest = int(errors.argmax())
    return int(places[likeliest]) if errors[likeliest] > ERRORS else 0
