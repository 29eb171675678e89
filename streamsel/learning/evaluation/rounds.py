"""Whether labelling still pays: what each hundred labels brought."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streamsel.learning.evaluation.aipw import Answers, Estimate
from streamsel.learning.evaluation.evaluation import Evaluation
from streamsel.records import DRAWN, LANES

ROUND = 100
"""Labels; a round ends with the slot of time that its last one is in."""
_MOST_ROUNDS = 50
_DRAWN = [LANES.index(lane) for lane in sorted(DRAWN)]


@dataclass(frozen=True, slots=True)
class Round:
    """The labels of events decided in a stretch of time. NaN where there is nothing to tell from."""

    since: float
    until: float
    labels: int
    reviewer_hours: float
    """As far as the time of an answer is known."""
    accuracy: Estimate
    """Over all events of its time."""
    gain_per_hundred_labels: float
    """In accuracy since the round before."""
    gain_per_reviewer_hour: float
    mistakes_chosen: float
    """Of the labels chosen for their utility, the share that the model had wrong: what there was to learn."""
    mistakes_random: float
    """Of those drawn at random: what labelling would find that did not choose."""


def rounds(evaluation: Evaluation, now: float) -> Sequence[Round]:
    """The last rounds, oldest first."""
    answered, until = evaluation.answered, evaluation.settled_until(now)
    rows = answered.rows(evaluation.population.since, until)
    rows = rows[np.argsort(answered.decided_at(rows), kind="stable")]
    found: list[Round] = []
    for some, since, end in _stretches(evaluation, rows[-(_MOST_ROUNDS + 1) * ROUND :]):
        accuracy = evaluation.accuracy(since, end)
        gain = accuracy.value - found[-1].accuracy.value if found else math.nan
        hours = answered.seconds(some) / 3_600.0
        answers = answered.answers(some)
        drawn = np.isin(answers.lanes, _DRAWN)
        found.append(
            Round(
                since=since,
                until=end,
                labels=len(some),
                reviewer_hours=hours,
                accuracy=accuracy,
                gain_per_hundred_labels=gain * 100.0 / len(some),
                gain_per_reviewer_hour=gain / hours if hours > 0.0 else math.nan,
                mistakes_chosen=_mistakes(answers, ~drawn),
                mistakes_random=_mistakes(answers, drawn),
            )
        )
    return found[-_MOST_ROUNDS:]


def _stretches(
    evaluation: Evaluation, rows: NDArray[np.intp]
) -> Sequence[tuple[NDArray[np.intp], float, float]]:
    """Rounds of rows in the order of their events, each with the slots of time it covers."""
    starts = [evaluation.population.start(float(at)) for at in evaluation.answered.decided_at(rows)]
    found, first = [], 0
    for row in range(1, len(starts)):
        if row - first >= ROUND and starts[row] > starts[row - 1]:
            found.append((rows[first:row], starts[first], starts[row]))
            first = row
    return found


def _mistakes(answers: Answers, some: NDArray[np.bool_]) -> float:
    wrong = answers.predicted[some] != answers.truth[some]
    return float(wrong.mean()) if len(wrong) else math.nan
