"""Follows the label log and keeps the serving model at its end.

Labels are learned in slices, so that events are decided meanwhile. What takes longer, such as fitting a model
anew, is done in a thread, and takes no more than half of a core however fast labels come. When a label that
was learned is corrected or retracted, or a directive asks for another model, the old one goes on serving
while the other is folded up to the end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

import structlog

from streamsel.learning.applied import Applied, Outcome
from streamsel.learning.course import InForce
from streamsel.learning.fold import Fold
from streamsel.learning.serving import ServingModel
from streamsel.learning.spec import ModelSpec
from streamsel.metrics import Metrics
from streamsel.ports import Clock, DeadLetterSink, LabelLog
from streamsel.records import Directive, Label
from streamsel.services.directing import Directing
from streamsel.services.folding import LARGEST_READ, READ_SECONDS, Folding, LogEntry, decoded
from streamsel.services.set_aside import SetAside
from streamsel.services.snapshots import Snapshots

DIGEST_SPACING = 100
"""All replicas take digests at the offsets that this divides, so that they can be compared."""
DIGESTS_KEPT = 16


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
        snapshots: Snapshots | None = None,
    ) -> None:
        """``topic`` names the log in dead letters; ``screen`` is as in ``ServingModel``; without
        ``snapshots`` the log is folded from its start. Raises ``FactoryRefused`` for a bad model factory."""
        self.scorer = ServingModel(Fold(spec), screen)
        """The serving model; stays the same object when another fold takes over."""
        self._label_log = log
        self._metrics = metrics
        self._clock = clock
        self.snapshots = snapshots
        self._folding = Folding(log, metrics, clock, snapshots)
        self._configured = spec
        self._directing = Directing(log, spec)
        self._set_aside = SetAside(dead_letters, topic, metrics, clock)
        self._log = structlog.get_logger()
        self._learning = asyncio.Lock()
        """Held while the serving fold learns, and while another takes over."""
        self._end = 0
        self._counted_errors = 0
        self._moved = asyncio.Event()
        self._digests: dict[int, str] = {}
        self.warm: Callable[[InForce], Awaitable[Fold | None]] | None = None
        """Where a fold may be had that has learned already, so that a promoted challenger serves at once."""
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
    def in_force(self) -> InForce:
        """What the directives up to the serving model's version have put in force."""
        return self._directing.course.now

    @property
    def lag(self) -> int:
        """Records known to be in the log and not in the serving model."""
        return max(self._end - self.version, 0)

    def digest(self) -> str:
        """See ``Fold.digest``: equal in every process at the same version."""
        return self.scorer.digest()

    @property
    def digests(self) -> Mapping[int, str]:
        """By version, the last digests that other replicas have as well, and the present one."""
        return {**self._digests, self.version: self.digest()}

    async def reached(self, version: int) -> None:
        """Returns once the serving model stands at ``version`` or further on."""
        while self.version < version:
            await self._moved.wait()

    async def catch_up(self) -> None:
        """Folds the log up to its end as of now, from the newest good snapshot on. Waits for a log that does
        not answer."""
        began = self._clock.monotonic()
        self._end = await self._folding.patiently(self._label_log.end)
        self._show()
        fold = await self._folding.patiently(self._started)
        self.scorer.serve(await self._folding.advanced(fold, self._end))
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
        folding = self._folding
        while True:
            batch = await folding.patiently(
                partial(self._label_log.read, self.version, LARGEST_READ, READ_SECONDS)
            )
            if batch:
                full = len(batch) == LARGEST_READ
                self._end = await folding.patiently(self._label_log.end) if full else batch[-1][0] + 1
            async with self._learning:
                folding.begin_slice()
                for offset, payload in batch:
                    # A fold that took over may have learned the rest of the batch.
                    if offset >= self.version:
                        await self._follow(decoded(offset, payload))
                if batch:
                    folding.end_slice()
                if self.snapshots is not None:
                    given = [(one.offset, one.content) for one in self._directing.given]
                    await self.snapshots.take_if_due(self.scorer.fold, given)
            await self._set_aside.send()
            self._show()

    async def close(self) -> None:
        """Gives up what goes on beside ``run``."""
        if self.snapshots is not None:
            await self.snapshots.close()

    async def refold(self) -> bool:
        """Folds the log anew from its start, trusting no snapshot, and serves what comes of that; the present
        model serves and learns meanwhile. Returns whether it was another one."""
        folding = Folding(self._label_log, self._metrics, self._clock)
        in_force = self.in_force
        fold = await asyncio.to_thread(Fold, in_force.spec, in_force.gaps)
        while self.version - fold.version > LARGEST_READ:
            fold = await folding.advanced(fold, self.version)
        async with self._learning:
            if not self.in_force.makes(fold):
                # A directive came meanwhile, and with it another fold than the one in doubt.
                return False
            fold.gaps = self.in_force.gaps
            fold = await folding.advanced(fold, self.version)
            differs = fold.digest() != self.digest()
            self._digests.clear()
            self.scorer.serve(fold)
        self._log.info("refolded", version=self.version, differs=differs)
        if differs and self.snapshots is not None:
            # Nobody knows since when it was wrong.
            await self.snapshots.discard()
        return differs

    async def _started(self) -> Fold:
        """From the newest good snapshot, which also tells the directives before it; or one that has learned
        nothing."""
        fold = None
        if self.snapshots is not None:
            fold = await self.snapshots.newest(self._in_force_after, self._end)
        if fold is None:
            in_force = await self._in_force_after(0, ())
            fold = await asyncio.to_thread(Fold, in_force.spec, in_force.gaps)
        return fold

    async def _in_force_after(self, offset: int, directives: Sequence[tuple[int, str]]) -> InForce:
        self._directing = Directing(self._label_log, self._configured)
        self._directing.resume(offset, directives)
        await self._directing.read(self._end)
        return self.in_force

    async def _follow(self, entry: LogEntry) -> None:
        fold = self.scorer.fold
        if isinstance(entry.record, Directive):
            self._directing.meet(entry.offset, entry.payload)
            if not self.in_force.makes(fold):
                await self._renew(fold)
                return
            fold.gaps = self.in_force.gaps
        core_seconds = await self._folding.fit_ahead(fold, entry, self._rest)
        if core_seconds:
            self._rested_at = self._clock.monotonic() + core_seconds
        applied = fold.apply(entry.offset, entry.record)
        if applied.outcome is Outcome.REWIND:
            await self._renew(fold)
            return
        self._account(entry, applied)
        if fold.version % DIGEST_SPACING == 0:
            self._digests[fold.version] = self.digest()
            if len(self._digests) > DIGESTS_KEPT:
                del self._digests[min(self._digests)]
        await self._folding.breathe()

    async def _rest(self) -> None:
        """As long after a fit as it took of a core."""
        self._show()
        await asyncio.sleep(self._rested_at - self._clock.monotonic())

    async def _renew(self, stopped: Fold) -> None:
        """Another fold, up to the log's end, where a label was superseded or a directive says so; the stopped
        one serves until that is done."""
        self._folding.end_slice()
        self._end = await self._folding.patiently(self._label_log.end)
        self._show()
        await self._folding.patiently(partial(self._directing.read, self._end))

        def account(entry: LogEntry, applied: Applied) -> None:
            if entry.offset >= stopped.version:
                self._account(entry, applied)

        fold = stopped
        # What it was told ahead of, it can't be told is left out.
        if not self.in_force.makes(stopped) or self.in_force.gaps != tuple(stopped.gaps):
            warm = None if self.warm is None else await self.warm(self.in_force)
            fold = warm or await self._folding.started(self.in_force, self._end)
        fold = await self._folding.advanced(fold, self._end, account)
        self.scorer.serve(fold)
        model = fold.spec.factory or fold.spec.preset
        self._log.info("renewed", model=model, version=fold.version, labels=fold.labels_learned)
        self._folding.begin_slice()

    def _account(self, entry: LogEntry, applied: Applied) -> None:
        """Counts what became of a record that was not met before."""
        if applied.outcome is Outcome.LEARNED and isinstance(entry.record, Label):
            self._metrics.labels.labels(entry.record.source, entry.record.label).inc()
        elif applied.outcome is Outcome.REFUSED:
            self._metrics.model_errors.inc()
            self._log.warning("label_refused", offset=entry.offset, error=applied.detail)
        else:
            self._set_aside.add(entry, applied)

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
