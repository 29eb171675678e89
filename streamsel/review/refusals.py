"""Why the desk says no. Each refusal leaves the query exactly as it was."""

from __future__ import annotations

from streamsel.review.lifecycle import State


class DeskRefusal(Exception):
    """Base of all refusals. ``query_id`` names the query; the message is fit to show to a reviewer."""

    def __init__(self, query_id: str, message: str) -> None:
        super().__init__(message)
        self.query_id = query_id


class UnknownQuery(DeskRefusal):
    """No such query, or it was finished longer ago than the desk remembers."""


class Superseded(DeskRefusal):
    """The fence is not the newest, is another reviewer's, or the query is already answered or closed."""

    @classmethod
    def by(cls, query_id: str, state: State) -> Superseded:
        """Worded by the state the query is in now."""
        return cls(query_id, _SUPERSEDED_BY[state])


_SUPERSEDED_BY = {
    State.WAITING: "this claim has ended; the query waits to be claimed anew",
    State.LEASED: "the query has been claimed again since",
    State.RECORDING: "another label of this query is just being recorded",
    State.LABELLED: "the query already has its answer",
    State.EXPIRED: "the query expired",
    State.DEAD: "the query was given up after too many lapsed leases",
}


class NotALabel(DeskRefusal):
    """The label is not one of the configured names."""


class Unrecorded(DeskRefusal):
    """The label log did not confirm the label in time. It may still hold it: repeat with the same key."""


class DeskUnreachable(Exception):
    """The desk's store did not answer. Nothing is known about the call's effect; every call is repeatable."""


class LabelLogUnreachable(Exception):
    """The label log did not answer. Whether it holds what was appended is not known."""


class LabelLogRefused(Exception):
    """The label log will not take the record, for certain: nothing was written."""
