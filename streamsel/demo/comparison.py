"""What choosing the labels was worth: the running model beside a rival that learned as many random ones.

The rival is treated exactly as the running model was:

- the same estimator, and the same number of labels behind every single prediction: when a decision says that
  the running model stood at version n, the rival has learned n labels;
- the same delay: in place of a label of the event at position p, it learns one of an event drawn uniformly
  from those around p that were decided by then;
- the same reviewers: its n-th label is wrong exactly when the running model's n-th label was.

Both are judged by their predictions for all events, asked about or not, each made when the event was decided.
Until it has learned anything, either predicts the first label.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from operator import attrgetter, itemgetter

import numpy as np
from numpy.typing import NDArray

from streamsel.demo.scores import Scores
from streamsel.demo.transactions import FEATURES, FRAUD, LABELS, LEGIT, Transaction
from streamsel.learning.fold import Fold
from streamsel.learning.serving import ServingModel
from streamsel.learning.spec import ModelSpec
from streamsel.records import Decision, FeatureTable, Label, LogRecord

NEIGHBOURHOOD = 100
"""Events around a label's event from which the rival's is drawn."""
_PICK = itemgetter(*FEATURES)


class Comparison:
    """Folds decisions, in the order of their partition, and the label log.

    ``transactions`` by event id must hold every event that was decided.
    """

    def __init__(self, spec: ModelSpec, transactions: Mapping[str, Transaction], seed: int) -> None:
        self._rival = ServingModel(Fold(spec))
        self._transactions = transactions
        self._rng = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
        self._log: list[LogRecord] = []
        self._decided: list[Transaction] = []
        self._positions: dict[str, int] = {}
        self._drawn: set[int] = set()
        self.running, self.random = Scores(), Scores()

    def add_records(self, records: Iterable[LogRecord]) -> None:
        """The next records of the label log. Must come before the first decision that knows them."""
        self._log.extend(records)

    def add_decisions(self, decisions: Iterable[Decision]) -> None:
        """The next decisions of the partition."""
        for version, stretch in groupby(decisions, key=attrgetter("model_version")):
            for offset in range(self._rival.version, version):
                self._rival.fold.apply(offset, self._counterpart(self._log[offset]))
            self._judge(list(stretch))

    def _counterpart(self, record: LogRecord) -> Label | None:
        """What the rival learns in place of a record."""
        if not isinstance(record, Label):
            return None
        wrong = record.label != self._transactions[record.event_id].truth
        position = self._draw(self._positions[record.event_id])
        drawn = self._decided[position]
        return replace(
            record,
            label_id=f"random-{position}",
            event_id=str(drawn.event["id"]),
            label=_other(drawn.truth) if wrong else drawn.truth,
            features=_table([drawn]).row(0),
        )

    def _judge(self, decisions: Sequence[Decision]) -> None:
        transactions = [self._transactions[decision.event_id] for decision in decisions]
        rival = _of_fraud(self._rival.probabilities(_table(transactions)))
        for decision, transaction, probability in zip(decisions, transactions, rival, strict=True):
            truth = transaction.truth == FRAUD
            self.running.add(truth, decision.probabilities.get(FRAUD, 0.0))
            self.random.add(truth, probability)
            self._positions[decision.event_id] = len(self._decided)
            self._decided.append(transaction)

    def _draw(self, position: int) -> int:
        """A decided event near ``position`` that was not drawn before."""
        reach = NEIGHBOURHOOD // 2
        while True:
            nearby = range(max(position - reach, 0), min(position + reach, len(self._decided)))
            if left := [near for near in nearby if near not in self._drawn]:
                drawn = self._rng.choice(left)
                self._drawn.add(drawn)
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
