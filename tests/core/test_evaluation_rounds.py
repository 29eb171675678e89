"""What each hundred labels brought."""

from __future__ import annotations

import math

import pytest

from streamsel.learning.evaluation.evaluation import Evaluation, Terms
from streamsel.learning.evaluation.rounds import rounds
from tests.core.evaluated import NAMES, START, label, summary_of


def test_rounds_are_of_a_hundred_labels_and_end_with_their_minute() -> None:
    """With the time they took, the accuracy of their time, and what it gained."""
    evaluation = Evaluation(Terms(NAMES, 600.0))
    for minute in range(11):
        # 30 a minute; a mistake in ten to begin with, none from the fifth minute on.
        made = [
            label(
                1_000 * minute + number,
                "no" if number % 10 == 0 and minute < 4 else "yes",
                0.9,
                at=START + 60.0 * minute,
                propensity=1.0,
                lane="uncertain" if number % 2 else "holdout" if number % 4 else "explore",
            )
            for number in range(30)
        ]
        evaluation.add_summary(summary_of(made, minute))
        for one in made:
            evaluation.add_record(one)
    first, second = rounds(evaluation, START + 3_600.0)
    assert [(one.labels, one.since, one.until) for one in (first, second)] == [
        (120, START, START + 240.0),
        (120, START + 240.0, START + 480.0),
    ]
    assert first.reviewer_hours == pytest.approx(120 * 20.0 / 3_600.0)
    assert first.accuracy.value == pytest.approx(0.9)
    assert math.isnan(first.gain_per_hundred_labels)
    assert second.gain_per_hundred_labels == pytest.approx(0.1 / 1.2)
    assert second.gain_per_reviewer_hour == pytest.approx(0.1 / second.reviewer_hours)
    assert (first.mistakes_chosen, first.mistakes_random) == (0.0, 0.2)
    assert (second.mistakes_chosen, second.mistakes_random) == (0.0, 0.0)


def test_without_labels_there_is_no_round() -> None:
    """Nor before they are settled."""
    assert rounds(Evaluation(Terms(NAMES, 600.0)), START) == []
