"""The events picked, as queries on the desk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from streamsel.codec import query_id_of
from streamsel.pool.picking import Pick
from streamsel.pool.table import Pool
from streamsel.ports import ReviewQueue
from streamsel.records import Query

AT_ONCE = 500
"""Queries offered at once."""


def queries(
    pool: Pool, picks: Sequence[Pick], objects: Sequence[Mapping[str, Any]], decided_at: float
) -> list[Query]:
    """As a selector would ask them; ``objects`` are the rows as they stand in the file.

    A batch is picked without a draw, and tells nothing of the stream: no propensity is known, so that no
    evaluation counts its labels. The model behind the predictions has learned the file's labels and
    none of the log's: its version is 0.
    """
    asked = []
    for one, event in zip(picks, objects, strict=True):
        features = pool.events[one.row]
        admitted = pool.layout.privacy.admitted(event)
        asked.append(
            Query(
                query_id=query_id_of(pool.ids[one.row]),
                event_id=pool.ids[one.row],
                lane=one.lane,
                propensity=0.0,
                utility=one.utility,
                probabilities=one.probabilities,
                model_version=0,
                decided_at=decided_at,
                features=features,
                context=pool.layout.event_context(admitted, features),
                timestamp=pool.layout.event_time(admitted),
                segments={} if pool.segments is None else pool.segments[one.row],
                rules=one.rules,
            )
        )
    return asked


async def offer(queue: ReviewQueue, asked: Sequence[Query]) -> int:
    """Puts the queries on the desk; those it knows already stay as they are. Returns how many are new."""
    return sum([await queue.offer(asked[start : start + AT_ONCE]) for start in range(0, len(asked), AT_ONCE)])
