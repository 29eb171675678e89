"""How well each reviewer does, as a fold over the label log: gold questions, agreement, pace.

    tally after a record = what counts among the records so far: of each answer its newest revision, the first
                           in the log among equals, unless that is a retraction

Of queries, the ``REMEMBERED`` that were last heard of can still change; what older ones added stays. So its
memory is bounded, and any two processes that have read the log up to the same offset have the same tally.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from statistics import median

from streamsel.records import Directive, Label, LabelRecord, LogRecord, Opinion, Retraction
from streamsel.review.agreement import Comparisons, Interval, accuracy, krippendorff_alpha, wilson

REMEMBERED = 10_000
RECENT_ANSWERS = 500
"""Of each reviewer, for the pace."""
_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Floor:
    """Who is not good enough: one whose gold accuracy is below ``accuracy`` with 97.5 % confidence, after at
    least ``least`` gold questions."""

    accuracy: float
    least: int


@dataclass(frozen=True, slots=True)
class ReviewerQuality:
    """One reviewer's figures. ``None`` where there is nothing to tell from."""

    name: str
    answered: int
    """Answers ever given, gold and late ones with them; a correction is none."""
    median_seconds: float | None
    """From claim to answer, over the last ``RECENT_ANSWERS``."""
    compared: int
    """Other reviewers' answers to the same queries."""
    agreement: float | None
    """With those, as a share."""
    gold_asked: int
    gold_accuracy: float | None
    gold_interval: Interval
    """Of the gold accuracy, with 95 % confidence."""
    accuracy: float
    """The estimate from gold and agreement that weighs this reviewer's opinions."""


@dataclass(slots=True)
class Standing:
    """What the log says of one query now."""

    opinions: dict[str, Opinion] = field(default_factory=dict)
    """Those that count, by label id."""
    label: str | None = None
    """The one that counts."""
    revisions: dict[str, int] = field(default_factory=dict)
    """The newest of each label id, retracted or not."""

    @property
    def overlap(self) -> list[Opinion]:
        """The answers of several, in slot order."""
        return sorted(
            (one for one in self.opinions.values() if one.kind == "overlap"), key=lambda one: one.slot
        )

    @property
    def complete(self) -> bool:
        """Whether it was asked of several and all have answered."""
        overlap = self.overlap
        return bool(overlap) and len(overlap) >= overlap[0].slots


@dataclass(slots=True)
class _Reviewer:
    answered: int = 0
    alike: int = 0
    pairs: int = 0
    gold_right: int = 0
    gold_asked: int = 0
    recent: deque[tuple[float, float | None]] = field(default_factory=lambda: deque(maxlen=RECENT_ANSWERS))
    """When, and after how many seconds."""


