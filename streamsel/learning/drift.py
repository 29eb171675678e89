"""Whether the stream is still what it was: its events, what is predicted of them, and how often wrongly.

Inputs and predictions are compared, block by block, with a reference by the population stability index,
Σ (q − p) ln (q / p) over bins (a symmetrised Kullback–Leibler divergence; N. Siddiqi, Credit Risk Scorecards,
2006, who calls 0.25 a major shift). Errors are followed on labels of the explore lane alone, which are a fair
sample, by ADWIN (A. Bifet and R. Gavaldà, SIAM SDM 2007) and by Page and Hinkley's test (E. S. Page,
Biometrika 1954).

Each change is told once: what is new becomes the reference. Nothing here has a say in what is asked about.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
from river.drift import ADWIN, PageHinkley

from streamsel.learning.evaluation.sums import Columns, Floats
from streamsel.records import Label, Summary

Kind: TypeAlias = Literal["inputs", "predictions", "errors"]

MAJOR = 0.25
"""The index from which a change is told."""
REFERENCE_EVENTS, BLOCK_EVENTS = 1_000, 500
_MOST_TOLD = 200
_MOST_CELLS = 32
_WHOLE = ""
_LATE = 50
"""Labels by which errors of late are told."""
_LEAST_SHARE = 1e-3
"""An empty bin counts as this, so that the index stays finite."""


@dataclass(frozen=True, slots=True)
class Drift:
    """A change, and when it was found; ``at`` is the time of the last event it was found in."""

    at: float
    kind: Kind
    what: str
    """The feature; for errors the test that found it; empty for predictions."""
    segment: str
    """``field=value``, or empty for the whole stream."""
    value: float
    """The index; for errors by how much their share has risen."""


def stability_index(reference: Floats, current: Floats) -> float:
    """Of two sets of counts over the same bins."""
    p = np.maximum(reference / reference.sum(), _LEAST_SHARE)
    q = np.maximum(current / current.sum(), _LEAST_SHARE)
    return float(((q - p) * np.log(q / p)).sum())


class DriftWatch:
    """Takes in summaries and labels, each in the order of its log."""

    def __init__(self, labels: tuple[str, ...]) -> None:
        self._labels = labels
        self.told: deque[Drift] = deque(maxlen=_MOST_TOLD)
        """The last changes found, oldest first."""
        self.indices: dict[tuple[Kind, str, str], float] = {}
        """The last index by kind, feature and segment."""
        self._predictions: dict[str, _Course] = {}
        self._inputs = _Inputs()
        self._errors: dict[str, _Errors] = {}

    def add_summary(self, summary: Summary) -> None:
        """A summary that counts."""
        at = summary.decided_to
        if summary.labels == self._labels:
            columns = Columns(len(self._labels))
            for name, row in zip(summary.cells, summary.sums, strict=True):
                course = self._predictions.get(name)
                if course is None and len(self._predictions) < _MOST_CELLS:
                    course = self._predictions[name] = _Course()
                if course is not None:
                    self._note(at, "predictions", "", name, course.add(row[columns.histogram]))
        for feature, index in self._inputs.add(summary).items():
            self._note(at, "inputs", feature, _WHOLE, index)

    def add_label(self, label: Label) -> None:
        """A label that was not known."""
        if label.lane != "explore" or not label.probabilities or label.decided_at is None:
            return
        wrong = max(label.probabilities, key=lambda name: label.probabilities[name]) != label.label
        for name in (_WHOLE, *(f"{name}={value}" for name, value in label.segments.items())):
            if name not in self._errors and len(self._errors) >= _MOST_CELLS:
                continue
            for test, change in self._errors.setdefault(name, _Errors()).add(wrong).items():
                self.told.append(Drift(label.decided_at, "errors", test, name, change))

    def _note(self, at: float, kind: Kind, what: str, segment: str, index: float | None) -> None:
        if index is None:
            return
        self.indices[kind, what, segment] = index
        if index >= MAJOR:
            self.told.append(Drift(at, kind, what, segment, index))


class _Course:
    """Counts over bins, block by block."""

    def __init__(self) -> None:
        self._reference: Floats = np.zeros(1)
        self._block: Floats = np.zeros(1)

    def add(self, counts: Floats) -> float | None:
        """The index of a block that this completes."""
        if self._reference.sum() < REFERENCE_EVENTS:
            self._reference = self._reference + counts
            return None
        self._block = self._block + counts
        if self._block.sum() < BLOCK_EVENTS:
            return None
        index = stability_index(self._reference, self._block)
        if index >= MAJOR:
            self._reference = self._block
        self._block = np.zeros(1)
        return index


@dataclass(slots=True)
class _Sketches:
    """Of a stretch of events."""

    sampled: int = 0
    numbers: dict[str, list[tuple[float, ...]]] = field(default_factory=dict)
    categories: dict[str, Counter[str]] = field(default_factory=dict)

    def add(self, summary: Summary) -> None:
        self.sampled += summary.sampled
        for feature, quantiles in summary.numbers.items():
            self.numbers.setdefault(feature, []).append(quantiles)
        for feature, counts in summary.categories.items():
            self.categories.setdefault(feature, Counter()).update(counts)


class _Inputs:
    """The features that both reference and block tell of."""

    def __init__(self) -> None:
        self._reference = _Sketches()
        self._block = _Sketches()

    def add(self, summary: Summary) -> Mapping[str, float]:
        """The indices of a block that this completes, by feature."""
        if self._reference.sampled < REFERENCE_EVENTS:
            self._reference.add(summary)
            return {}
        self._block.add(summary)
        if self._block.sampled < BLOCK_EVENTS:
            return {}
        reference, block = self._reference, self._block
        found = {
            feature: _of_numbers(reference.numbers[feature], block.numbers[feature])
            for feature in reference.numbers.keys() & block.numbers.keys()
        }
        for feature in reference.categories.keys() & block.categories.keys():
            before, after = reference.categories[feature], block.categories[feature]
            found[feature] = stability_index(*_aligned(before, after))
        for feature, index in found.items():
            if index >= MAJOR:
                _renew(reference, block, feature)
        self._block = _Sketches()
        return dict(sorted(found.items()))


class _Errors:
    """Two tests on one course of errors."""

    def __init__(self) -> None:
        self._begin()

    def add(self, wrong: bool) -> Mapping[str, float]:
        """By test that finds errors to have risen, by how much of late; both then begin anew."""
        self._wrong += wrong
        self._count += 1
        self._late.append(wrong)
        self._adwin.update(int(wrong))
        self._page_hinkley.update(int(wrong))
        tests = {"adwin": self._adwin.drift_detected, "page_hinkley": self._page_hinkley.drift_detected}
        if not any(tests.values()):
            return {}
        rise = sum(self._late) / len(self._late) - self._wrong / self._count
        self._begin()
        return {name: rise for name, found in tests.items() if found and rise > 0.0}

    def _begin(self) -> None:
        self._wrong = self._count = 0
        self._late: deque[bool] = deque(maxlen=_LATE)
        self._adwin = ADWIN()
        # Set for errors, which are 0 or 1: a rise by more than 5 points that lasts is found; a share that
        # stays as it is, even one of 30 %, raises hardly an alarm in thousands of labels.
        self._page_hinkley = PageHinkley(delta=0.05, threshold=15.0, mode="up")


def _of_numbers(reference: list[tuple[float, ...]], block: list[tuple[float, ...]]) -> float:
    """Over the deciles of the reference; each quantile stands for as many events as the others."""
    before, after = np.concatenate(reference), np.concatenate(block)
    edges = np.unique(np.quantile(before, np.arange(1, 10) / 10))
    counts = [np.bincount(edges.searchsorted(one), minlength=len(edges) + 1) for one in (before, after)]
    return stability_index(counts[0].astype(np.float64), counts[1].astype(np.float64))


def _aligned(before: Mapping[str, int], after: Mapping[str, int]) -> Iterable[Floats]:
    names = sorted({*before, *after})
    return [np.array([counts.get(name, 0) for name in names], dtype=np.float64) for counts in (before, after)]


def _renew(reference: _Sketches, block: _Sketches, feature: str) -> None:
    if feature in block.numbers:
        reference.numbers[feature] = block.numbers[feature]
    if feature in block.categories:
        reference.categories[feature] = block.categories[feature]
