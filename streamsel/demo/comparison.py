"""What choosing the labels was worth: the running model beside rivals that learned as many random ones.

A rival is treated exactly as the running model was:

- the same estimator, and the same number of labels behind every single prediction: when a decision says that
  the running model stood at version n, the rival has learned n labels;
- the same delay: in place of a label of the event at position p, it learns one of an event drawn uniformly
  from those around p that were decided by then;
- the same reviewers: its n-th label is wrong exactly when the running model's n-th label was.

All are judged by their predictions for all events, asked about or not, each made when the event was decided.
Until it has learned to tell two labels apart, each predicts the first one. What few random labels teach is a
matter of luck, so there are several rivals, and their scores are averaged.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from operator import attrgetter, itemgetter
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from streamsel.demo.scores import Scores
from streamsel.demo.transactions import FEATURES, FRAUD, LABELS, LEGIT, Transaction
from streamsel.learning.fold import Fold
from streamsel.learning.serving import ServingModel
from streamsel.learning.spec import ModelSpec
from streamsel.records import Decision, FeatureTable, Label, LogRecord

RIVALS = 5
NEIGHBOURHOOD = 300
"""Events around a label's event from which a rival's is drawn: so many that where the running model found
something to ask about tells little of what the rival gets."""
_PICK = itemgetter(*FEATURES)


class Comparison:
    """Folds decisions, in the order of their partition, and the label log.

    ``transactions`` by event id must hold every event that was decided.
    """

    def __init__(self, spec: ModelSpec, transactions: Mapping[str, Transaction], seed: int) -> None:
        self._transactions = transactions
        self._log: list[LogRecord] = []
        self._decided: list[Transaction] = []
        self._positions: dict[str, int] = {}
        self._version = 0
        self.running = Scores()
        self.rivals = [Rival(spec, seed + number) for number in range(RIVALS)]

    @property
    def random_accuracy(self) -> float:
        """Mean of the rivals'; NaN before the first decision."""
        return fmean(rival.scores.accuracy for rival in self.rivals)

    @property
    def random_balanced_accuracy(self) -> float:
        """Mean of the rivals'; NaN until both labels occurred."""
        return fmean(rival.scores.balanced_accuracy for rival in self.rivals)

    @property
    def random_average_precision(self) -> float:
        """Mean of the rivals'; NaN before the first fraud."""
        return fmean(rival.scores.average_precision for rival in self.rivals)

    def add_records(self, records: Iterable[LogRecord]) -> None:
        """The next records of the label log. Must come before the first decision that knows them."""
        self._log.extend(records)

    def add_decisions(self, decisions: Iterable[Decision]) -> None:
        """The next decisions of the partition."""
        for version, stretch in groupby(decisions, key=attrgetter("model_version")):
            for record in self._log[self._version : version]:
                self._learn(record)
            self._version = max(version, self._version)
            self._judge(list(stretch))

    def _learn(self, record: LogRecord) -> None:
        for rival in self.rivals:
            if isinstance(record, Label):
                right = record.label == self._transactions[record.event_id].truth
                rival.learn(record, self._positions[record.event_id], self._decided, right=right)
            else:
                rival.pass_over()

    def _judge(self, decisions: Sequence[Decision]) -> None:
        transactions = [self._transactions[decision.event_id] for decision in decisions]
        for decision, transaction in zip(decisions, transactions, strict=True):
            self.running.add(transaction.truth == FRAUD, decision.probabilities.get(FRAUD, 0.0))
            self._positions[decision.event_id] = len(self._decided)
            self._decided.append(transaction)
        for rival in self.rivals:
            rival.judge(transactions)


class Rival:
    """One model that learns random labels."""

    def __init__(self, spec: ModelSpec, seed: int) -> None:
        self._model = ServingModel(Fold(spec))
        self._rng = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
        self.drawn: set[int] = set()
        """Positions of the events whose labels it has learned."""
        self.scores = Scores()

    @property
    def version(self) -> int:
        """Records of the label log that it has had its counterpart of."""
        return self._model.version

    def learn(self, label: Label, position: int, decided: Sequence[Transaction], *, right: bool) -> None:
        """Learns, in place of ``label`` of the event at ``position``, that of a random decided event."""
        drawn = self._draw(position, len(decided))
        truth = decided[drawn].truth
        counterpart = replace(
            label,
            label_id=f"random-{drawn}",
            event_id=str(decided[drawn].event["id"]),
            label=truth if right else _other(truth),
            features=_table([decided[drawn]]).row(0),
        )
        self._model.fold.apply(self.version, counterpart)

    def pass_over(self) -> None:
        """A record that is no label of an event has no counterpart."""
        self._model.fold.apply(self.version, None)

    def judge(self, transactions: Sequence[Transaction]) -> None:
        """Predicts events and is told the truth about them, without learning from it."""
        predicted = _of_fraud(self._model.probabilities(_table(transactions)))
        for transaction, probability in zip(transactions, predicted, strict=True):
            self.scores.add(transaction.truth == FRAUD, probability)

    def _draw(self, position: int, decided: int) -> int:
        """A decided event near ``position`` that was not drawn before."""
        reach = NEIGHBOURHOOD // 2
        while True:
            nearby = range(max(position - reach, 0), min(position + reach, decided))
            if left := [near for near in nearby if near not in self.drawn]:
                drawn = self._rng.choice(left)
                self.drawn.add(drawn)
                return drawn
            # There are fewer labels than decided events, so somewhere one is left.
            reach *= 2


def _table(transactions: Sequence[Transaction]) -> FeatureTable:
    return FeatureTable(FEATURES, [_PICK(transaction.event) for transaction in transactions])


def _of_fraud(probabilities: NDArray[np.float64]) -> list[float]:
    if probabilities.shape[1] == 0:
        return [0.0] * len(probabilities)
    column: list[float] = np.nan_to_num(probabilities[:, LABELS.index(FRAUD)]).tolist()
    return column


def _other(label: str) -> str:
    return FRAUD if label == LEGIT else LEGIT
