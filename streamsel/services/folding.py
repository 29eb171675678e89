"""Brings folds up to an offset of the label log, in slices of the event loop's time.

What takes longer, such as fitting a model anew, is done in a thread.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from typing import NamedTuple, Protocol, TypeAlias, TypeVar

import structlog

from streamsel.codec import Unreadable, decode_log_record
from streamsel.learning.applied import Applied
from streamsel.learning.course import InForce
from streamsel.learning.fold import Fold
from streamsel.learning.presets import LearnsEach
from streamsel.metrics import Metrics
from streamsel.ports import Clock, LogReader
from streamsel.records import LogRecord
from streamsel.review.refusals import LabelLogUnreachable

LARGEST_READ = 500
READ_SECONDS = 1.0
SLICE_SECONDS = 0.004
"""How long learning may hold the event loop; one more label may come on top."""
STRETCH = 100
"""Records that are looked at at once."""
_SHORTEST = 1e-6
PROGRESS_SECONDS = 5.0
FIRST_RETRY_SECONDS = 0.1
LAST_RETRY_SECONDS = 5.0

Result = TypeVar("Result")


class LogEntry(NamedTuple):
    """One record of the log; ``record`` is ``None`` for one that can't be read, ``detail`` then says why."""

    offset: int
    payload: bytes
    record: LogRecord | None
    detail: str


InForceAfter: TypeAlias = Callable[[int, Sequence[tuple[int, str]]], Awaitable[InForce]]
"""What is in force at the log's end, for who knows the directives before an offset, each with its own."""


class KeptFolds(Protocol):
    """Folds of earlier offsets, kept elsewhere."""

    async def newest(
        self, in_force_after: InForceAfter, log_end: int, before: int | None = None
    ) -> Fold | None:
        """The newest fold that is good under what is in force, and stands at ``before`` or further back, if
        there is any."""


