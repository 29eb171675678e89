"""The refitted members: batch learners, each fitted to a window of the last labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from streamsel.learning.portfolio.boosted import BoostedTrees
from streamsel.learning.portfolio.kernel import RIDGES, WIDTHS, KernelMachine
from streamsel.learning.portfolio.rows import stacked

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

BOOSTED_WINDOWS = (200, 4_000)
"""Last labels that a member is fitted to. The short ones are soon over a change of the stream."""
KERNEL_WINDOWS = (200, 600)
LONGEST_WINDOW = max(*BOOSTED_WINDOWS, *KERNEL_WINDOWS)
_STEADY = len(BOOSTED_WINDOWS) + len(KERNEL_WINDOWS)
"""Members that do not heed changes."""
SINCE = _STEADY
"""The place among the members of the boosted trees of the labels since the last change."""
REFITTED = _STEADY + 2
QUICK = [*range(_STEADY - 1), SINCE]
"""Places of all but the kernel machines with the longest window, which take most of the time of scoring."""


class Fitted(Protocol):
    """A member that was fitted to a window."""

    def probabilities(self, matrix: Floats) -> Floats: ...

    def probabilities_each(self, matrix: Floats) -> Floats:
        """To the last bit what it says of each row alone."""


class Labelled(NamedTuple):
    row: Floats
    label: int


class Refits:
    """Fits to the labels of one moment."""

    def __init__(self, labelled: Sequence[Labelled], classes: int, seed: int) -> None:
        """``labelled``: one or more, the latest last."""
        window = labelled[-LONGEST_WINDOW:]
        self._matrix = stacked([one.row for one in window])
        self._labels = np.array([one.label for one in window])
        self._classes = classes
        self._seed = seed

    def members(self, since: int, kept: Sequence[Fitted | None] | None) -> list[Fitted | None]:
        """All in their order: boosted trees, kernel machines, and both of the last ``since`` labels, the
        number since the last change. Those that do not heed changes are taken from ``kept``, if given."""
        steady = self._steady() if kept is None else kept[:_STEADY]
        if kept is None and since >= len(self._labels):
            trees = cast(BoostedTrees | None, steady[len(BOOSTED_WINDOWS) - 1])
        else:
            trees = self._boosted(since)
        relevance = None if trees is None else trees.relevance
        return [*steady, trees, self._kernels(since, relevance)[-1]]

    def _steady(self) -> list[Fitted | None]:
        # Windows longer than what there is share one fit.
        sizes = [min(window, len(self._labels)) for window in BOOSTED_WINDOWS]
        boosted = {size: self._boosted(size) for size in dict.fromkeys(sizes)}
        return [*(boosted[size] for size in sizes), *self._kernels(len(self._labels), None)]

    def _boosted(self, size: int) -> BoostedTrees | None:
        """Of the last so many labels."""
        if not self._several(size):
            return None
        return BoostedTrees(self._matrix[-size:], self._labels[-size:], self._classes, self._seed)

    def _kernels(self, most: int, relevance: Floats | None) -> list[KernelMachine | None]:
        """For each window one, from the shortest on, of no more than so many labels."""
        machines: dict[int, KernelMachine | None] = {}
        widths, ridges = WIDTHS, RIDGES
        sizes = [min(window, most, len(self._labels)) for window in KERNEL_WINDOWS]
        for size in dict.fromkeys(sizes):
            machine = None
            if self._several(size):
                matrix, labels = self._matrix[-size:], self._labels[-size:]
                machine = KernelMachine(matrix, labels, self._classes, widths, ridges, relevance)
                # The longer window takes over what the shorter one chose among all.
                widths, ridges = (machine.width,), (machine.ridge,)
            machines[size] = machine
        return [machines[size] for size in sizes]

    def _several(self, size: int) -> bool:
        """Whether there is more than one class to tell apart."""
        return len(np.unique(self._labels[-size:])) > 1
