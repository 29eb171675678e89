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
from typing import NamedTuple, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from streamsel.learning.features import parts
from streamsel.learning.linear import LinearScorer
from streamsel.learning.logistic import ScaledLogistic
from streamsel.learning.mixture import Mixture
from streamsel.learning.portfolio.boosted import BoostedTrees
from streamsel.learning.portfolio.change import changed_at
from streamsel.learning.portfolio.kernel import WIDTHS, KernelMachine
from streamsel.learning.portfolio.naive_bayes import GaussianNaiveBayes
from streamsel.learning.portfolio.rows import RowEncoder, stacked
from streamsel.learning.spec import unknown_label
from streamsel.learning.text import TextMixture
from streamsel.records import FeatureTable, Value

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

BOOSTED_WINDOWS = (200, 4_000)
"""Last labels that a member is fitted to. The short ones are soon over a change of the stream."""
KERNEL_WINDOWS = (200, 600)
LONGEST_WINDOW = max(*BOOSTED_WINDOWS, *KERNEL_WINDOWS)
LEAST_SPACING, LARGEST_SPACING = 2, 500
"""Labels between two fits."""
_ONLINE = 2
_STEADY = len(BOOSTED_WINDOWS) + len(KERNEL_WINDOWS)
"""Refitted members that do not heed changes."""
_SINCE = _STEADY
"""The place among the refitted of the boosted trees of the labels since the last change."""
_REFITTED = _STEADY + 2
_QUICK = [*range(_STEADY - 1), _SINCE]
"""Places of all but the kernel machines with the longest window, which take most of the time of scoring."""


class Fitted(Protocol):
    """A member that was fitted to a window."""

    def probabilities(self, matrix: Floats) -> Floats: ...


