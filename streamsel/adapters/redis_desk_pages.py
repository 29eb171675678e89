"""Turning the pages of the desk: which sorted sets hold what is listed, and where a page ends."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from streamsel.ports import QueryView
from streamsel.review.lifecycle import State

_KEYS = {
    State.LEASED: "leases",
    State.RECORDING: "recordings",
    State.OPINED: "opined",
    State.LABELLED: "labelled",
    State.EXPIRED: "expired",
    State.DEAD: "dead",
}


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a sorted set: after ``member``, or at its head."""

    key: str
    score: str = "0"
    member: str = ""

    def after(self, member: bytes, score: bytes) -> Place:
        """Further on in the same set."""
        return Place(self.key, score.decode(), member.decode())

    @property
    def cursor(self) -> str:
        """As opaque text."""
        text = f"{self.key} {self.score} {self.member}"
        return urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def parse(cls, cursor: str) -> Place:
        """Raises ``ValueError``."""
        try:
            text = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
            key, score, member = text.split(" ", 2)
            float(score)
        except ValueError:
            raise ValueError("not a cursor that was given here") from None
        return cls(key, score, member)


def places(queues: Sequence[str], state: State | None, queue: str | None, start: str | None) -> list[Place]:
    """The heads of the sets that hold what is listed, in order; from where a page ended, if it did.

    Raises ``ValueError`` for a cursor of another listing.
    """
    keys = []
    if state in (None, State.WAITING):
        keys += [f"waiting:{name}" for name in queues if queue in (None, name)]
    keys += [key for kept, key in _KEYS.items() if state in (None, kept)]
    if start is None:
        return [Place(key) for key in keys]
    place = Place.parse(start)
    if place.key not in keys:
        raise ValueError("a cursor of another listing")
    return [place, *(Place(key) for key in keys[keys.index(place.key) + 1 :])]


def listed(
    members: Sequence[bytes], views: Mapping[str, QueryView], queue: str | None
) -> Iterator[QueryView]:
    """The queries that stand in this set for what they are: by the slot that gives them their state."""
    for member in members:
        query_id, _, slot = member.decode().partition("~")
        view = views.get(query_id)
        if view is not None and queue in (None, view.queue) and (slot or "1") == str(view.leading.slot):
            yield view
