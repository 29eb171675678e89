"""Putting a labelled file into the label log, so that a model starts with what is already known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any

import orjson

from streamsel.codec import Unreadable, encode_log_record, query_id_of
from streamsel.codec.layout import Layout, as_text, find
from streamsel.ports import Clock, LabelLog
from streamsel.records import Label

APPEND_AT_ONCE = 500


class BadRow(Exception):
    """A row that is no labelled event. The message names the row, the column and what was expected."""


def seed_labels(
    rows: Iterable[tuple[int, Mapping[str, Any]]],
    *,
    layout: Layout,
    column: str,
    names: Sequence[str],
    renamed: Mapping[str, str],
    seeded_by: str,
    clock: Clock,
) -> list[Label]:
    """The rows as label records; ``column`` holds the label, by name or by a key of ``renamed``.

    A label's id follows from the event's, so that a file seeded twice changes the model once. Raises
    ``BadRow``.
    """
    labels = []
    for number, row in rows:
        value = find(row, column)
        if value is None:
            raise BadRow(f"row {number}: column '{column}' is missing or empty; it must hold the label")
        shown = as_text(value)
        label = renamed.get(shown, shown)
        if label not in names:
            raise BadRow(
                f"row {number}: column '{column}' is '{shown}', which is none of the labels "
                f"{', '.join(names)}; rename it with --map '{shown}=LABEL'"
            )
        try:
            event = layout.privacy.admitted({name: cell for name, cell in row.items() if name != column})
            event_id = layout.event_id(event) or content_id(event)
            labels.append(
                Label(
                    label_id=f"seed-{query_id_of(event_id)}",
                    revision=1,
                    event_id=event_id,
                    label=label,
                    source="seed",
                    labelled_by=seeded_by,
                    labelled_at=clock.time(),
                    features=layout.event_features(event),
                    segments=layout.event_segments(event),
                )
            )
        except Unreadable as unreadable:
            raise BadRow(f"row {number}: {unreadable.detail}") from None
    return labels


async def append_labels(log: LabelLog, labels: Sequence[Label], progress: Callable[[int], None]) -> int:
    """Appends in order, durable on return; ``progress`` gets the count so far. Returns the log's new end."""
    for start in range(0, len(labels), APPEND_AT_ONCE):
        part = labels[start : start + APPEND_AT_ONCE]
        await log.append([encode_log_record(label) for label in part])
        progress(start + len(part))
    return await log.end()


def content_id(event: Mapping[str, Any]) -> str:
    """For an event without an id of its own: by all that is in it."""
    content = orjson.dumps(event, option=orjson.OPT_SORT_KEYS)
    return f"content:{blake2b(content, digest_size=16).hexdigest()}"