class Folding:
    """Several folds may be under way at once; each has its slices."""

    def __init__(
        self,
        log: LogReader,
        metrics: Metrics,
        clock: Clock,
        kept: KeptFolds | None = None,
        watch: Callable[[int], None] = lambda _: None,
    ) -> None:
        """``watch`` is told of every record read, of which there are two times as many as in the log."""
        self._label_log = log
        self._metrics = metrics
        self._clock = clock
        self._kept = kept
        self._watch = watch
        self._log = structlog.get_logger()
        self._reachable = True
        self._slice_began = 0.0

    async def started(self, in_force: InForce, end: int, before: int | None = None) -> Fold:
        """The newest fold there is, of at most ``before`` if that is given, or one that has learned nothing.
        Raises ``FactoryRefused``."""
        kept = None
        if self._kept is not None:
            kept = await self.patiently(partial(self._kept.newest, _known(in_force), end, before))
        return await asyncio.to_thread(Fold, in_force.spec, in_force.gaps) if kept is None else kept

    async def advanced(
        self, fold: Fold, end: int, account: Callable[[LogEntry, Applied], None] = lambda *_: None
    ) -> Fold:
        """The fold at ``end``, or in its place another, where a label that it has learned is superseded.
        ``account`` is told what became of each record."""
        await self._look_ahead(fold, end)
        while (superseded := fold.superseded) is not None:
            fold = await self._earlier(fold, superseded, end)
        model = fold.model

        def at_once() -> int:
            return model.at_once if isinstance(model, LearnsEach) else 1

        async for entries in self._stretches(fold.version, end, at_once, "learning"):
            if len(entries) == 1:
                await self.fit_ahead(fold, entries[0])
            applied = fold.advance([entry.record for entry in entries])
            for entry, became in zip(entries, applied, strict=True):
                account(entry, became)
        return fold

    async def fit_ahead(
        self, fold: Fold, entry: LogEntry, rest: Callable[[], Awaitable[None]] | None = None
    ) -> float:
        """Does what takes long about a record beforehand, in a thread and after a ``rest``, if there is
        anything; returns the seconds that it took of a core."""
        fit = fold.ahead(entry.offset, entry.record)
        if fit is None:
            return 0.0
        self.end_slice()
        if rest is not None:
            await rest()
        began = self._clock.monotonic()
        core_seconds = await asyncio.to_thread(_core_seconds, fit)
        self._metrics.stage["fit"].observe(self._clock.monotonic() - began)
        self.begin_slice()
        return core_seconds

    async def patiently(self, call: Callable[[], Awaitable[Result]]) -> Result:
        """What the label log answers, however long that takes."""
        retry_seconds = FIRST_RETRY_SECONDS
        while True:
            try:
                result = await call()
            except LabelLogUnreachable as error:
                if self._reachable:
                    self._reachable = False
                    self._log.error("label_log_unreachable", error=str(error))
                await asyncio.sleep(retry_seconds)
                retry_seconds = min(2 * retry_seconds, LAST_RETRY_SECONDS)
            else:
                if not self._reachable:
                    self._reachable = True
                    self._log.info("label_log_reachable")
                return result

    def begin_slice(self) -> None:
        """From here on the event loop is held."""
        self._slice_began = self._clock.monotonic()

    def end_slice(self) -> None:
        """It no longer is."""
        self._metrics.stage["learn"].observe(self._clock.monotonic() - self._slice_began)

    async def breathe(self) -> None:
        """Lets others run when the slice is used up."""
        if self._clock.monotonic() - self._slice_began >= SLICE_SECONDS:
            self.end_slice()
            await asyncio.sleep(0)
            self.begin_slice()

    async def _look_ahead(self, fold: Fold, end: int) -> None:
        async for entries in self._stretches(fold.version, end, lambda: STRETCH, "looking_ahead"):
            for entry in entries:
                fold.note(entry.offset, entry.record)

    async def _earlier(self, fold: Fold, superseded: int, end: int) -> Fold:
        """A fold of before the superseded label, to which all is announced up to ``end``."""
        rewound = await asyncio.to_thread(fold.rewound)
        if not rewound.version and self._kept is not None:
            # One that knows nothing of what came after it: it may itself have learned what is superseded.
            kept = await self.patiently(partial(self._kept.newest, _known(InForce.of(fold)), end, superseded))
            if kept is not None:
                await self._look_ahead(kept, end)
                return kept
        self._log.info("rewinding", version=fold.version, back_to=rewound.version, end=end)
        return rewound

    async def _stretches(
        self, start: int, end: int, at_once: Callable[[], int], doing: str
    ) -> AsyncIterator[Sequence[LogEntry]]:
        """The records from ``start`` up to ``end``, at most so many at once and no more than the slice has
        room for, with a log line now and then."""
        reported = self._clock.monotonic()
        position = start
        seconds_each = SLICE_SECONDS
        while position < end:
            size = min(LARGEST_READ, end - position)
            batch = await self.patiently(partial(self._label_log.read, position, size, READ_SECONDS))
            self.begin_slice()
            done = 0
            while done < len(batch):
                began = self._clock.monotonic()
                room = int((self._slice_began + SLICE_SECONDS - began) / seconds_each)
                entries = [decoded(*one) for one in batch[done : done + min(max(room, 1), at_once())]]
                yield entries
                done += len(entries)
                position = entries[-1].offset + 1
                seconds_each = max((self._clock.monotonic() - began) / len(entries), _SHORTEST)
                await self.breathe()
            self.end_slice()
            self._watch(len(batch))
            if self._clock.monotonic() - reported >= PROGRESS_SECONDS:
                self._log.info(doing, offset=position, end=end)
                reported = self._clock.monotonic()


def decoded(offset: int, payload: bytes) -> LogEntry:
    """What can't be read becomes ``None`` with a reason."""
    try:
        return LogEntry(offset, payload, decode_log_record(payload), "")
    except Unreadable as error:
        return LogEntry(offset, payload, None, error.detail)


def _known(in_force: InForce) -> InForceAfter:
    async def in_force_after(_: int, __: Sequence[tuple[int, str]]) -> InForce:
        return in_force

    return in_force_after


def _core_seconds(work: Callable[[], None]) -> float:
    """Does it, and says how much of a core it took."""
    began = time.thread_time()
    work()
    return time.thread_time() - began
