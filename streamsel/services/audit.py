"""Writes the audit log: this process's chain, many entries in one append.

A call returns once its entry is durable. Entries that come while an append is under way go into the next one
together (group commit), so that the log's latency is paid once for all who wait.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol, TypeAlias

import structlog

from streamsel.ports import AuditLog, Clock, SourceUnavailable, TopicRefused
from streamsel.review.audit import NO_HASH, Action, Entry, Heads
from streamsel.services.audit_reading import RECORDS_A_READ, entries
from streamsel.services.ending import end

_MOST_AN_APPEND = 500
_MOST_UNCONFIRMED = 5_000
"""Entries kept for the time when the log answers again; after that it must answer before more are taken."""


class Unaudited(Exception):
    """The audit log did not confirm an entry in time. It may hold it, or get it later."""


class Who(Protocol):
    """Whoever did something."""

    @property
    def name(self) -> str: ...
    @property
    def role(self) -> str: ...


class _Program(NamedTuple):
    name: str
    role: str


_OURSELVES = _Program("streamsel", "")


class _Note(NamedTuple):
    at: str
    who: Who
    action: Action
    query_id: str
    detail: Mapping[str, Any]


_Waiting: TypeAlias = tuple[_Note, "asyncio.Future[None]"]
"""A note, and what is done once it is durable."""


class Audit:
    """This process's chain of the audit log; opened by the first entry."""

    def __init__(self, log: AuditLog, clock: Clock) -> None:
        self._audit_log = log
        self._clock = clock
        self._chain = secrets.token_hex(16)
        self._last: Entry | None = None
        self._waiting: list[_Waiting] = []
        self._unconfirmed: list[bytes] = []
        """The log did not say whether it has these; they go into the next append once more."""
        self._writing: asyncio.Task[None] | None = None
        self._log = structlog.get_logger()

    async def note(
        self, who: Who, action: Action, query_id: str = "", detail: Mapping[str, Any] | None = None
    ) -> None:
        """Durable on return. ``detail`` never holds anything of an event, nor a secret.

        Raises ``Unaudited``.
        """
        await self.note_each(who, action, [query_id], detail)

    async def note_each(
        self, who: Who, action: Action, query_ids: Sequence[str], detail: Mapping[str, Any] | None = None
    ) -> None:
        """One entry for each query; see ``note``."""
        at, new_future = self._now(), asyncio.get_running_loop().create_future
        notes: list[_Waiting] = [
            (_Note(at, who, action, query_id, detail or {}), new_future()) for query_id in query_ids
        ]
        self._waiting += notes
        if self._writing is None or self._writing.done():
            # A task of its own: who hangs up meanwhile does not take the others' entries along.
            self._writing = asyncio.create_task(self._write(), name="audit")
        await asyncio.gather(*(written for _, written in notes))

    async def close(self) -> None:
        """Gives up what is still on its way; nobody waits for it any more."""
        if self._writing is not None:
            await end(self._writing)

    async def _write(self) -> None:
        while self._waiting:
            some, self._waiting = self._waiting[:_MOST_AN_APPEND], self._waiting[_MOST_AN_APPEND:]
            try:
                await self._append([note for note, _ in some])
            except (SourceUnavailable, TopicRefused) as error:
                some, self._waiting = some + self._waiting, []
                self._log.warning("audit_log_failed", entries=len(some), error=str(error))
                for _, written in some:
                    if not written.done():  # who waited may have gone
                        written.set_exception(Unaudited(str(error)))
            else:
                for _, written in some:
                    if not written.done():
                        written.set_result(None)

    async def _append(self, notes: Sequence[_Note]) -> None:
        if len(self._unconfirmed) >= _MOST_UNCONFIRMED:
            await self._flush()
        if self._last is None:
            self._seal(await self._opening())
        for note in notes:
            self._seal(note)
        await self._flush()

    async def _flush(self) -> None:
        await self._audit_log.append(self._unconfirmed)
        self._unconfirmed = []

    async def _opening(self) -> _Note:
        """Names the entries that no other refers to.

        The last opening tells how far its writer had read: what lies before that, it or others refer to.
        """
        read_to = await self._audit_log.end()
        heads = Heads()
        async for entry in entries(self._audit_log, await self._read_to_by_last_opening(read_to), read_to):
            heads.add(entry)
        detail = {"heads": heads.named(), "read_to": read_to}
        return _Note(self._now(), _OURSELVES, "opened chain", "", detail)

    async def _read_to_by_last_opening(self, before: int) -> int:
        for stop in range(before, 0, -RECORDS_A_READ):
            some = entries(self._audit_log, max(stop - RECORDS_A_READ, 0), stop)
            openings = [entry async for entry in some if entry.action == "opened chain"]
            if openings:
                return int(openings[-1].detail["read_to"])
        return 0

    def _now(self) -> str:
        return datetime.fromtimestamp(self._clock.time(), UTC).isoformat(timespec="microseconds")

    def _seal(self, note: _Note) -> None:
        last = self._last
        self._last = Entry.sealed(
            chain=self._chain,
            sequence=0 if last is None else last.sequence + 1,
            previous=NO_HASH if last is None else last.hash,
            at=note.at,
            who=note.who.name,
            role=note.who.role,
            action=note.action,
            query_id=note.query_id,
            detail=dict(note.detail),
        )
        self._unconfirmed.append(self._last.encode())
