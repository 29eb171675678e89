"""Oracles other than people: on what terms they answer, and how a log of labels holds them to these.

    outcomes   what happened in the end: chargebacks, appeals
    model      a stronger model that is asked
    rule       one answer to all that a condition holds of

They save people work; they don't stand in for them. What one says is a label of a source of its own, which
no figure about reviewers counts. It carries the lane ``none`` and no propensity, so that nothing which judges
the model by events drawn at random takes it for evidence; only where a person's label is corrected, the
event stays drawn as it was. No query drawn at random, none asked of several and none whose answer is known
goes to a model or rule at all, and no outcome answers one that was drawn at random before people did.

A share of an oracle's answers, drawn by a hash of the query id, is not used: it is kept as an opinion, and
the query goes on to people, who don't see it. How often they say the same is the oracle's *agreement*. Once
that is surely below its floor the oracle is *cut off* for good; under another name it may try again.

All of it is a fold over the label log: any two processes at one offset, with the same terms, agree.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import blake2b
from math import floor
from typing import NamedTuple

from streamsel.records import Label, LabelSource, LogRecord, Opinion, Retraction
from streamsel.review.agreement import Interval, wilson

ORACLE_SOURCES: frozenset[LabelSource] = frozenset({"outcome", "model", "rule"})

PEOPLE_AUTHORITY = 100
"""Of a label given by a person, by several, or put in beforehand."""

WINDOW = 1_000
"""Events last labelled, among which an oracle's share is capped."""
JUDGED = 500
"""Checks of an oracle, the last ones, that it is judged by."""
_REMEMBERED = 10_000
"""Queries last heard of whose opinions can still be compared with a person's label."""
_DAY = 86_400.0
_MOST_RECENT = 100_000
"""Answers a day that budgets can count."""
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Terms:
    """What an oracle is held to."""

    name: str
    authority: int
    """Its label replaces one of less. Of two oracles of the same nobody decides but people."""
    cap: float = 1.0
    """Largest share of the events last labelled that may have their label from it."""
    check: float = 0.0
    """Share of its answers that people are asked for instead."""
    floor: float = 0.0
    """Least agreement with people."""
    least: int = 20
    """So many checks before it is judged."""


@dataclass(frozen=True, slots=True)
class OracleStanding:
    """One oracle, as the log has it."""

    name: str
    answers: int
    """Labels and opinions, ever."""
    share: float
    """Of the events last labelled."""
    checks: int
    """Answers that a person's can be compared with, the last ``JUDGED`` at most."""
    agreement: float | None
    """Share of these that were the same; ``None`` before the first."""
    interval: Interval
    """Of the agreement, with 95 % confidence."""
    cut_off: bool


class Effect(StrEnum):
    """What an answer comes to."""

    NOTHING = "nothing"
    """It changes nothing that is not so already."""
    LABEL = "label"
    """The label, or a newer revision of it."""
    OPINION = "opinion"
    """Kept, and compared with what people say."""
    DISPUTE = "dispute"
    """Kept, and the label it contradicts is taken back: people decide."""


class _Place(NamedTuple):
    """One of the events last labelled: what stands. No label where that was taken back."""

    revision: int
    label: str | None
    oracle: str | None
    """``None`` of a person's."""


@dataclass(slots=True)
class _Account:
    answers: int = 0
    recent: deque[float] = field(default_factory=lambda: deque(maxlen=_MOST_RECENT))
    """When it answered, in the last day of its own."""
    checks: OrderedDict[str, bool] = field(default_factory=OrderedDict)
    """Query id to whether people said the same."""
    cut_off: bool = False


