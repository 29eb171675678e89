"""What is asked in place of people: a stronger model, or a rule."""

from __future__ import annotations

from typing import Protocol

from streamsel.records import Query


class NoAnswer(Exception):
    """None that could count, or none in time: the query is people's. The message says why, and holds nothing
    of the event."""


class Answerer(Protocol):
    """Answers queries one by one; may be asked several at once."""

    async def answer(self, query: Query) -> str:
        """One of the labels. Raises ``NoAnswer``."""

    async def close(self) -> None: ...
