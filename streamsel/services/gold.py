"""Questions whose answers are known, from a labelled file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from zlib import crc32

from streamsel.codec import Unreadable, query_id_of
from streamsel.codec.layout import Layout, as_text, find
from streamsel.ports import Clock, GoldQuery
from streamsel.records import Query
from streamsel.services.seeding import BadRow, content_id


def gold_queries(
    rows: Iterable[tuple[int, Mapping[str, Any]]],
    *,
    layout: Layout,
    column: str,
    names: Sequence[str],
    clock: Clock,
    topic: str,
) -> list[GoldQuery]:
    """The rows, in their order, as queries that look like any of the explore lane; ``column`` holds the known
    answer, which no reviewer is shown.

    An id follows from the event's and is another than that of the event in the stream, so that both can be
    asked. An event without an id is called as one of the stream would be that came on ``topic``. Raises
    ``BadRow``.
    """
    gold: list[GoldQuery] = []
    stood: dict[str, int] = {}
    for number, row in rows:
        value = find(row, column)
        if value is None:
            raise BadRow(
                f"row {number}: column '{column}' is missing or empty; it must hold the known answer"
            )
        expected = as_text(value)
        if expected not in names:
            raise BadRow(
                f"row {number}: column '{column}' is '{expected}', which is none of the labels "
                f"{', '.join(names)}"
            )
        try:
            query = _query({name: cell for name, cell in row.items() if name != column}, layout, clock, topic)
        except Unreadable as unreadable:
            raise BadRow(f"row {number}: {unreadable.detail}") from None
        if (earlier := stood.setdefault(query.query_id, number)) != number:
            raise BadRow(f"row {number}: event '{query.event_id}' stood in row {earlier} already")
        gold.append(GoldQuery(query, expected))
    return gold


def _query(row: Mapping[str, Any], layout: Layout, clock: Clock, topic: str) -> Query:
    event = layout.privacy.admitted(row)
    event_id = layout.event_id(event)
    content = content_id(event)
    features = layout.event_features(event)
    return Query(
        query_id=query_id_of(f"gold:{event_id or content}"),
        event_id=event_id or f"{topic}:0:{crc32(content.encode())}",
        # In this lane nobody sees before the answer what the model thinks, and here it thinks nothing.
        lane="explore",
        propensity=1.0,
        utility=1.0,
        probabilities={},
        model_version=0,
        decided_at=clock.time(),
        features=features,
        context=layout.event_context(event, features),
        timestamp=layout.event_time(event),
        segments=layout.event_segments(event),
    )
