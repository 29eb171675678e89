"""Summaries of all decided events, written beside the decisions: ``streamsel.records.Summary``."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import structlog

from streamsel.codec.summaries import encode_summary
from streamsel.learning.evaluation.sketches import FeatureSample
from streamsel.learning.evaluation.sums import Columns, DecidedEvents, Floats, Membership, summed
from streamsel.ports import Clock, KeptLog, RecordTooLarge, SourceUnavailable
from streamsel.records import FeatureTable, Summary

SPAN_SECONDS = 60.0
"""Summaries are cut at multiples of this."""
_RETRY_SECONDS = 1.0
_CLOSING_SECONDS = 0.25
_MOST_NUMBERS = 20_000
"""In the sums of one summary: some 100 kB."""
_MOST_CELLS = 64
WHOLE, REST = "", "*"


class Summariser:
    """Gathers events on the way of decisions, and writes beside it; ``run`` until cancelled.

    At most one summary waits for the log; while it does, the next goes on gathering. What was gathered and
    not written when a process is killed is missing, and an event decided again counts again: a minute's
    worth at most.
    """

    def __init__(self, log: KeptLog, clock: Clock) -> None:
        self._summary_log = log
        self._clock = clock
        self._process = secrets.token_hex(8)
        self._written = 0
        self._open: _Gathered | None = None
        self._sample = FeatureSample()
        self._waiting: Summary | None = None
        self._due = asyncio.Event()
        self._log = structlog.get_logger()

    def add(
        self,
        now: float,
        labels: tuple[str, ...],
        events: DecidedEvents,
        table: FeatureTable,
        segments: Sequence[Mapping[str, str]] | None,
    ) -> None:
        """Counts a micro-batch in that was decided ``now``."""
        if self._waiting is None and self._open is not None and not self._open.goes_on(now, labels):
            self._seal()
        if self._open is None or self._open.labels != labels:
            # Labels are others only in a process that is told so: what was gathered by the old ones goes.
            self._open = _Gathered(now, labels)
        self._open.add(now, events, segments)
        self._sample.add(table)

    async def run(self) -> None:
        """Writes summaries when they are due."""
        while True:
            left = SPAN_SECONDS - self._clock.time() % SPAN_SECONDS
            try:
                async with asyncio.timeout(left + 1.0):
                    await self._due.wait()
            except TimeoutError:
                # A stream that has fallen silent is told of as well.
                if self._open is not None and not self._open.goes_on(self._clock.time(), self._open.labels):
                    self._seal()
            await self._write()

    async def close(self) -> None:
        """Writes what there is, if the log takes it at once."""
        try:
            async with asyncio.timeout(_CLOSING_SECONDS):
                await self._append()
                if self._open is not None:
                    self._seal()
                    await self._append()
        except (TimeoutError, SourceUnavailable, RecordTooLarge) as error:
            self._log.warning("last_summary_lost", error=str(error) or type(error).__name__)

    def _seal(self) -> None:
        if self._waiting is None and self._open is not None:
            self._waiting = self._open.summary(f"{self._process}:{self._written}", self._sample)
            self._written += 1
            self._open = None
            self._due.set()

    async def _write(self) -> None:
        """However long the log is away. It may hold the summary more than once then; one counts."""
        told = False
        while self._waiting is not None:
            try:
                await self._append()
            except SourceUnavailable as error:
                if not told:
                    self._log.warning("summary_waits", error=str(error))
                told = True
                await asyncio.sleep(_RETRY_SECONDS)
            except RecordTooLarge as error:
                self._log.error("summary_refused", error=str(error))
                self._done()

    async def _append(self) -> None:
        if self._waiting is not None:
            await self._summary_log.append([encode_summary(self._waiting)])
            self._done()

    def _done(self) -> None:
        self._waiting = None
        self._due.clear()


class _Gathered:
    """The events of one summary."""

    def __init__(self, now: float, labels: tuple[str, ...]) -> None:
        self.labels = labels
        self._first = self._last = now
        self._events = 0
        width = Columns(len(labels)).width
        self._most_cells = max(min(_MOST_CELLS, _MOST_NUMBERS // width), 2)
        self._cells: dict[str, int] = {WHOLE: 0}
        self._sums = np.zeros((self._most_cells, width))

    def goes_on(self, now: float, labels: tuple[str, ...]) -> bool:
        """Whether events decided now belong to it still."""
        return labels == self.labels and now // SPAN_SECONDS == self._first // SPAN_SECONDS

    def add(self, now: float, events: DecidedEvents, segments: Sequence[Mapping[str, str]] | None) -> None:
        self._last = now
        self._events += len(events.lanes)
        membership = None if segments is None else self._membership(segments)
        self._sums += summed(events, len(self.labels), self._most_cells, membership)

    def summary(self, summary_id: str, sample: FeatureSample) -> Summary:
        sums: Floats = self._sums[: len(self._cells)]
        return Summary(
            summary_id=summary_id,
            decided_from=self._first,
            decided_to=self._last,
            events=self._events,
            labels=self.labels,
            cells=tuple(self._cells),
            sums=sums,
            **sample.take()._asdict(),
        )

    def _membership(self, segments: Sequence[Mapping[str, str]]) -> Membership:
        cells = _CellOf(self._cell)
        found = [cells[item] for values in segments for item in values.items()]
        rows = np.repeat(np.arange(len(segments)), list(map(len, segments)))
        return Membership(rows, np.array(found, dtype=np.intp))

    def _cell(self, name: str) -> int:
        """A new one while there is room for it and for the rest."""
        if name not in self._cells and len(self._cells) >= self._most_cells - 1:
            name = REST
        return self._cells.setdefault(name, len(self._cells))


class _CellOf(dict[tuple[str, str], int]):
    """The cells of a micro-batch's segments; each name is put together once."""

    def __init__(self, cell: Callable[[str], int]) -> None:
        super().__init__()
        self._cell_named = cell

    def __missing__(self, item: tuple[str, str]) -> int:
        cell = self[item] = self._cell_named("=".join(item))
        return cell
