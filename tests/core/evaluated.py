"""Streams of which the truth about every event is known, to hold estimates against."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streamsel.learning.evaluation.aipw import Answers
from streamsel.learning.evaluation.measures import Cell
from streamsel.learning.evaluation.sums import DecidedEvents, Floats, summed
from streamsel.records import LANES, Label, Summary
from streamsel.selection.gate import EXPLORE, UNCERTAIN

NAMES = ("no", "yes")
START = 1_700_000_040.0
"""On the minute."""


@dataclass(frozen=True, slots=True, eq=False)
class Population:
    """Events with predictions, truths and propensities."""

    probabilities: Floats
    truth: NDArray[np.intp]
    propensities: Floats

    @classmethod
    def drawn(cls, seed: int, events: int = 2_000, labels: int = 2, wrong: float = 0.3) -> Population:
        """Of a model that is not calibrated; events it is unsure of are asked about more often."""
        rng = np.random.default_rng(seed)
        chances = rng.dirichlet(np.full(labels, 0.5), events)
        truth = (rng.random(events)[:, None] > chances.cumsum(axis=1)).sum(axis=1)
        said = (1 - wrong) * chances**2 + wrong * rng.dirichlet(np.ones(labels), events)
        said /= said.sum(axis=1, keepdims=True)
        propensities = np.where(said.max(axis=1) < 0.7, 0.6, 0.1)
        return cls(said, np.minimum(truth, labels - 1), propensities)

    @property
    def confusion(self) -> Floats:
        """(labels, labels), predicted by true."""
        labels = self.probabilities.shape[1]
        table = np.zeros((labels, labels))
        np.add.at(table, (self.probabilities.argmax(axis=1), self.truth), 1.0)
        return table

    def asked(self, seed: int) -> NDArray[np.int8]:
        """Lanes by one draw an event."""
        drawn = np.random.default_rng(seed).random(len(self.truth))
        lanes = np.where(drawn < 0.1, EXPLORE, UNCERTAIN)
        return np.where(drawn < self.propensities, lanes, 0).astype(np.int8)

    def cell(self, lanes: NDArray[np.int8], answered: NDArray[np.bool_] | None = None) -> Cell:
        """As it is evaluated when these were asked, and all or some of them answered."""
        rows = np.flatnonzero(lanes if answered is None else answered & (lanes > 0))
        answers = Answers(self.truth[rows], self.probabilities[rows], self.propensities[rows], lanes[rows])
        decided = DecidedEvents(self.probabilities, lanes, self.propensities)
        (row,) = summed(decided, self.probabilities.shape[1], 1)
        return Cell(row, answers)


def label(
    number: int, truth: str, said: float, *, at: float = START, propensity: float = 0.5, revision: int = 1,
    region: str = "", lane: str = "explore", seconds: float | None = 20.0, source: str = "reviewer",
) -> Label:  # fmt: skip
    """Of event ``number``, decided ``at``, of which "yes" was ``said`` to be so probable."""
    return Label(
        label_id=f"q{number}", revision=revision, event_id=f"e{number}", label=truth, source=source,  # type: ignore[arg-type]
        labelled_by="ana", labelled_at=at + 60.0, features={}, query_id=f"q{number}", lane=lane,  # type: ignore[arg-type]
        propensity=propensity, probabilities={"no": 1.0 - said, "yes": said}, decided_at=at,
        segments={"region": region} if region else {}, seconds=seconds,
    )  # fmt: skip


def summary_of(labels: list[Label], number: int, others: int = 0) -> Summary:
    """Of the events of these labels, and others that nobody was asked about."""
    said = [one.probabilities["yes"] for one in labels] + [0.9] * others
    lanes = [LANES.index(one.lane) for one in labels] + [0] * others
    propensities = [one.propensity for one in labels] + [0.5] * others
    both = np.array([[1.0 - one, one] for one in said]).reshape(-1, 2)
    decided = DecidedEvents(both, np.array(lanes, np.int8), np.array(propensities))
    at = [one.decided_at or START for one in labels] or [START]
    return Summary(f"p:{number}", min(at), max(at), len(said), NAMES, ("",), summed(decided, 2, 1))


def minutes(count: int) -> Iterator[float]:
    """The middles of so many minutes."""
    return (START + 60.0 * number + 30.0 for number in range(count))
