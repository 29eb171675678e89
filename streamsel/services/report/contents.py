"""What the labels that stand are. A fold over them, in the order of the log."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from streamsel.records import Label, Value
from streamsel.services.report.means import Mean

MOST_NAMES = 200
"""Features, and values of a segment, that are listed one by one."""


class Contents:
    """Counts, shares and times."""

    def __init__(self) -> None:
        self.labels = 0
        self.classes: Counter[str] = Counter()
        self.sources: Counter[str] = Counter()
        self.lanes: Counter[str] = Counter()
        self.segments: dict[str, Counter[str]] = defaultdict(Counter)
        self.unsegmented = 0
        self.without_propensity = 0
        self.without_prediction = 0
        self.seed = Seed()
        self._people: Counter[str] = Counter()
        self._oracles: Counter[tuple[str, str]] = Counter()
        self._features: dict[str, Counter[str]] = defaultdict(Counter)
        self._propensities: list[float] = []
        self._seconds = Mean()
        self._first = self._last = float("nan")

    def add(self, label: Label) -> None:
        """The next one that stands."""
        self.labels += 1
        self.classes[label.label] += 1
        self.sources[label.source] += 1
        self._first = min(self._first, label.labelled_at) if self.labels > 1 else label.labelled_at
        self._last = max(self._last, label.labelled_at) if self.labels > 1 else label.labelled_at
        for name, value in label.features.items():
            self._features[name][_kind(value)] += 1
        for name, value in label.segments.items():
            self.segments[name][value] += 1
        if label.source == "seed":
            self.seed.add(label)
            return
        self.lanes[label.lane] += 1
        self.unsegmented += not label.segments
        self._count_oracle(label)
        if label.propensity > 0.0:
            self._propensities = _extremes(self._propensities, label.propensity)
        else:
            self.without_propensity += 1
        self.without_prediction += not label.probabilities
        if label.seconds is not None:
            self._seconds.add(label.seconds)

    def _count_oracle(self, label: Label) -> None:
        if label.source in ("reviewer", "consensus"):
            self._people[label.labelled_by] += label.source == "reviewer"
        else:
            self._oracles[label.source, label.labelled_by] += 1

    @property
    def asked(self) -> int:
        """Labels that are no seeds."""
        return self.labels - self.seed.labels

    @property
    def largest_reviewer(self) -> float | None:
        """Share of the one reviewer who gave most of what single reviewers answered."""
        answers = self._people.total()
        return max(self._people.values()) / answers if answers else None

    def composition(self) -> dict[str, Any]:
        """What is in the set."""
        return {
            "labels": self.labels,
            "first_labelled_at": moment(self._first),
            "last_labelled_at": moment(self._last),
            "classes": _shares(self.classes),
            "segments": {name: _listed(values) for name, values in sorted(self.segments.items())},
            "features": len(self._features),
            "missing": {
                name: {"share": 1.0 - kinds.total() / self.labels, "kinds": sorted(kinds)}
                for name, kinds in sorted(self._features.items())[:MOST_NAMES]
            },
        }

    def lanes_and_propensities(self) -> dict[str, Any]:
        """How they were drawn; seeds were not."""
        return {
            "lanes": _shares(self.lanes),
            "propensity": {
                "known": self.asked - self.without_propensity,
                "smallest": min(self._propensities, default=None),
                "largest": max(self._propensities, default=None),
            },
        }

    def oracles(self) -> dict[str, Any]:
        """Who answered. Reviewers are counted, not named."""
        return {
            "sources": _shares(self.sources),
            "reviewers": sum(count > 0 for count in self._people.values()),
            "largest_reviewer_share": self.largest_reviewer,
            "mean_seconds": self._seconds.value,
            "others": [
                {"source": source, "name": name, "labels": count, "share": count / self.labels}
                for (source, name), count in sorted(self._oracles.items())
            ],
        }


class Seed:
    """What was known beforehand."""

    def __init__(self) -> None:
        self.labels = 0
        self._classes: Counter[str] = Counter()
        self._first = float("inf")
        self._last = float("-inf")

    def add(self, label: Label) -> None:
        """The next one."""
        self.labels += 1
        self._classes[label.label] += 1
        self._first, self._last = min(self._first, label.labelled_at), max(self._last, label.labelled_at)

    def as_json(self) -> dict[str, Any]:
        """Its size, when it was put in, and its classes."""
        return {
            "labels": self.labels,
            "first_at": moment(self._first) if self.labels else None,
            "last_at": moment(self._last) if self.labels else None,
            "classes": _shares(self._classes),
        }


def _shares(counts: Counter[str]) -> dict[str, dict[str, Any]]:
    total = counts.total()
    return {name: {"labels": count, "share": count / total} for name, count in sorted(counts.items())}


def _listed(counts: Counter[str]) -> Mapping[str, Any]:
    """The most frequent ones, and the rest together."""
    ordered = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    rest = sum(count for _, count in ordered[MOST_NAMES:])
    return {"values": dict(ordered[:MOST_NAMES]), "others": rest}


def _extremes(known: list[float], value: float) -> list[float]:
    return [min([*known, value]), max([*known, value])]


def moment(at: float) -> str | None:
    """RFC 3339, in UTC; ``None`` of NaN."""
    return None if at != at else datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def _kind(value: Value) -> str:
    match value:
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "text"
        case None:
            return "missing"
