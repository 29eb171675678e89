"""Copies of a model at earlier offsets, so that a superseded label need not mean learning all over again."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from streamsel.experience import Tally
from streamsel.learning.calibration import Calibration
from streamsel.learning.presets import Classifier
from streamsel.records import Value

SPACING = 64
"""Least labels between two checkpoints."""
LARGEST_BYTES = 128 * 1024
"""A copy of this size takes some 3 ms, and holds the event loop. A model that has outgrown it, as a forest
soon does, is no longer copied: what is superseded later is folded anew from further back."""

Probes = tuple[Mapping[str, Value], ...]


@dataclass(frozen=True, slots=True)
class Learned:
    """What a fold has learned beside its model. Never changed, only exchanged for another: a checkpoint can
    keep it as it is."""

    tally: Tally
    calibration: Calibration
    labels: int = 0
    probes: Probes = ()


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A fold's state before the record at ``version``."""

    index: int
    """Of all that were taken, in order."""
    version: int
    learned: Learned
    content: bytes

    def model(self) -> Classifier:
        """A copy of the model as it was."""
        # These bytes were made by this process and have never left it.
        return cast(Classifier, pickle.loads(self.content))  # noqa: S301


class Checkpoints:
    """At distances that double: whatever the label, there is a checkpoint at most about twice as far back."""

    def __init__(self) -> None:
        self._kept: list[Checkpoint] = []
        self._copyable = True

    def take(self, version: int, learned: Learned, model: Classifier) -> None:
        """Called after labels were learned; takes a checkpoint when one is due."""
        newest = self._kept[-1] if self._kept else None
        since = learned.labels - (0 if newest is None else newest.learned.labels)
        if since < SPACING or not self._copyable:
            return
        content = _Content()
        try:
            pickle.Pickler(content, pickle.HIGHEST_PROTOCOL).dump(model)
        except Exception:  # noqa: BLE001 - an estimator of someone's own may refuse in any way
            self._copyable = False
            return
        index = 0 if newest is None else newest.index + 1
        self._kept.append(Checkpoint(index, version, learned, bytes(content)))
        self._kept = [one for one in self._kept if _is_kept(one.index, index)]

    def before(self, offset: int) -> Checkpoint | None:
        """The newest one that has not learned the record at ``offset``; those that have are dropped."""
        self._kept = [one for one in self._kept if one.version <= offset]
        return self._kept[-1] if self._kept else None


class _Content(bytearray):
    """Takes a pickle as it is made, and stops it when it is too large: that must not take long either."""

    def write(self, piece: bytes) -> None:
        """Raises ``OverflowError`` beyond ``LARGEST_BYTES``."""
        if len(self) + len(piece) > LARGEST_BYTES:
            raise OverflowError("the model is too large to be copied")
        self += piece


def _is_kept(index: int, newest: int) -> bool:
    """All of the last four, every second of the four before, every fourth of the eight before those ..."""
    age = newest - index
    return bool(index % 2 ** max(age.bit_length() - 2, 0) == 0)
