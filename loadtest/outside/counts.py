"""What a run's logs tell of what was lost and what was done twice. Pure: records in, numbers out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from loadtest.outside.reviewing import Acknowledged
from loadtest.outside.streams import Record

Place = tuple[int, int]
"""Partition and offset of an event."""


@dataclass(frozen=True, slots=True)
class Counts:
    """0 is right, for all but the first four. Added up over the rounds of a measurement."""

    events: int = 0
    queries: int = 0
    labels: int = 0
    """Acknowledged."""
    digests: int = 0
    """Compared with that of an uninterrupted fold."""
    events_undecided: int = 0
    """Neither decided nor dead letters."""
    events_doubled: int = 0
    """Decided twice, or decided and dead letters as well."""
    queries_lost: int = 0
    """Decided and never at the desk."""
    queries_doubled: int = 0
    """Query ids that stand for several events, or are at the desk and in no decision."""
    labels_lost: int = 0
    """Acknowledged, and not in the log where the desk said."""
    labels_doubled: int = 0
    """Learned more often than once, or queries with two answers."""
    digest_divergences: int = 0
    invariants_broken: int = 0
    """Decisions that contradict themselves, and desks whose sets contradict each other."""

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))


@dataclass(frozen=True, slots=True)
class Became:
    """What became of events."""

    undecided: Sequence[Place]
    doubled: Sequence[Place]
    contradictory: Sequence[Place]
    """Decided as another event, or asked about without a query, or the other way round, or with a propensity
    that is none."""
    asked: Mapping[str, set[str]] = field(default_factory=dict)
    """By query id, the events it asks about."""

    @property
    def shared(self) -> Mapping[str, set[str]]:
        """Queries that stand for several events."""
        return {query: events for query, events in self.asked.items() if len(events) > 1}


def became(events: Sequence[Record], decisions: Sequence[Record], letters: Sequence[Record]) -> Became:
    """Of dead letters there may be several for one event: they are written at least once."""
    by_place = {(event.partition, event.offset): event for event in events}
    decided: Counter[Place] = Counter()
    asked: dict[str, set[str]] = defaultdict(set)
    contradictory = []
    for record in decisions:
        decision = record.content
        place = record.partition, decision["source"][2]
        decided[place] += 1
        event, asks = by_place.get(place), "query" in decision
        if (
            event is None
            or decision["event_id"] != event.content["id"]
            or asks == (decision["lane"] == "none")
            or (asks and not 0.0 < decision["query"]["propensity"] <= 1.0)
        ):
            contradictory.append(place)
        if asks:
            asked[decision["query"]["query_id"]].add(decision["query"]["event_id"])
    dead = {(letter["source"][1], letter["source"][2]) for letter in (one.content for one in letters)}
    return Became(
        undecided=sorted(by_place.keys() - decided.keys() - dead),
        doubled=sorted([place for place, count in decided.items() if count > 1 or place in dead]),
        contradictory=contradictory,
        asked=asked,
    )


def lost(log: Sequence[Mapping[str, Any]], acknowledged: Sequence[Acknowledged]) -> list[Acknowledged]:
    """Answers that are not in the label log where the desk said."""
    return [answer for answer in acknowledged if not _stands(log, answer)]


def _stands(log: Sequence[Mapping[str, Any]], answer: Acknowledged) -> bool:
    if answer.offset >= len(log):
        return False
    label = log[answer.offset]
    found = label["query_id"], label["label"], label["labelled_by"]
    return found == (answer.query_id, answer.label, answer.labelled_by)


def answered_twice(log: Sequence[Mapping[str, Any]]) -> set[str]:
    """Queries with two answers that differ in who gave them or in what they say."""
    answers = {(label["query_id"], label["label"], label["labelled_by"]) for label in log}
    counted = Counter(query for query, _, _ in answers)
    return {query for query, count in counted.items() if count > 1}
