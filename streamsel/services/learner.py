"""Follows the label log and keeps the serving model at its end.

Labels are learned in slices, so that events are decided meanwhile. What takes longer, such as fitting a model
anew, is done in a thread, and takes no more than half of a core however fast labels come. When a label that
was learned is corrected or retracted, the old model goes on serving while another is folded up to the end.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import NamedTuple, TypeVar

import structlog

from streamsel.codec import Unreadable, decode_log_record, encode_dead_letter
from streamsel.learning.fold import Applied, Fold, Outcome
from streamsel.learning.serving import ServingModel
from streamsel.learning.spec import ModelSpec
from streamsel.metrics import Metrics
from streamsel.ports import Clock, DeadLetterSink, LabelLog, SourceUnavailable
from streamsel.records import DeadLetter, Label, LogRecord, Source
from streamsel.review.refusals import LabelLogUnreachable

LARGEST_READ = 500
READ_SECONDS = 1.0
SLICE_SECONDS = 0.004
"""How long learning may hold the event loop; one more label may come on top."""
PROGRESS_SECONDS = 5.0
LARGEST_PAYLOAD = 100_000
"""Bytes kept in a dead letter; the label log has them all."""
FIRST_RETRY_SECONDS = 0.1
LAST_RETRY_SECONDS = 5.0

Result = TypeVar("Result")


class _Entry(NamedTuple):
    """One record of the log; ``record`` is ``None`` for one that can't be read, ``detail`` then says why."""

    offset: int
    payload: bytes
    record: LogRecord | None
    detail: str