class Accounts:
    """All oracles, up to some offset of the label log."""

    def __init__(self, terms: Sequence[Terms], window: int = WINDOW) -> None:
        self.position = 0
        """The offset of the next record."""
        self.terms = {one.name: one for one in terms}
        self._window = window
        self._accounts: dict[str, _Account] = {name: _Account() for name in self.terms}
        self._places: OrderedDict[str, _Place] = OrderedDict()
        self._held: Counter[str] = Counter()
        """Places by oracle."""
        self._opinions: OrderedDict[str, dict[str, Opinion]] = OrderedDict()
        """By query id and oracle."""

    def add(self, record: LogRecord | None) -> None:
        """The record at ``position``; ``None`` for one that can't be read."""
        self.position += 1
        match record:
            case Label():
                oracle = record.labelled_by if record.source in ORACLE_SOURCES else None
                if self._put(record.label_id, _Place(record.revision, record.label, oracle)) and oracle:
                    self._answered(oracle, record.labelled_at)
            case Retraction() if record.label_id in self._places:
                self._put(record.label_id, _Place(record.revision, None, None))
            case Opinion(kind="oracle"):
                self._hear(record)

    def room(self, name: str) -> int:
        """How many more labels the oracle may give at once, whatever others do: none when it is cut off."""
        if self._accounts[name].cut_off:
            return 0
        cap, places, held = self.terms[name].cap, len(self._places), self._held[name]
        if cap >= 1.0:
            return self._window
        # The most b with held + b <= cap * min(places + b, window).
        growing = floor((cap * places - held) / (1.0 - cap) + _ROUNDING)
        most = growing if places + growing <= self._window else floor(cap * self._window - held + _ROUNDING)
        return max(most, 0)

    def heard(self, query_id: str) -> bool:
        """Whether an oracle's opinion on the query is known: it is people's to answer."""
        return query_id in self._opinions

    def answers_since(self, name: str, moment: float) -> int:
        """The oracle's answers after a moment of the last day, in seconds since the epoch."""
        count = 0
        for answered_at in reversed(self._accounts[name].recent):
            if answered_at <= moment:
                break
            count += 1
        return count

    def standing(self, name: str) -> OracleStanding:
        """One of the ``terms``."""
        account = self._accounts[name]
        right, checks = sum(account.checks.values()), len(account.checks)
        return OracleStanding(
            name=name,
            answers=account.answers,
            share=self._held[name] / len(self._places) if self._places else 0.0,
            checks=checks,
            agreement=right / checks if checks else None,
            interval=wilson(right, checks),
            cut_off=account.cut_off,
        )

    def _put(self, label_id: str, place: _Place) -> bool:
        known = self._places.get(label_id)
        if known is not None:
            if place.revision <= known.revision:
                return False
            self._count(known, -1)
        self._places[label_id] = place
        self._count(place, +1)
        if len(self._places) > self._window:
            _, oldest = self._places.popitem(last=False)
            self._count(oldest, -1)
        self._compare(label_id, place)
        return True

    def _count(self, place: _Place, sign: int) -> None:
        if place.oracle is not None:
            self._held[place.oracle] += sign

    def _hear(self, opinion: Opinion) -> None:
        opinions = self._opinions.setdefault(opinion.query_id, {})
        known = opinions.get(opinion.labelled_by)
        if known is not None and opinion.revision <= known.revision:
            return
        opinions[opinion.labelled_by] = opinion
        if len(self._opinions) > _REMEMBERED:
            self._opinions.popitem(last=False)
        self._answered(opinion.labelled_by, opinion.labelled_at)
        if place := self._places.get(opinion.query_id):
            self._compare(opinion.query_id, place)

    def _compare(self, query_id: str, place: _Place) -> None:
        for name, opinion in self._opinions.get(query_id, {}).items():
            checks = self._account(name).checks
            if place.label is None or place.oracle is not None:
                checks.pop(query_id, None)
                continue
            checks[query_id] = opinion.label == place.label
            if len(checks) > JUDGED:
                checks.popitem(last=False)
            self._judge(name)

    def _judge(self, name: str) -> None:
        terms, account = self.terms.get(name), self._account(name)
        if terms is None or len(account.checks) < terms.least:
            return
        if wilson(sum(account.checks.values()), len(account.checks)).high < terms.floor:
            account.cut_off = True

    def _answered(self, name: str, at: float) -> None:
        account = self._account(name)
        account.answers += 1
        account.recent.append(at)
        while account.recent[0] < at - _DAY:
            account.recent.popleft()

    def _account(self, name: str) -> _Account:
        return self._accounts.setdefault(name, _Account())


def effect(
    terms: Terms,
    label: str,
    standing: Label | None,
    opinion: Opinion | None,
    *,
    authority: int,
    permitted: bool,
    open_to_people: bool,
) -> Effect:
    """What an oracle's answer comes to that was not asked for.

    ``standing`` is the event's label, ``authority`` that of who gave it; ``opinion`` what this oracle is
    known to have said without it becoming the label; ``permitted`` whether it may label: not while it is cut
    off, at its cap, or to be checked on this one; ``open_to_people`` whether the desk still has the query.
    """
    by_oracle = standing is not None and standing.source in ORACLE_SOURCES
    own = by_oracle and standing is not None and standing.labelled_by == terms.name
    if opinion is not None and opinion.label == label and not (own and permitted):
        return Effect.NOTHING
    otherwise = Effect.LABEL if permitted else Effect.OPINION
    if standing is None:
        return otherwise
    if by_oracle and standing.label == label:
        return Effect.NOTHING
    if own:
        return otherwise
    if terms.authority > authority:
        return Effect.NOTHING if standing.label == label else otherwise
    return Effect.DISPUTE if by_oracle and permitted and open_to_people else Effect.OPINION


def drawn(query_id: str, name: str, share: float) -> bool:
    """Whether an oracle's answer to this query is checked; alike whenever it is asked, and for every oracle
    anew. From 64 bits of BLAKE2b (RFC 7693)."""
    content = f"{name} {query_id}".encode("utf-8", "surrogatepass")
    digest = blake2b(content, digest_size=8, person=b"oracle check").digest()
    return int.from_bytes(digest, "big") < share * 2.0**64
