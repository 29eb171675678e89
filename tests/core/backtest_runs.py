"""Streams, and an engine that is made up: the tests around the engine choose what comes of a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from streamsel.backtest.reviewers import SimulatedDesk
from streamsel.backtest.stream import Stream
from streamsel.backtest.trace import Plan, Trace

FIGURES = [
    "events",
    "labels",
    "strategy",
    "preset",
    "budget",
    "accuracy",
    "balanced_accuracy",
    "roc_auc",
    "average_precision",
    "f1",
    "seconds",
    "final_digest",
]
"""Of one run, in the order they are shown."""
PLAN = Plan(strategy="entropy", preset="logistic", budget=0.1, explore=0.2, window=500, seed=1)


def stream(events: int = 400, labels: tuple[str, ...] = ("no", "yes"), seed: int = 0) -> Stream:
    """Labels at random, the last of them rarest; two segments."""
    rng = np.random.default_rng(seed)
    truth = np.minimum(rng.geometric(0.6, events) - 1, len(labels) - 1)
    return Stream(
        labels=labels,
        events=[{"a": float(row)} for row in range(events)],
        truth=truth,
        ids=[str(row) for row in range(events)],
        segments=[{"shop": "<b>east</b>" if row % 3 else "west"} for row in range(events)],
    )


def made_up(played: Stream, plan: Plan, progress: Callable[[int], None]) -> Trace:
    """Every ``1 / budget``-th event is asked about. Predictions grow better with the logarithm of the labels,
    and are a little better than that unless the strategy is random."""
    rng = np.random.default_rng(plan.seed)
    count = len(played)
    rows = np.arange(count)
    asked = np.floor((rows + 1) * plan.budget) > np.floor(rows * plan.budget)
    learned_at = np.where(asked, np.minimum(rows + 1 + plan.delay, count), -1)
    course = None
    if plan.reviewers is not None:
        desk = SimulatedDesk(plan.reviewers, plan.seed)
        times = rows / plan.events_per_second
        for row in np.flatnonzero(asked).tolist():
            desk.offer(float(times[row]), row, 0.5, 1)
        desk.answered(float(times[-1]))
        course = desk.course(float(times[-1]))
    known = np.array([np.count_nonzero((learned_at >= 0) & (learned_at <= row)) for row in rows])
    skill = np.minimum(0.3 + 0.08 * np.log1p(known) + 0.1 * (plan.strategy != "random"), 0.95)
    hit = rng.random(count) < skill
    chosen = np.where(hit, played.truth, rng.integers(len(played.labels), size=count))
    probabilities = np.full((count, len(played.labels)), 0.3 / len(played.labels))
    probabilities[rows, chosen] += 0.7
    probabilities[:3] = np.nan
    for so_far in range(0, count, 50):
        progress(so_far)
    progress(count)
    return Trace(
        labels=tuple(played.labels),
        truth=played.truth,
        probabilities=probabilities,
        lanes=asked.astype(np.int8),
        propensities=np.full(count, plan.budget),
        learned_at=learned_at,
        segments=played.segments,
        seconds=0.5,
        digest=f"{plan.strategy}-{plan.seed}",
        model_version=int(asked.sum()),
        course=course,
    )


def failing(played: Stream, plan: Plan, progress: Callable[[int], None]) -> Trace:
    """Fails under seed 2; goes on and on under any other."""
    if plan.seed == 2:
        raise ZeroDivisionError
    for _ in range(1_000_000):
        progress(len(played) // 2)
        progress(0)
    return made_up(played, replace(plan, seed=1), progress)