class Learner:
    """``catch_up`` once, then ``run`` until cancelled."""

    def __init__(
        self,
        log: LabelLog,
        spec: ModelSpec,
        metrics: Metrics,
        clock: Clock,
        dead_letters: DeadLetterSink,
        *,
        topic: str = "labels",
        screen: float = 1.0,
    ) -> None:
        """``topic`` names the log in dead letters; ``screen`` is as in ``ServingModel``. Raises
        ``FactoryRefused`` for a bad model factory."""
        self.scorer = ServingModel(Fold(spec), screen)
        """The serving model; stays the same object when another fold takes over."""
        self._label_log = log
        self._metrics = metrics
        self._clock = clock
        self._dead_letters = dead_letters
        self._topic = topic
        self._log = structlog.get_logger()
        self._end = 0
        self._letters: list[DeadLetter] = []
        self._letters_wait = False
        self._reachable = True
        self._counted_errors = 0
        self._moved = asyncio.Event()
        self._slice_began = 0.0
        self._rested_at = 0.0
        """When as much time has passed since the last fit as it took of a core."""

    @property
    def version(self) -> int:
        """Label-log offset the serving model stands at."""
        return self.scorer.version

    @property
    def labels_learned(self) -> int:
        """Labels in the serving model."""
        return self.scorer.fold.labels_learned

    @property
    def lag(self) -> int:
        """Records known to be in the log and not in the serving model."""
        return max(self._end - self.version, 0)

    def digest(self) -> str:
        """See ``Fold.digest``: equal in every process at the same version."""
        return self.scorer.digest()

    async def reached(self, version: int) -> None:
        """Returns once the serving model stands at ``version`` or further on."""
        while self.version < version:
            await self._moved.wait()

    async def catch_up(self) -> None:
        """Folds the log up to its end as of now. Waits for a log that does not answer."""
        began = self._clock.monotonic()
        self._end = await self._patiently(self._label_log.end)
        self._show()
        fold = await asyncio.to_thread(Fold, self.scorer.fold.spec)
        async for entry in self._entries(0, self._end, "looking_ahead"):
            fold.note(entry.offset, entry.record)
        await self._replay(fold, account_from=self._end)
        self.scorer.serve(fold)
        self._show()
        self._log.info(
            "caught_up",
            version=self.version,
            labels=self.labels_learned,
            seconds=round(self._clock.monotonic() - began, 3),
        )

    async def run(self) -> None:
        """Learns what comes, until cancelled. While the log does not answer, the model goes on serving.
        Raises ``TopicRefused`` when the log no longer reaches as far as was learned."""
        while True:
            batch = await self._patiently(
                partial(self._label_log.read, self.version, LARGEST_READ, READ_SECONDS)
            )
            if batch:
                full = len(batch) == LARGEST_READ
                self._end = await self._patiently(self._label_log.end) if full else batch[-1][0] + 1
            self._begin_slice()
            for offset, payload in batch:
                # A fold that took over may have learned the rest of the batch.
                if offset >= self.version:
                    await self._follow(_decoded(offset, payload))
            if batch:
                self._end_slice()
            await self._send_letters()
            self._show()

    async def _follow(self, entry: _Entry) -> None:
        fold = self.scorer.fold
        await self._fit_ahead(fold, entry, resting=True)
        applied = fold.apply(entry.offset, entry.record)
        if applied.outcome is Outcome.REWIND:
            self._end_slice()
            await self._rewind(fold)
            self._begin_slice()
        else:
            self._account(entry, applied)
            await self._breathe()

    async def _fit_ahead(self, fold: Fold, entry: _Entry, *, resting: bool = False) -> None:
        """Does what takes long about a record beforehand, in a thread; ``resting`` as long between two fits
        as the first one took of a core."""
        fit = fold.ahead(entry.offset, entry.record)
        if fit is None:
            return
        self._end_slice()
        if resting:
            self._show()
            await asyncio.sleep(self._rested_at - self._clock.monotonic())
        began = self._clock.monotonic()
        core_seconds = await asyncio.to_thread(_core_seconds, fit)
        ended = self._clock.monotonic()
        self._rested_at = ended + core_seconds
        self._metrics.stage["fit"].observe(ended - began)
        self._begin_slice()

    async def _rewind(self, stopped: Fold) -> None:
        """Folds anew from before the superseded label; the stopped fold serves until that is done."""
        self._end = await self._patiently(self._label_log.end)
        self._show()
        async for entry in self._entries(stopped.version, self._end, "looking_ahead"):
            stopped.note(entry.offset, entry.record)
        fold = await asyncio.to_thread(stopped.rewound)
        self._log.info("rewinding", version=stopped.version, back_to=fold.version, end=self._end)
        await self._replay(fold, account_from=stopped.version)
        self.scorer.serve(fold)
        self._log.info("rewound", version=fold.version, labels=fold.labels_learned)

    async def _replay(self, fold: Fold, account_from: int) -> None:
        """Applies what was noted, up to the end; records before ``account_from`` were accounted for."""
        async for entry in self._entries(fold.version, self._end, "learning"):
            await self._fit_ahead(fold, entry)
            applied = fold.apply(entry.offset, entry.record)
            if entry.offset >= account_from:
                self._account(entry, applied)

    async def _entries(self, start: int, end: int, doing: str) -> AsyncIterator[_Entry]:
        """The records from ``start`` up to ``end``, with a log line now and then."""
        reported = self._clock.monotonic()
        position = start
        while position < end:
            size = min(LARGEST_READ, end - position)
            batch = await self._patiently(partial(self._label_log.read, position, size, READ_SECONDS))
            self._begin_slice()
            for offset, payload in batch:
                yield _decoded(offset, payload)
                position = offset + 1
                await self._breathe()
            self._end_slice()
            if self._clock.monotonic() - reported >= PROGRESS_SECONDS:
                self._log.info(doing, offset=position, end=end)
                reported = self._clock.monotonic()

    def _account(self, entry: _Entry, applied: Applied) -> None:
        """Counts what became of a record that was not met before."""
        if applied.outcome is Outcome.LEARNED and isinstance(entry.record, Label):
            self._metrics.labels.labels(entry.record.source, entry.record.label).inc()
        elif applied.outcome is Outcome.REFUSED:
            self._metrics.model_errors.inc()
            self._log.warning("label_refused", offset=entry.offset, error=applied.detail)
        elif applied.outcome in _DEAD_REASONS:
            reason, detail = _DEAD_REASONS[applied.outcome], entry.detail or applied.detail
            source = Source(self._topic, 0, entry.offset)
            payload = entry.payload[:LARGEST_PAYLOAD]
            self._letters.append(DeadLetter(reason, detail, source, payload, self._clock.time()))

    async def _send_letters(self) -> None:
        """Sets records aside, or keeps them for the next time: learning does not wait for it."""
        if not self._letters:
            return
        try:
            await self._dead_letters.send(list(map(encode_dead_letter, self._letters)))
        except SourceUnavailable as error:
            if not self._letters_wait:
                self._log.warning("dead_letters_wait", count=len(self._letters), error=str(error))
            self._letters_wait = True
            return
        for letter in self._letters:
            self._metrics.dead_letters.labels(letter.reason).inc()
            self._log.warning(
                "dead_letter", reason=letter.reason, detail=letter.detail, source=str(letter.source)
            )
        self._letters.clear()
        self._letters_wait = False

    async def _patiently(self, call: Callable[[], Awaitable[Result]]) -> Result:
        """What the label log answers, however long that takes."""
        retry_seconds = FIRST_RETRY_SECONDS
        while True:
            try:
                result = await call()
            except LabelLogUnreachable as error:
                if self._reachable:
                    self._reachable = False
                    self._log.error("label_log_unreachable", version=self.version, error=str(error))
                await asyncio.sleep(retry_seconds)
                retry_seconds = min(2 * retry_seconds, LAST_RETRY_SECONDS)
            else:
                if not self._reachable:
                    self._reachable = True
                    self._log.info("label_log_reachable", version=self.version)
                return result

    def _show(self) -> None:
        """Brings metrics up to date and wakes who waits for a version."""
        self._metrics.model_version.set(self.version)
        self._metrics.fold_lag.set(self.lag)
        failed = self.scorer.prediction_errors - self._counted_errors
        if failed:
            self._counted_errors += failed
            self._metrics.model_errors.inc(failed)
            self._log.warning("events_not_scored", events=failed, error=self.scorer.last_error)
        self._moved.set()
        self._moved = asyncio.Event()

    def _begin_slice(self) -> None:
        self._slice_began = self._clock.monotonic()

    def _end_slice(self) -> None:
        self._metrics.stage["learn"].observe(self._clock.monotonic() - self._slice_began)

    async def _breathe(self) -> None:
        """Lets others run when the slice is used up."""
        if self._clock.monotonic() - self._slice_began >= SLICE_SECONDS:
            self._end_slice()
            await asyncio.sleep(0)
            self._begin_slice()


_DEAD_REASONS = {Outcome.UNREADABLE: "unreadable_label", Outcome.UNKNOWN_LABEL: "unknown_label"}


def _core_seconds(work: Callable[[], None]) -> float:
    """Does it, and says how much of a core it took."""
    began = time.thread_time()
    work()
    return time.thread_time() - began


def _decoded(offset: int, payload: bytes) -> _Entry:
    try:
        return _Entry(offset, payload, decode_log_record(payload), "")
    except Unreadable as error:
        return _Entry(offset, payload, None, error.detail)
