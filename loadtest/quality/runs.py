"""What is run on every stream, and what is kept of a run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from loadtest.quality.river_mixture import river_mixture
from loadtest.quality.streams import streams
from streamsel.backtest.engine import run
from streamsel.backtest.scores import score
from streamsel.backtest.trace import Integers, Plan
from streamsel.config.select import Select

BUDGETS = (0.05, 0.1, 0.2)
DELAYED, DELAY = 0.1, 500
"""The budget that is also run with labels that come so many events later."""
ALL, RIVER = "all", "river"
"""All labels, learned by the portfolio, and by a mixture of River's models."""
FOUND = 5
"""Of the rarest label, whose labels are counted until so many are found."""


@dataclass(frozen=True, slots=True)
class Job:
    """One run."""

    stream: str
    seed: int
    strategy: str
    budget: float = 1.0
    delay: int = 0


@dataclass(frozen=True, slots=True)
class Result:
    """What is kept of it."""

    job: Job
    events: int
    labels: int
    accuracy: float
    roc_auc: float
    windowed_roc_auc: float
    average_precision: float
    labels_to_find: float
    """Labels until ``FOUND`` of the rarest label were among them; NaN if they never were."""


def jobs(names: list[str], seeds: list[int]) -> list[Job]:
    """Every run there is to do, seed by seed, the long ones of each first."""
    found = []
    for seed in seeds:
        for name in names:
            found += [Job(name, seed, ALL), Job(name, seed, RIVER)]
        for name in names:
            for strategy in ("random", "hybrid"):
                found += [Job(name, seed, strategy, budget) for budget in BUDGETS]
                found.append(Job(name, seed, strategy, DELAYED, DELAY))
    return found


def results(
    wanted: list[Job], data: Path | None, kept: Path, workers: int, progress: Callable[[int], None]
) -> list[Result]:
    """Those in the file ``kept``, one JSON object a line, and the others, which are added to it as they end:
    what was interrupted goes on where it stopped."""
    known = {result.job: result for result in _read(kept)}
    missing = [job for job in wanted if job not in known]
    progress(len(wanted) - len(missing))
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool, kept.open("a") as lines:
        for future in as_completed([pool.submit(play, job, data) for job in missing]):
            result = future.result()
            known[result.job] = result
            lines.write(json.dumps(asdict(result)) + "\n")
            lines.flush()
            progress(1)
    return [known[job] for job in wanted]


def play(job: Job, data: Path | None) -> Result:
    """One run, in a process of its own."""
    stream = streams(data)[job.stream](job.seed)
    if job.strategy == RIVER:
        probabilities = river_mixture(stream, job.seed)
        asked = np.arange(len(stream))
    else:
        section = Select()
        plan = Plan(
            strategy="random" if job.strategy == ALL else job.strategy,
            preset="portfolio",
            budget=job.budget,
            explore=section.explore,
            window=section.window,
            seed=job.seed,
            delay=job.delay,
            constraints=section.constraints(),
        )
        trace = run(stream, plan, lambda _: None)
        probabilities = trace.probabilities
        learned = np.flatnonzero(trace.learned_at >= 0)
        asked = learned[np.argsort(trace.learned_at[learned], kind="stable")]
    scores = score(stream.truth, probabilities)
    return Result(
        job,
        len(stream),
        len(asked),
        scores.accuracy,
        scores.roc_auc,
        scores.windowed_roc_auc,
        scores.average_precision,
        _labels_to_find(stream.truth, asked),
    )


def _labels_to_find(truth: Integers, asked: Integers) -> float:
    found = np.cumsum(truth[asked] == np.bincount(truth).argmin())
    return float(found.searchsorted(FOUND)) + 1.0 if len(found) and found[-1] >= FOUND else float("nan")


def _read(kept: Path) -> Iterator[Result]:
    if kept.exists():
        for line in kept.read_text().splitlines():
            fields = json.loads(line)
            yield Result(Job(**fields.pop("job")), **fields)