class _Labelled(NamedTuple):
    row: Floats
    label: int


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
        self._window: deque[_Labelled] = deque(maxlen=LONGEST_WINDOW)
        self._fitted: list[Fitted | None] = [None] * _REFITTED
        self._fitted_at = 0
        """Labels learned at the last fit of all refitted members."""
        self._changed_at = 0
        """Labels before the last change."""
        self._followed_at = 0
        """Labels learned since then, at the last fit of those members that see no others."""
        self._surprises: deque[float] = deque(maxlen=LONGEST_WINDOW)
        """What the labels since then were to the boosted trees that see no others."""
        self._ahead: _Ahead | None = None
        super().__init__(labels, members=_ONLINE + _REFITTED + (text is not None))

    @property
    def fit_due(self) -> bool:
        """Whether learning the next label takes a fit."""
        return self._all_due or self._since_due

    @property
    def _all_due(self) -> bool:
        return self.learned + 1 >= self._fitted_at + spacing(self._fitted_at)

    @property
    def _since_due(self) -> bool:
        return self.learned + 1 - self._changed_at >= self._followed_at + spacing(self._followed_at)

    def fit_ahead(self, x: Mapping[str, Value], y: str) -> None:
        """Does what takes long about ``learn_one(x, y)``, which must be the next to be learned for that to be
        of use. Changes nothing that predictions depend on, so another thread may predict meanwhile."""
        row = self._encoder.row(parts(x, self.text))
        window = [*self._window, _Labelled(row, self.labels.index(y))][-LONGEST_WINDOW:]
        whole = self._all_due
        self._ahead = _Ahead(x, y, self._fits(window, whole=whole), whole)

    def learn_one(self, x: Mapping[str, Value], y: str) -> None:
        """Raises, unchanged, ``ValueError`` or ``TypeError`` for a label or value that can't be learned."""
        if y not in self.labels:
            raise ValueError(unknown_label(y, self.labels))
        label = self.labels.index(y)
        # Raises before anything has changed.
        known = parts(x, self.text)
        due = self.fit_due
        if due and (self._ahead is None or (self._ahead.features, self._ahead.label) != (x, y)):
            self.fit_ahead(x, y)
        if len(self.seen) > 1:
            said = self.members(FeatureTable.of([x]))[:, 0]
            self.hedge.learn(said, label)
            self._watch(said[_ONLINE + _SINCE, label])
        row = self._encoder.learn(known, label)
        self._logistic.learn_one(x, y)
        self._bayes.learn(row, label)
        if self._words is not None:
            self._words.learn_one(x, y)
        self._window.append(_Labelled(row, label))
        self.seen.add(y)
        self.learned += 1
        if due and self._ahead is not None:
            self._fitted = self._ahead.members
            self._followed_at = self.learned - self._changed_at
            if self._ahead.whole:
                self._fitted_at = self.learned
        self._ahead = None

    def members(self, table: FeatureTable) -> Floats:
        """Logistic, naive Bayes, boosted trees, kernel machines and, if there is text, its words."""
        return self._said(table, self._fitted)

    def quick_members(self, table: FeatureTable) -> Floats:
        """Of the refitted members one alone has an opinion: that of the largest weight, but for the slow
        ones. (Were it always the same one, it would cost points of accuracy where another kind is right.)
        """
        heaviest = max(_QUICK, key=self.weights[_ONLINE:].__getitem__)
        members = [one if place == heaviest else None for place, one in enumerate(self._fitted)]
        return self._said(table, members)

    def _watch(self, probability: float) -> None:
        """Takes what the trees since the last change had said of the next label, and looks for another."""
        self._surprises.append(1.0 - (1.0 / len(self.labels) if np.isnan(probability) else probability))
        found = changed_at(self._surprises)
        if found:
            self._surprises = deque(list(self._surprises)[found:], LONGEST_WINDOW)
            self._changed_at = self.learned + 1 - len(self._surprises)
            self._followed_at = 0

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

    def _fits(self, labelled: list[_Labelled], *, whole: bool) -> list[Fitted | None]:
        """All refitted members in their order; unless ``whole``, the steady ones as they are."""
        matrix = stacked([one.row for one in labelled])
        labels = np.array([one.label for one in labelled])
        steady = self._steady(matrix, labels) if whole else self._fitted[:_STEADY]
        since = min(self.learned + 1 - self._changed_at, len(labels))
        if whole and since == len(labels):
            trees = cast(BoostedTrees | None, steady[len(BOOSTED_WINDOWS) - 1])
        else:
            trees = self._boosted(matrix[-since:], labels[-since:])
        relevance = None if trees is None else trees.relevance
        return [*steady, trees, self._kernels(matrix[-since:], labels[-since:], relevance)[-1]]

    def _steady(self, matrix: Floats, labels: Integers) -> list[Fitted | None]:
        # Windows longer than what there is share one fit.
        sizes = [min(window, len(labels)) for window in BOOSTED_WINDOWS]
        boosted = {size: self._boosted(matrix[-size:], labels[-size:]) for size in dict.fromkeys(sizes)}
        return [*(boosted[size] for size in sizes), *self._kernels(matrix, labels)]

    def _boosted(self, matrix: Floats, labels: Integers) -> BoostedTrees | None:
        several = len(np.unique(labels)) > 1
        return BoostedTrees(matrix, labels, len(self.labels), self.seed) if several else None

    def _kernels(
        self, matrix: Floats, labels: Integers, relevance: Floats | None = None
    ) -> list[KernelMachine | None]:
        """For each window one, from the shortest on."""
        machines: dict[int, KernelMachine | None] = {}
        widths: Sequence[float] = WIDTHS
        sizes = [min(window, len(labels)) for window in KERNEL_WINDOWS]
        for size in dict.fromkeys(sizes):
            several = len(np.unique(labels[-size:])) > 1
            machine = (
                KernelMachine(matrix[-size:], labels[-size:], len(self.labels), widths, relevance)
                if several
                else None
            )
            # The longer window takes over the width that the shorter one chose among all.
            widths = (machine.width,) if machine is not None else WIDTHS
            machines[size] = machine
        return [machines[size] for size in sizes]


def spacing(labels: int) -> int:
    """How many labels after a fit at so many labels the next one follows: the share of all time that is spent
    on fits falls as labels grow, and comes to a fixed cost a label."""
    return min(max(labels // 20, LEAST_SPACING), LARGEST_SPACING)
