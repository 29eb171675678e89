"""A backtest from stream to results."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from streamsel.backtest.contest import contest, expected_share
from streamsel.backtest.playing import Progress, Run, play
from streamsel.backtest.results import Results, gathered
from streamsel.backtest.stream import Stream
from streamsel.backtest.trace import Plan


def backtest(
    stream: Stream,
    plan: Plan,
    run: Run,
    *,
    source: str,
    compared: Sequence[str] = (),
    seeds: int = 1,
    reported: bool = False,
    review_seconds: float,
    workers: int = 1,
    watch: Callable[[int], Progress],
) -> Results:
    """Plays the stream by the plan and by the strategies it is compared with, and, to be ``reported``, by
    what a report needs besides.

    ``source`` names the stream; ``watch`` is told how many events there are over all runs. Raises what a run
    raises.
    """
    share = None
    if reported:
        share = expected_share(plan, stream)
    runs = contest(plan, compared, seeds, share)
    outcomes = play(stream, runs.every, run, workers, watch(len(runs.every) * len(stream)))
    return gathered(source, stream, runs, outcomes, review_seconds)
