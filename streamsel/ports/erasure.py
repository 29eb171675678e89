"""What erasing needs of the places that hold what events said."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from streamsel.ports import LogReader
from streamsel.records import Query


class InUse(Exception):
    """Processes use the logs, or labels are being erased. The message says who, and what to do."""


class ErasableLog(LogReader, Protocol):
    """A log from which records can be deleted."""

    async def erase(self, offsets: Sequence[int]) -> int:
        """Deletes the records at these offsets, in ascending order, and where a log can only be cut off at
        its beginning, all before the last of them. Returns how many records went."""


class QueryStore(Protocol):
    """The desk's queue as far as forgetting goes. Every method may raise ``DeskUnreachable``."""

    def queries(self) -> AsyncIterator[Query]:
        """All there are, in whatever state; but no questions whose answers are known."""

    async def forget(self, query_ids: Sequence[str]) -> int:
        """Deletes these with all that is known of them; returns how many there were."""


class Scrubbed(Protocol):
    """A server that keeps what was deleted until it tidies up."""

    async def scrub(self) -> None:
        """Tidies up, and returns when that is done."""
