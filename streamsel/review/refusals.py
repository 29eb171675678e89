"""Why the desk says no. Each refusal leaves the query exactly as it was."""

from __future__ import annotations

from collections.abc import Sequence

from streamsel.records import Query
from streamsel.review.lifecycle import State


class DeskRefusal(Exception):
    """Base of all refusals; the message is fit to show to a reviewer."""


class QueryRefusal(DeskRefusal):
    """A refusal that is about one query, named by ``query_id``."""

    def __init__(self, query_id: str, message: str) -> None:
        super().__init__(message)
        self.query_id = query_id


class UnknownQuery(QueryRefusal):
    """No such query, or it was finished longer ago than the desk remembers."""


class Superseded(QueryRefusal):
    """The fence is not the newest, is another reviewer's, or the query is already answered or closed."""

    @classmethod
    def by(cls, query_id: str, state: State) -> Superseded:
        """Worded by the state the query is in now."""
        return cls(query_id, _SUPERSEDED_BY[state])


class TooLate(Superseded):
    """A label by one who did hold the query, too late to count; the desk keeps it as an opinion."""

    def __init__(self, query: Query, state: State) -> None:
        super().__init__(query.query_id, _SUPERSEDED_BY[state])
        self.query = query


class Stale(QueryRefusal):
    """The answer has another ``revision`` by now than the caller knows."""

    def __init__(self, query_id: str, revision: int) -> None:
        super().__init__(query_id, f"the answer has changed since; its revision is {revision}")
        self.revision = revision


class NotUndoable(QueryRefusal):
    """Only one's own last answers can be undone, and only while nothing was built on them."""


_SUPERSEDED_BY = {
    State.WAITING: "this claim has ended; the query waits to be claimed anew",
    State.LEASED: "the query has been claimed again since",
    State.RECORDING: "another label of this query is just being recorded",
    State.OPINED: "this reviewer's answer to the query is already recorded",
    State.LABELLED: "the query already has its answer",
    State.EXPIRED: "the query expired",
    State.DEAD: "the query was given up after too many lapsed leases",
}


class NotALabel(QueryRefusal):
    """The label is not one of the configured names."""


class Unrecorded(QueryRefusal):
    """The label log did not confirm the label in time. It may still hold it: repeat with the same key."""


class UnknownQueue(DeskRefusal):
    """There is no queue of this name."""

    def __init__(self, queue: str, known: Sequence[str]) -> None:
        super().__init__(f"no queue '{queue}': there are {', '.join(known)}")
        self.queue = queue


class NotPermitted(DeskRefusal):
    """The queue is not this reviewer's to claim from."""

    def __init__(self, queue: str) -> None:
        super().__init__(f"queue '{queue}' is for others: it needs a higher tier, or is not among yours")
        self.queue = queue


class OnBreak(DeskRefusal):
    """The reviewer has worked for long enough; claims are open again after ``retry_after_seconds``."""

    def __init__(self, retry_after_seconds: float) -> None:
        super().__init__("time for a break; what is in hand can still be answered")
        self.retry_after_seconds = retry_after_seconds


class Paused(DeskRefusal):
    """The reviewer may not claim until a lead says so, for this ``reason``."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"your reviewing is paused: {reason}")
        self.reason = reason


class DeskUnreachable(Exception):
    """The desk's store did not answer. Nothing is known about the call's effect; every call is repeatable."""


class LabelLogUnreachable(Exception):
    """The label log did not answer. Whether it holds what was appended is not known."""


class LabelLogRefused(Exception):
    """The label log will not take the record, for certain: nothing was written."""
