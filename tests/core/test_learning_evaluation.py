"""Prequential accuracy."""

import math

from streamsel.learning.evaluation import Prequential


def test_nothing_is_known_before_the_first_event() -> None:
    """No events are no accuracy, not a bad one."""
    assert math.isnan(Prequential().accuracy)
    assert math.isnan(Prequential().recent_accuracy)


def test_counts_overall_and_over_the_window() -> None:
    """The likeliest label is the prediction; having none is wrong."""
    measure = Prequential(window=2)
    measure.add("fraud", {"fine": 0.4, "fraud": 0.6})
    measure.add("fraud", {"fine": 0.6, "fraud": 0.4})
    measure.add("fine", {"fine": 0.5, "fraud": 0.5})
    measure.add("fine", {})
    assert measure.count == 4
    assert measure.accuracy == 0.5
    assert measure.recent_accuracy == 0.5
    measure.add("fine", {"fine": 1.0})
    assert measure.recent_accuracy == 0.5
    assert measure.accuracy == 0.6