class Tally:
    """All reviewers, up to some offset of the label log."""

    def __init__(self, labels: int, remembered: int = REMEMBERED) -> None:
        """``labels`` is how many labels there are to choose from."""
        self.position = 0
        """The offset of the next record."""
        self._labels = labels
        self._remembered = remembered
        self._reviewers: dict[str, _Reviewer] = {}
        self._queries: OrderedDict[str, Standing] = OrderedDict()
        self._compositions: Counter[tuple[str, ...]] = Counter()

    def add(self, record: LogRecord | None) -> None:
        """The record at ``position``; ``None`` for one that can't be read."""
        self.position += 1
        if record is None or isinstance(record, Directive):
            return
        if isinstance(record, Label) and record.query_id is None:
            return
        if isinstance(record, Opinion) and record.kind == "oracle":
            return  # no reviewer's
        query_id = _query_id(record.label_id)
        if isinstance(record, Retraction) and query_id not in self._queries:
            return
        standing = self._queries.setdefault(query_id, Standing())
        self._queries.move_to_end(query_id)
        known = standing.revisions.get(record.label_id)
        if known is not None and record.revision <= known:
            return
        standing.revisions[record.label_id] = record.revision
        self._count(standing, -1)
        self._replace(standing, record)
        self._count(standing, +1)
        if len(self._queries) > self._remembered:
            self._queries.popitem(last=False)

    def standing(self, query_id: str) -> Standing:
        """What the log says of a query; nothing, if it was not heard of for long."""
        return self._queries.get(query_id) or Standing()

    def disputed(self) -> Iterator[tuple[str, Standing]]:
        """Queries asked of several, all of whom have answered, that have no label; those heard of last come
        last."""
        return (
            (query_id, one) for query_id, one in self._queries.items() if one.complete and one.label is None
        )

    @property
    def overlapping(self) -> int:
        """Queries that were answered by two reviewers or more."""
        return self._compositions.total()

    @property
    def alpha(self) -> float | None:
        """Krippendorff's α over all queries asked of several."""
        return krippendorff_alpha(self._compositions)

    @property
    def reviewers(self) -> Sequence[str]:
        """Who has answered, by name."""
        return sorted(self._reviewers)

    def accuracy(self, reviewer: str) -> float:
        """How likely a reviewer is right, also for one who has not answered yet."""
        one = self._reviewers.get(reviewer, _Reviewer())
        # A pair counts for both of its reviewers.
        alike = sum(each.alike for each in self._reviewers.values()) // 2 - one.alike
        pairs = sum(each.pairs for each in self._reviewers.values()) // 2 - one.pairs
        own, others = Comparisons(one.alike, one.pairs), Comparisons(alike, pairs)
        return accuracy(one.gold_right, one.gold_asked, own, others, self._labels)

    def quality(self, reviewer: str) -> ReviewerQuality:
        """A reviewer's figures, also of one who has not answered yet."""
        one = self._reviewers.get(reviewer, _Reviewer())
        timed = [seconds for _, seconds in one.recent if seconds is not None]
        return ReviewerQuality(
            name=reviewer,
            answered=one.answered,
            median_seconds=median(timed) if timed else None,
            compared=one.pairs,
            agreement=one.alike / one.pairs if one.pairs else None,
            gold_asked=one.gold_asked,
            gold_accuracy=one.gold_right / one.gold_asked if one.gold_asked else None,
            gold_interval=wilson(one.gold_right, one.gold_asked),
            accuracy=self.accuracy(reviewer),
        )

    def answers_an_hour(self, reviewer: str, now: float) -> float:
        """In the hour before ``now``, in seconds since the epoch."""
        recent = self._reviewers.get(reviewer, _Reviewer()).recent
        within = sum(answered_at > now - _HOUR for answered_at, _ in recent)
        if within < RECENT_ANSWERS:
            return float(within)
        # More than are remembered: as many an hour as they were since the oldest of these.
        return within * _HOUR / max(now - min(answered_at for answered_at, _ in recent), 1.0)

    def below(self, floor: Floor) -> list[str]:
        """Whose gold accuracy is too low, by name."""
        return [
            name
            for name, one in sorted(self._reviewers.items())
            if one.gold_asked >= floor.least and wilson(one.gold_right, one.gold_asked).high < floor.accuracy
        ]

    def _replace(self, standing: Standing, record: LabelRecord) -> None:
        match record:
            case Retraction():
                standing.opinions.pop(record.label_id, None)
                if record.label_id == _query_id(record.label_id):
                    standing.label = None
                return
            case Opinion():
                standing.opinions[record.label_id] = record
            case Label():
                standing.label = record.label
                if record.source != "reviewer":
                    return
        if record.revision > 1 and record.seconds is None:
            return  # corrected without another review
        reviewer = self._reviewer(record.labelled_by)
        reviewer.answered += 1
        reviewer.recent.append((record.labelled_at, record.seconds))

    def _count(self, standing: Standing, sign: int) -> None:
        """Adds or takes away what a query tells of its reviewers."""
        for opinion in standing.opinions.values():
            if opinion.kind == "gold":
                reviewer = self._reviewer(opinion.labelled_by)
                reviewer.gold_asked += sign
                reviewer.gold_right += sign * (opinion.label == opinion.expected)
        overlap = standing.overlap
        if len(overlap) < 2:
            return
        composition = tuple(sorted(opinion.label for opinion in overlap))
        self._compositions[composition] += sign
        if not self._compositions[composition]:
            del self._compositions[composition]
        for one, other in combinations(overlap, 2):
            for opinion in (one, other):
                reviewer = self._reviewer(opinion.labelled_by)
                reviewer.pairs += sign
                reviewer.alike += sign * (one.label == other.label)

    def _reviewer(self, name: str) -> _Reviewer:
        return self._reviewers.setdefault(name, _Reviewer())


def _query_id(label_id: str) -> str:
    """A query's label and all its opinions go by its id, the latter with ``~`` and more."""
    return label_id.partition("~")[0]
