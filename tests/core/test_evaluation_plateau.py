"""When labelling has stopped to pay."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsel.learning.evaluation.aipw import Estimate
from streamsel.learning.evaluation.plateau import Plateau, resting_since
from streamsel.learning.evaluation.rounds import Round

RULE = Plateau(labels=200, margin=0.01)


def course(accuracies: Sequence[float]) -> list[Round]:
    """A round a minute."""
    return [
        Round(60.0 * number, 60.0 * (number + 1), 100, 0.5, Estimate(value), math.nan, math.nan, 0.3, 0.1)
        for number, value in enumerate(accuracies)
    ]


@pytest.mark.parametrize(
    ("accuracies", "drifts", "since"),
    [
        ([], [], None),
        ([0.9, 0.9, 0.9], [], None),
        ([0.9, 0.9, 0.9, 0.9], [], 240.0),
        ([0.7, 0.8, 0.85, 0.88], [], None),
        ([0.7, 0.8, 0.85, 0.88, 0.88, 0.88], [], None),
        ([0.7, 0.8, 0.85, 0.88, 0.88, 0.88, 0.88, 0.95, 0.95], [], 420.0),
        ([0.9, 0.9, 0.9, 0.9, 0.9, 0.9], [250.0], None),
        ([0.9, 0.9, 0.9, 0.9], [250.0], None),
        ([0.9] * 9, [250.0], 540.0),
        ([0.9] * 9, [10.0], 300.0),
    ],
)
def test_it_rests_from_a_plateau_until_a_change(
    accuracies: list[float], drifts: list[float], since: float | None
) -> None:
    """Once declared it stays, whatever the next rounds say; after a change as many labels are needed anew."""
    assert resting_since(course(accuracies), drifts, RULE) == since


@given(st.lists(st.floats(0.0, 1.0), max_size=12), st.lists(st.floats(0.0, 800.0), max_size=3))
def test_the_rule_depends_on_what_was_known_then(accuracies: list[float], drifts: list[float]) -> None:
    """A longer course without another change tells the same of its beginning."""
    whole = course(accuracies)
    for stop in range(len(whole)):
        then = [at for at in drifts if at < whole[stop].until]
        since = resting_since(whole[: stop + 1], then, RULE)
        if since is not None and not any(at >= since for at in drifts):
            assert resting_since(whole, drifts, RULE) == since
