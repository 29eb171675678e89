"""Putting a dataset's labels into the label log, under the ids and revisions they had."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import xxhash

from streamsel.codec import Unreadable, decode_log_record, encode_log_record
from streamsel.codec.dataset import label_of
from streamsel.ports import LabelLog
from streamsel.records import Label, Retraction
from streamsel.services.audit_reading import records
from streamsel.services.seeding import APPEND_AT_ONCE, BadRow


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of the rows."""

    added: int
    known: int
    """The log had the label already, in this revision or a newer one."""
    end: int
    """Of the log, after them."""


def dataset_labels(
    rows: Iterable[tuple[int, Mapping[str, Any]]], names: Sequence[str], redact: Sequence[str]
) -> Iterator[Label]:
    """The rows as labels. Raises ``BadRow`` for one that is none, that has none of the labels ``names``, or
    has a field that this stream redacts."""
    for number, row in rows:
        try:
            label = label_of(row)
        except Unreadable as error:
            raise BadRow(f"row {number}: {error.detail}") from None
        if label.label not in names:
            raise BadRow(
                f"row {number}: column 'label' is '{label.label}', which is none of the labels "
                f"{', '.join(names)}"
            )
        for name in label.features:
            if any(name == path or name.startswith(f"{path}.") for path in redact):
                raise BadRow(f"row {number}: column 'feature.{name}' is of a field that stream.redact names")
        yield label


async def import_labels(log: LabelLog, labels: Iterable[Label], advance: Callable[[int], None]) -> Imported:
    """Appends those that the log does not have, in order, durable on return; ``advance`` is told how many
    more rows are through. Twice is once, and so is what two processes import at a time: the fold takes one
    of a label's revision."""
    newest = await _newest_revisions(log)
    added = known = 0
    waiting: list[bytes] = []
    for label in labels:
        if newest.get(key := _key(label.label_id), 0) >= label.revision:
            known += 1
        else:
            newest[key] = label.revision
            waiting.append(encode_log_record(label))
            added += 1
        if len(waiting) == APPEND_AT_ONCE:
            await log.append(waiting)
            waiting = []
        advance(1)
    if waiting:
        await log.append(waiting)
    return Imported(added, known, await log.end())


async def _newest_revisions(log: LabelLog) -> dict[int, int]:
    """By a hash of the label id, of all labels and retractions in the log."""
    newest: dict[int, int] = {}
    async for _, content in records(log, 0, await log.end()):
        try:
            record = decode_log_record(content)
        except Unreadable:
            continue
        if isinstance(record, Label | Retraction):
            key = _key(record.label_id)
            newest[key] = max(record.revision, newest.get(key, 0))
    return newest


def _key(label_id: str) -> int:
    return xxhash.xxh3_128_intdigest(label_id.encode())
