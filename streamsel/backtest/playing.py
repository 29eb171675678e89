"""Many runs over one loaded stream, in as many processes as there are workers."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Event
from typing import TypeAlias

from streamsel.backtest.outcome import Outcome, summary
from streamsel.backtest.stream import Stream
from streamsel.backtest.trace import Plan, Trace

Run: TypeAlias = Callable[[Stream, Plan, Callable[[int], None]], Trace]
"""Plays a stream by a plan; the callable is told how many events have been decided so far."""
Progress: TypeAlias = Callable[[int], None]
"""Told how many more events have been decided, over all runs."""

_LOOK_SECONDS = 0.2
_STEPS = 200
"""Reports of progress a run, at most."""


def play(stream: Stream, plans: Sequence[Plan], run: Run, workers: int, progress: Progress) -> list[Outcome]:
    """The outcomes of the plans, in their order. Raises what a run raises; the others are given up then.

    ``run`` must be importable by name: other processes are started afresh, so that no thread or lock of this
    one is copied into them.
    """
    if min(workers, len(plans)) < 2:
        return [_played(stream, plan, run, progress) for plan in plans]
    context = get_context("spawn")
    steps: SimpleQueue[int] = context.SimpleQueue()
    stop = context.Event()
    shared = _Shared(stream, run, steps, stop)
    with ProcessPoolExecutor(min(workers, len(plans)), context, _enter, (shared,)) as pool:
        try:
            with _interrupts_held():
                futures = [pool.submit(_play_here, plan) for plan in plans]
            waiting = set(futures)
            while waiting:
                done, waiting = wait(waiting, _LOOK_SECONDS, return_when=FIRST_EXCEPTION)
                while not steps.empty():
                    progress(steps.get())
                for one in done:
                    one.result()
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise
    return [one.result() for one in futures]


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Ctrl-C comes after this; processes started here, which inherit the mask, never see it: it is for the
    one that started them to say when to stop."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _GivenUp(Exception):
    """Another run failed, or the command was told to stop."""


@dataclass(frozen=True, slots=True)
class _Shared:
    """What a worker process has of the one that started it."""

    stream: Stream
    run: Run
    steps: SimpleQueue[int]
    """Events decided since the last report."""
    stop: Event

    def progress(self, more: int) -> None:
        if self.stop.is_set():
            raise _GivenUp
        self.steps.put(more)


_shared: list[_Shared] = []
"""Of this process, where it is a worker."""


def _enter(shared: _Shared) -> None:
    _shared.append(shared)


def _play_here(plan: Plan) -> Outcome:
    (shared,) = _shared
    return _played(shared.stream, plan, shared.run, shared.progress)


def _played(stream: Stream, plan: Plan, run: Run, progress: Progress) -> Outcome:
    step = max(len(stream) // _STEPS, 1)
    told = 0

    def decided(so_far: int) -> None:
        nonlocal told
        if so_far - told >= step or so_far == len(stream) > told:
            progress(so_far - told)
            told = so_far

    return summary(plan, run(stream, plan, decided))
