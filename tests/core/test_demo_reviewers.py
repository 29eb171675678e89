"""How the simulated reviewers work, before anything of it goes over HTTP."""

from __future__ import annotations

import random

import numpy as np
import pytest

from streamsel.demo.reviewers import Habits

LABELS = ("legit", "fraud", "unclear")


def test_reviews_take_the_mean_time_on_average_and_vary() -> None:
    """Log-normal about the mean."""
    rng, habits = random.Random(1), Habits(mean_seconds=0.2, spread=0.5)
    seconds = [habits.review_seconds(rng) for _ in range(20_000)]
    assert np.mean(seconds) == pytest.approx(0.2, rel=0.02)
    assert np.std(np.log(seconds)) == pytest.approx(0.5, rel=0.02)


def test_answers_are_wrong_as_often_as_said() -> None:
    """And a wrong answer is any of the other labels."""
    rng, habits = random.Random(2), Habits(error=0.1)
    answers = [habits.answer(rng, "fraud", LABELS) for _ in range(20_000)]
    assert answers.count("fraud") / len(answers) == pytest.approx(0.9, abs=0.01)
    assert answers.count("legit") == pytest.approx(answers.count("unclear"), rel=0.15)


def test_without_error_the_answer_is_the_truth() -> None:
    """Error 0 means never."""
    rng = random.Random(3)
    assert {Habits(error=0.0).answer(rng, "legit", LABELS) for _ in range(1_000)} == {"legit"}
