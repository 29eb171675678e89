"""Finding, at the end of a log, the decisions already made. Pure: the caller does the reading."""

from __future__ import annotations

from collections.abc import Sequence

ZOMBIE_REACH = 10_000
"""Records. A member that lost its partition without noticing may still write what it has in hand, behind
the decisions of its successor. It has far fewer than this in hand."""


class DecisionTail:
    """The decisions for source offsets from ``since`` on, in a log of offsets ``first`` to ``end``.

    One writer writes in source order; a partition that changed hands has the runs of several writers, and
    they may repeat and overtake each other. So the log is read backwards until ``ZOMBIE_REACH`` records
    in a row are all for offsets before ``since``. Of several decisions for one offset the earliest in the
    log stands: it is what a consumer saw first, and every later reader finds the same.
    """

    def __init__(self, since: int, first: int, end: int) -> None:
        self.decisions: dict[int, bytes] = {}
        self._since = since
        self._first = first
        self._position = end
        self._older_in_a_row = 0

    def next_chunk(self) -> range | None:
        """The log offsets to read next; ``None`` when all is found."""
        wanted = ZOMBIE_REACH - self._older_in_a_row
        if wanted <= 0 or self._position <= self._first:
            return None
        return range(max(self._first, self._position - wanted), self._position)

    def take(self, chunk: range, records: Sequence[tuple[int, bytes]]) -> None:
        """The (source offset, decision) records of that chunk, in log order."""
        newer = [index for index, (offset, _) in enumerate(records) if offset >= self._since]
        self.decisions.update(records[index] for index in reversed(newer))
        self._older_in_a_row = newer[0] if newer else self._older_in_a_row + len(chunk)
        self._position = chunk.start
