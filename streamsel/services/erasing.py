"""Erasing from everywhere: what is left of the label log moves into a new epoch, in which it had never been.

    find ► copy the label log without it ► carry positions over ► forget its queries ► switch epochs
         ► delete it from the other logs ► drop the old epoch and all snapshots ► tidy up ► look for it again

Until the switch the old epoch is whole, and afterwards the new one is. Killed anywhere, the next run finds
what is still there and finishes: every step is safe to repeat. Nobody else may use the logs meanwhile.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from streamsel.codec import Unreadable, decode_log_record, encode_log_record, encode_query
from streamsel.ports import LabelLog, LogReader, SourceUnavailable
from streamsel.ports.epochs import Epochs
from streamsel.ports.erasure import ErasableLog, InUse, QueryStore, Scrubbed
from streamsel.ports.snapshots import SnapshotStore
from streamsel.records import Directive
from streamsel.services.audit_reading import RECORDS_A_READ
from streamsel.services.presence import Lease
from streamsel.services.standing import Watch
from streamsel.services.subjects import Criterion, json_of

_READ_SECONDS = 5.0
_APPEND_AT_ONCE = 500


class StillThere(Exception):
    """What was erased was found again. The message says where."""


class Positions(Protocol):
    """How far others have come in the label log."""

    async def carry_over(self, epoch: int, to: int, moved: Callable[[int], int]) -> None:
        """Notes for the log of one epoch where they stand in that of another; ``moved`` tells the place of
        an offset there."""


@dataclass(frozen=True, slots=True)
class Places:
    """All that may hold what is to be erased."""

    epochs: Epochs
    logs: Mapping[str, ErasableLog]
    """Besides the label log, by name."""
    queue: QueryStore
    positions: Positions
    snapshots: SnapshotStore | None
    store: Scrubbed


@dataclass(slots=True)
class Found:
    """What there is to erase."""

    label_records: array[int] = field(default_factory=lambda: array("q"))
    """Offsets in the label log."""
    queries: list[str] = field(default_factory=list)
    """On the desk."""
    others: dict[str, array[int]] = field(default_factory=dict)
    """Offsets in the other logs, by their names."""

    @property
    def anything(self) -> bool:
        return bool(self.label_records or self.queries or any(self.others.values()))


@dataclass(frozen=True, slots=True)
class Erased:
    """What was done."""

    epoch: int
    """In force now."""
    label_records: int
    exports_from: int | None
    """Exports made at a greater offset of the epoch before hold what was erased; ``None``: none do."""
    queries: int
    others: Mapping[str, int]
    """Records deleted, by log."""
    snapshots: int


class Erasure:
    """``find``, and then perhaps ``carry_out``."""

    def __init__(self, places: Places, criterion: Criterion, lease: Lease, watch: Watch) -> None:
        self._places = places
        self._criterion = criterion
        self._lease = lease
        self._watch = watch
        self._events: set[str] = set()
        self._queries: set[str] = set()
        self._labels: set[str] = set()

    async def find(self) -> Found:
        """Reads everything. Changes nothing."""
        found = Found()
        for name, log in self._places.logs.items():
            found.others[name] = await self._in_log(name, log)
        async for query in self._places.queue.queries():
            if self._criterion.erases(content := encode_query(query)) or self._refers(json_of(content)):
                found.queries.append(query.query_id)
                self._link(json_of(content))
        labels = await self._places.epochs.log(await self._places.epochs.current())
        try:
            async for _, content in self._records(labels):  # what is linked may stand before what links it
                if self._criterion.erases(content):
                    self._link(json_of(content))
            async for offset, content in self._records(labels):
                if self._criterion.erases(content) or self._refers(json_of(content)):
                    found.label_records.append(offset)
        finally:
            await labels.close()
        return found

    async def carry_out(self, found: Found) -> Erased:
        """Erases it, and looks for it again. Raises ``StillThere``, or ``InUse`` when the lease has ended."""
        places = self._places
        if found.label_records:
            await self._move(found)
        else:
            await places.queue.forget(found.queries)
        others = {name: await places.logs[name].erase(offsets) for name, offsets in found.others.items()}
        # The old epoch goes last: while it is there, whoever comes next knows that snapshots may be of it.
        older = await places.epochs.older()
        snapshots = await self._delete_snapshots() if older else 0
        await places.epochs.drop(older)
        await places.store.scrub()
        again = await Erasure(places, self._criterion, self._lease, self._watch).find()
        if again.anything:
            raise StillThere(f"what was erased is still there: {_where(again)}")
        return Erased(
            epoch=await places.epochs.current(),
            label_records=len(found.label_records),
            exports_from=found.label_records[0] if found.label_records else None,
            queries=len(found.queries),
            others=others,
            snapshots=snapshots,
        )

    async def _move(self, found: Found) -> None:
        """The label log into a new epoch, without what was found."""
        epochs, gone = self._places.epochs, found.label_records
        epoch = await epochs.current()
        new = await epochs.begin()
        old_log, new_log = await epochs.log(epoch), await epochs.log(new)
        try:
            await self._copy(old_log, new_log, gone)
        finally:
            await old_log.close()
            await new_log.close()
        await self._places.positions.carry_over(epoch, new, lambda offset: _moved(offset, gone))
        await self._places.queue.forget(found.queries)
        if not self._lease.valid:
            raise InUse("the lease under which labels were being erased has ended; the old labels are whole")
        await epochs.switch(new)

    async def _copy(self, old_log: LabelLog, new_log: LabelLog, gone: Sequence[int]) -> None:
        waiting: list[bytes] = []
        async for offset, content in self._records(old_log):
            place = bisect_left(gone, offset)
            if place < len(gone) and gone[place] == offset:
                continue
            waiting.append(_placed(content, gone))
            if len(waiting) == _APPEND_AT_ONCE:
                await new_log.append(waiting)
                waiting = []
        if waiting:
            await new_log.append(waiting)
        end, kept = await old_log.end(), await new_log.end()
        if kept != _moved(end, gone):
            raise SourceUnavailable(
                f"of {end} records of the label log {len(gone)} were to go, but {kept} were copied; try again"
            )

    async def _delete_snapshots(self) -> int:
        """All of them: each may hold what was erased, and none is of the new epoch."""
        if self._places.snapshots is None:
            return 0
        return await self._places.snapshots.clear()

    async def _in_log(self, name: str, log: LogReader) -> array[int]:
        offsets = array("q")
        async for offset, content in self._records(log):
            if self._criterion.erases(content):
                offsets.append(offset)
                if name.startswith("decisions"):
                    self._link(json_of(content))
        return offsets

    def _link(self, record: Any) -> None:
        """From now on what refers to the same event, query or label goes as well."""
        if not self._criterion.linked or not isinstance(record, Mapping):
            return
        for names, field_name in (
            (self._events, "event_id"),
            (self._queries, "query_id"),
            (self._labels, "label_id"),
        ):
            if isinstance(name := record.get(field_name), str):
                names.add(name)
        if "query" in record:
            self._link(record["query"])

    def _refers(self, record: Any) -> bool:
        if not isinstance(record, Mapping):
            return False
        label_id = str(record.get("label_id", ""))
        return (
            record.get("event_id") in self._events
            or record.get("query_id") in self._queries
            or label_id in self._labels
            or label_id.partition("~")[0] in self._queries  # a retraction
        )

    async def _records(self, log: LogReader) -> AsyncIterator[tuple[int, bytes]]:
        """All there are, wherever the log begins and whatever gaps it has."""
        start, end = await log.beginning(), await log.end()
        advance = self._watch(end - start)
        while start < end:
            some = await log.read(start, RECORDS_A_READ, _READ_SECONDS)
            if not some:
                raise SourceUnavailable(f"nothing came from offset {start} of a log that ends at {end}")
            for offset, content in some:
                if offset < end:
                    yield offset, content
            advance(some[-1][0] + 1 - start)
            start = some[-1][0] + 1


def _moved(offset: int, gone: Sequence[int]) -> int:
    """The place of an offset in a log that lacks these records."""
    return offset - bisect_left(gone, offset)


def _placed(content: bytes, gone: Sequence[int]) -> bytes:
    """The record as the new log has it: a directive may name an offset."""
    if b'"directive"' not in content:  # almost none is one, and reading a record takes its time
        return content
    try:
        record = decode_log_record(content)
    except Unreadable:
        return content
    if isinstance(record, Directive) and record.version is not None:
        return encode_log_record(replace(record, version=_moved(record.version, gone)))
    return content


def _where(found: Found) -> str:
    places = {"labels": len(found.label_records), "queries on the desk": len(found.queries)}
    places |= {name: len(offsets) for name, offsets in found.others.items()}
    return ", ".join(f"{count} in {name}" for name, count in places.items() if count)
