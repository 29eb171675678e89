"""What the desk's script returns, as the port's records. The forms are described in ``desk.lua``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from streamsel.codec import decode_query
from streamsel.ports import (
    Answer,
    Claim,
    PastAnswer,
    QueryView,
    QueueBacklog,
    QueueStatus,
    Recording,
    ReviewerActivity,
    SlotView,
)
from streamsel.records import Query
from streamsel.review.lifecycle import State

_Fields: TypeAlias = Mapping[str, bytes]
_OPINION, _SKIPPED = "opinion:", "skipped:"


def in_groups(parts: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    """A flat reply in pieces of ``size``."""
    return (parts[i : i + size] for i in range(0, len(parts), size))


def claim(parts: Sequence[Any], lease_seconds: float, lease_expires_at: float) -> Claim:
    """A CLAIM."""
    payload, queue, fence, attempt, due, sensitive = parts
    return Claim(
        query=decode_query(payload),
        queue=queue.decode(),
        fence=fence,
        attempt=attempt,
        lease_seconds=lease_seconds,
        lease_expires_at=lease_expires_at,
        due_at=int(due) / 1e6 if due else None,
        sensitive=bool(int(sensitive)),
    )


def answer(word: Sequence[bytes]) -> Answer:
    """A WORD."""
    kind, query_id, slot, label, labelled_by, revision, offset = word
    return _answer(
        kind.decode(),
        query_id.decode(),
        slot.decode(),
        {"label": label, "by": labelled_by, "revision": revision, "offset": offset},
    )


def recording(parts: Sequence[Any]) -> Recording:
    """What ``begin`` returns after 'recording'."""
    payload, since_claim, repeated, kind, revision, slot, slots, expected = parts
    return Recording(
        query=decode_query(payload),
        review_seconds=since_claim / 1e6,
        repeated=bool(repeated),
        kind=kind.decode(),
        revision=revision,
        slot=int(slot) if kind == b"overlap" else 1,
        slots=int(slots),
        expected=expected.decode() if kind == b"gold" else None,
    )


def view(parts: Sequence[Any], lead: Callable[[Query], int]) -> QueryView:
    """One query's slots, its own fields first; ``lead`` is what its priority was ahead of its time."""
    query = _fields(parts[1])
    query_id = parts[0].decode()
    asked = int(query.get("slots", 1))
    gold = "expected" in query
    shown = [(name.decode(), _fields(pairs)) for name, pairs in in_groups(parts, 2)][gold:]
    slots = [_slot(name, fields, query_id, asked, gold) for name, fields in shown]
    deciding = slots[-1] if asked == 1 or len(slots) > asked else None
    leading = shown[-1][1]
    asked_about = decode_query(query["payload"])
    offered = int(leading["priority"]) + (0 if gold else lead(asked_about))
    return QueryView(
        query=asked_about,
        offered_at=offered / 1e6,
        slots=slots,
        asked=asked,
        reason=(leading.get("reason") or query.get("reason", b"")).decode(),
        answer=deciding.answer if deciding else None,
        sensitive="sensitive" in query,
        opinions=[
            {"reviewer": name.removeprefix(_OPINION), "label": label.decode()}
            for name, label in sorted(query.items())
            if name.startswith(_OPINION)
        ],
        skipped_by={
            name.removeprefix(_SKIPPED): reason.decode()
            for name, reason in sorted(query.items())
            if name.startswith(_SKIPPED)
        },
        gold=gold,
    )


def past_answers(reply: Sequence[Any]) -> list[PastAnswer]:
    """Of one reviewer, the newest first."""
    return [
        PastAnswer(answer(word), decode_query(payload).event_id, answered / 1e6)
        for payload, answered, *word in in_groups(reply, 9)
    ]


def activity(reply: Sequence[Any]) -> list[ReviewerActivity]:
    """Of all reviewers, by name."""
    live_since, *rest = reply
    return sorted(
        (
            _activity(name.decode(), seen, live_since, _fields(pairs))
            for name, seen, pairs in in_groups(rest, 3)
        ),
        key=lambda one: one.name,
    )


def status(facts: Sequence[Any], queues: Sequence[str]) -> QueueStatus:
    """The desk at a glance."""
    desk, reviewers, rate, complete, disputed, *by_queue = facts
    totals = {name: float(value) for name, value in _fields(desk).items()}
    backlogs = {
        name: QueueBacklog(waiting, oldest / 1e6, overdue)
        for name, (waiting, oldest, overdue) in zip(queues, in_groups(by_queue, 3), strict=True)
    }
    leased = _by_lane(totals, "leased:")
    return QueueStatus(
        waiting={lane: count - leased.get(lane, 0) for lane, count in _by_lane(totals, "open:").items()},
        leased=leased,
        oldest_seconds=max(backlog.oldest_seconds for backlog in backlogs.values()),
        live_reviewers=reviewers,
        completions_per_second=float(rate),
        mean_review_seconds=totals["review"] / 1e6 if "review" in totals else None,
        expired_total=int(totals.get("expired", 0)),
        dead_total=int(totals.get("dead", 0)),
        queues=backlogs,
        complete=complete,
        disputed=disputed,
    )


def _fields(pairs: Sequence[bytes]) -> dict[str, bytes]:
    """A HASH; field names may hold reviewers' names, values are as they are."""
    return {name.decode(): value for name, value in zip(pairs[::2], pairs[1::2], strict=True)}


def _slot(name: str, fields: _Fields, query_id: str, asked: int, gold: bool) -> SlotView:
    place = "1" if gold else name.partition("~")[2] or "1"
    kind = "gold" if gold else "overlap" if int(place) <= asked > 1 else "label"
    return SlotView(
        slot=int(place),
        state=State(fields["state"].decode()),
        queue=fields.get("queue", b"default").decode(),
        fence=int(fields.get("fence", 0)),
        holder=fields.get("holder", b"").decode(),
        attempts=int(fields.get("lapses", 0)),
        answer=_answer(kind, query_id, place, fields) if "by" in fields else None,
        revision=int(fields.get("revision", 0)),
    )


def _answer(kind: str, query_id: str, slot: str, fields: _Fields) -> Answer:
    return Answer(
        query_id=query_id,
        label=fields["label"].decode(),
        labelled_by=fields["by"].decode(),
        offset=int(fields["offset"]),
        revision=int(fields["revision"]),
        kind=kind,  # type: ignore[arg-type]
        slot=int(slot) if kind == "overlap" else 1,
    )


def _activity(name: str, seen: int, live_since: int, fields: _Fields) -> ReviewerActivity:
    break_end = int(fields.get("break", 0))
    return ReviewerActivity(
        name=name,
        live=seen > live_since,
        last_seen_at=seen / 1e6,
        held=int(fields.get("held", 0)),
        handed=int(fields.get("handed", 0)),
        answered=int(fields.get("answered", 0)),
        sensitive_in_a_row=int(fields.get("run", 0)),
        on_break_until=break_end / 1e6 if break_end else None,
        paused=fields["paused"].decode() if "paused" in fields else None,
    )


def _by_lane(totals: Mapping[str, float], prefix: str) -> dict[str, int]:
    return {name.removeprefix(prefix): int(n) for name, n in totals.items() if name.startswith(prefix)}
