"""A mixture of learners that answer to each label at once and learners that are fitted anew now and then.

A label log is small: a few hundred labels an hour. So batch learners can be fitted to its last hundreds or
thousands again and again, at little cost, and they use few labels far better than any online learner. The
online members bridge the labels since the last fit. Which member to believe is decided by how well each has
lately predicted labels before it learned them (see ``Hedge``).

After an abrupt change of the stream the labels before it mislead. Two refitted members see only those since:
boosted trees, whose own surprises tell when that was (see ``changed_at``), and a kernel machine that goes by
the columns these trees find relevant.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamsel.learning.features import Parts, parts, present
from streamsel.learning.linear import LinearScorer
from streamsel.learning.logistic import ScaledLogistic
from streamsel.learning.mixture import Mixture
from streamsel.learning.portfolio.change import changed_at
from streamsel.learning.portfolio.naive_bayes import GaussianNaiveBayes
from streamsel.learning.portfolio.refits import (
    LONGEST_WINDOW,
    QUICK,
    REFITTED,
    SINCE,
    Fitted,
    Labelled,
    Refits,
)
from streamsel.learning.portfolio.rows import RowEncoder, stacked
from streamsel.learning.spec import unknown_label
from streamsel.learning.text import TextMixture
from streamsel.records import FeatureTable, Value

Floats = NDArray[np.float64]

LEAST_SPACING, LARGEST_SPACING = 2, 500
"""Labels between two fits."""
GROWTH = 10
"""A fit of all is due when there is one label more for each so many."""
LOOK = 10
"""Labels from one look for a change to the next."""
_ONLINE = 2
"""Members that learn each label at once."""


class _Known(NamedTuple):
    features: Mapping[str, Value]
    label: str
    parts: Parts


class _Ahead(NamedTuple):
    """Members fitted for a label that is yet to be learned."""

    features: Mapping[str, Value]
    label: str
    members: list[Fitted | None]
    whole: bool
    """Whether all were; those since the last change may be due alone."""


class Portfolio(Mixture):
    """A River classifier over any mix of numbers, categories and one free text.

    The refitted members depend on the labels learned and on nothing else: fits are due after a number of
    labels fixed beforehand (see ``spacing``), are seeded and run in one thread. ``learn_one`` runs one when
    it is due, which takes some tenths of a second; who cannot wait calls ``fit_ahead`` in a thread before.
    """

    def __init__(self, labels: tuple[str, ...], text: str | None = None, seed: int = 1) -> None:
        """``labels``: two or more, in the order of probabilities; ``text`` names the feature of free text."""
        self.text = text
        self.seed = seed
        self.learned = 0
        """Labels learned."""
        self._encoder = RowEncoder(labels, text)
        self._logistic = ScaledLogistic(labels, text)
        self._linear = LinearScorer(self._logistic)
        self._bayes = GaussianNaiveBayes(len(labels))
        self._words = None if text is None else TextMixture(labels, text)
        self._window: deque[Labelled] = deque(maxlen=LONGEST_WINDOW)
        self._fitted: list[Fitted | None] = [None] * REFITTED
        self._fitted_at = 0
        """Labels learned at the last fit of all refitted members."""
        self._changed_at = 0
        """Labels before the last change."""
        self._followed_at = 0
        """Labels learned since then, at the last fit of those members that see no others."""
        self._surprises: deque[float] = deque(maxlen=LONGEST_WINDOW)
        """What the labels since then were to the boosted trees that see no others."""
        self._ahead: _Ahead | None = None
        super().__init__(labels, members=_ONLINE + REFITTED + (text is not None))

    @property
    def fit_due(self) -> bool:
        """Whether learning the next label takes a fit."""
        return self._fit_at <= self.learned + 1

    @property
    def at_once(self) -> int:
        """See ``presets.LearnsEach``."""
        room = self._room
        return max(room - 1, 1) if self._fit_at == self.learned + room else room

    @property
    def _fit_all_at(self) -> int:
        """Labels learned by the next fit of all refitted members."""
        return self._fitted_at + spacing(self._fitted_at)

    @property
    def _fit_at(self) -> int:
        return min(self._fit_all_at, self._changed_at + self._followed_at + spacing(self._followed_at))

    @property
    def _room(self) -> int:
        """Labels up to and including the next one that takes a fit or is followed by a look for a change."""
        return max(min(self._fit_at - self.learned, LOOK - self.learned % LOOK), 1)

    def fit_ahead(self, x: Mapping[str, Value], y: str) -> None:
        """Does what takes long about ``learn_one(x, y)``, which must be the next to be learned for that to be
        of use. Changes nothing that predictions depend on, so another thread may predict meanwhile."""
        row = self._encoder.row(parts(x, self.text))
        window = [*self._window, Labelled(row, self.labels.index(y))]
        self._ahead = self._fit(x, y, window, self.learned + 1)

    def learn_one(self, x: Mapping[str, Value], y: str) -> None:
        """Raises, unchanged, ``ValueError`` or ``TypeError`` for a label or value that can't be learned."""
        if y not in self.labels:
            raise ValueError(unknown_label(y, self.labels))
        self._learn([_Known(x, y, parts(x, self.text))], [False])

    def learn_each(
        self, events: Sequence[Mapping[str, Value]], labels: Sequence[str], asked: Sequence[bool]
    ) -> list[dict[str, float]] | None:
        """See ``presets.LearnsEach``."""
        if not set(labels) <= set(self.labels):
            return None
        try:
            known = [
                _Known(x, y, parts(x, self.text)) for x, y in zip(map(present, events), labels, strict=True)
            ]
        except (ValueError, TypeError):
            return None
        said: list[dict[str, float]] = []
        start = 0
        while start < len(known):
            some = slice(start, start + self._room)
            said += self._learn(known[some], asked[some])
            start = some.stop
        return said

    def predict_proba_one(self, x: Mapping[str, Value]) -> dict[str, float]:
        """See ``Mixture``. To the last bit what ``learn_each`` tells."""
        row = self._encoder.row(parts(x, self.text))
        return self._opinion(self._said_of(x, row, self._each([row])[:, 0]))

    def members(self, table: FeatureTable) -> Floats:
        """Logistic, naive Bayes, boosted trees, kernel machines and, if there is text, its words."""
        return self._said(table, self._fitted)

    def quick_members(self, table: FeatureTable) -> Floats:
        """Of the refitted members one alone has an opinion: that of the largest weight, but for the slow
        ones. (Were it always the same one, it would cost points of accuracy where another kind is right.)
        """
        heaviest = max(QUICK, key=self.weights[_ONLINE:].__getitem__)
        members = [one if place == heaviest else None for place, one in enumerate(self._fitted)]
        return self._said(table, members)

    def _learn(self, known: Sequence[_Known], asked: Sequence[bool]) -> list[dict[str, float]]:
        """One or more labels, up to the next that takes a fit or is followed by a look for a change: until
        then the refitted members stay as they are, and tell of all at once. What is said of those asked."""
        labels = [self.labels.index(one.label) for one in known]
        rows = [self._encoder.learn(one.parts, label) for one, label in zip(known, labels, strict=True)]
        fitted = self._each(rows)
        opinions = []
        for place, (one, label, row) in enumerate(zip(known, labels, rows, strict=True)):
            said = self._said_of(one.features, row, fitted[:, place])
            if asked[place]:
                opinions.append(self._opinion(said))
            if len(self.seen) > 1:
                self.hedge.learn(said, label)
                surprise = 1.0 - said[_ONLINE + SINCE, label]
                self._surprises.append(1.0 - 1.0 / len(self.labels) if np.isnan(surprise) else surprise)
            self._logistic.learn_one(one.features, one.label)
            self._bayes.learn(row, label)
            if self._words is not None:
                self._words.learn_one(one.features, one.label)
            self._window.append(Labelled(row, label))
            self.seen.add(one.label)
        fit_due = self._fit_at <= self.learned + len(known)
        self.learned += len(known)
        if fit_due:
            self._take_fit(known[-1])
        self._ahead = None
        if self.learned % LOOK == 0:
            self._look()
        return opinions

    def _take_fit(self, last: _Known) -> None:
        """That which was made ahead for the last label, or a new one."""
        fit = self._ahead
        if fit is None or (fit.features, fit.label) != (last.features, last.label):
            fit = self._fit(last.features, last.label, list(self._window), self.learned)
        self._fitted = fit.members
        self._followed_at = self.learned - self._changed_at
        if fit.whole:
            self._fitted_at = self.learned

    def _look(self) -> None:
        """For a change in what the labels were to the trees since the last one."""
        found = changed_at(self._surprises)
        if found:
            self._surprises = deque(list(self._surprises)[found:], LONGEST_WINDOW)
            self._changed_at = self.learned - len(self._surprises)
            self._followed_at = 0

    def _said_of(self, x: Mapping[str, Value], row: Floats, fitted: Floats) -> Floats:
        """(members, labels) of one event, whose opinions by refitted members are at hand."""
        if len(self.seen) < 2:
            return np.full((len(self.weights), len(self.labels)), np.nan)
        logistic = self._logistic.predict_proba_one(x)
        words = [] if self._words is None else [self._words.probabilities(FeatureTable.of([x]))[0]]
        online = [[logistic[label] for label in self.labels], self._bayes.probabilities(row[None])[0]]
        return np.vstack([*online, fitted, *words])

    def _each(self, rows: Sequence[Floats]) -> Floats:
        """(refitted members, rows, labels), to the last bit as of each row alone."""
        matrix = stacked(rows)
        nothing = np.full((len(rows), len(self.labels)), np.nan)
        said = {id(one): one.probabilities_each(matrix) for one in self._fitted if one is not None}
        return np.array([said.get(id(one), nothing) for one in self._fitted])

    def _opinion(self, said: Floats) -> dict[str, float]:
        """By label, of what the members say of one event."""
        if len(self.seen) < 2:
            return dict.fromkeys(self.seen, 1.0)
        return dict(zip(self.labels, self.hedge.mix(said[:, None])[0].tolist(), strict=True))

    def _said(self, table: FeatureTable, members: Sequence[Fitted | None]) -> Floats:
        """By all members that are not refitted, and these of those that are."""
        matrix = self._encoder.matrix(table)
        said = {id(one): one.probabilities(matrix) for one in members if one is not None}
        nothing = np.full((len(table.rows), len(self.labels)), np.nan)
        fitted = [said.get(id(one), nothing) for one in members]
        words = [] if self._words is None else [self._words.probabilities(table)]
        return np.array(
            [self._linear.probabilities(table), self._bayes.probabilities(matrix), *fitted, *words]
        )

    def _fit(self, x: Mapping[str, Value], y: str, labelled: list[Labelled], learned: int) -> _Ahead:
        """Of the members that are due once so many labels are learned, of which this is the last."""
        whole = self._fit_all_at <= learned
        refits = Refits(labelled, len(self.labels), self.seed)
        kept = None if whole else self._fitted
        return _Ahead(x, y, refits.members(learned - self._changed_at, kept), whole)


def spacing(labels: int) -> int:
    """How many labels after a fit at so many labels the next one follows: the share of all time that is spent
    on fits falls as labels grow, and comes to a fixed cost a label."""
    return min(max(labels // GROWTH, LEAST_SPACING), LARGEST_SPACING)
