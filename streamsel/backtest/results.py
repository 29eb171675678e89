"""All runs of a backtest together, and their figures as printed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from statistics import fmean
from typing import Any

import numpy as np

from streamsel.backtest.contest import ALL_LABELS, RANDOM, Contest
from streamsel.backtest.courses import age_p95, backlog_p95, busy
from streamsel.backtest.intervals import Interval, interval
from streamsel.backtest.outcome import Outcome
from streamsel.backtest.stream import Stream
from streamsel.backtest.verdict import (
    MEASURES,
    Measure,
    Verdict,
    deciding_measure,
    equal_quality,
    measured,
    verdict,
)

Runs = Sequence[Outcome]
"""Of one plan, under seeds in order; those of several plans have the same seeds."""

_PRINTED = ("accuracy", "balanced_accuracy", "roc_auc", "average_precision", "f1")


@dataclass(frozen=True, slots=True)
class Results:
    """What a report tells of."""

    source: str
    """The file's name."""
    label_counts: Mapping[str, int]
    """Events of each label."""
    strategy: str
    """The one the backtest is about."""
    runs: Mapping[str, Runs]
    """By name: the strategy's, those it is compared with, ``random`` and ``all labels`` if they were run."""
    rungs: Sequence[Runs]
    """Random sampling with other numbers of labels."""
    decides: Measure
    review_seconds: float
    """What a label costs of reviewers' time."""

    @property
    def own(self) -> Runs:
        """The strategy's runs."""
        return self.runs[self.strategy]


def gathered(
    source: str, stream: Stream, contest: Contest, outcomes: Sequence[Outcome], review_seconds: float
) -> Results:
    """The outcomes of ``contest.every``, in its order, sorted by what they are of."""
    following = iter(outcomes)
    counts = np.bincount(stream.truth, minlength=len(stream.labels)).tolist()
    return Results(
        source=source,
        label_counts=dict(zip(stream.labels, counts, strict=True)),
        strategy=next(iter(contest.plans)),
        runs={name: list(islice(following, len(plans))) for name, plans in contest.plans.items()},
        rungs=[list(islice(following, len(plans))) for plans in contest.rungs],
        decides=deciding_measure(stream.truth),
        review_seconds=review_seconds,
    )


def over_seeds(runs: Runs, measure: str) -> Interval:
    """Mean and interval of a score."""
    return interval(measured(runs, measure))


def mean_labels(runs: Runs) -> float:
    """Labels learned."""
    return fmean(outcome.labels for outcome in runs)


def judged(results: Results) -> Verdict | None:
    """Whether the strategy pays; ``None`` where random sampling was not run, or is the strategy."""
    if results.strategy == RANDOM or RANDOM not in results.runs:
        return None
    return verdict(results.strategy, results.own, results.runs[RANDOM], results.decides)


def labels_saved(results: Results) -> str:
    """How many labels random sampling needs for the strategy's quality, as a sentence."""
    used, quality = mean_labels(results.own), over_seeds(results.own, results.decides).mean
    needed = equal_quality(quality, _random_rungs(results))
    same = f"the same {MEASURES[results.decides]} as {used:,.0f} labels of {results.strategy}"
    if needed.bound == "more than":
        said = f"random sampling does not reach {same} even with {needed.labels:,.0f}."
    else:
        saved = f"{100 - 100 * used / needed.labels:.0f} % of the labels" if needed.labels > used else "none"
        said = f"random sampling needs {needed.bound} {needed.labels:,.0f} labels for {same}: {saved} saved."
    sure = (found := judged(results)) is not None and found.pays == "yes"
    return f"{said[0].upper()}{said[1:]}" if sure else f"As far as these means can be trusted, {said}"


def _random_rungs(results: Results) -> list[tuple[float, float]]:
    """(labels, quality) of random sampling, from few labels to all; means over the seeds."""
    runs = [*results.rungs, *(results.runs[name] for name in (RANDOM, ALL_LABELS) if name in results.runs)]
    return sorted((mean_labels(one), over_seeds(one, results.decides).mean) for one in runs)


def as_json(results: Results) -> dict[str, Any]:
    """The strategy's figures, those of the others by name, and the verdict where there is one."""
    others = {name: _figures(runs) for name, runs in results.runs.items() if name != results.strategy}
    shown = _figures(results.own)
    if others:
        shown["compared"] = others
    if (said := judged(results)) is not None:
        shown["verdict"] = {"pays": said.pays, "headline": said.headline, "reasons": list(said.reasons)}
    return shown


def _figures(runs: Runs) -> dict[str, Any]:
    """One plan's runs as plain values: means over the seeds, with 95 % intervals when there are several; NaN,
    of what could not be measured, as null. ``seconds`` and ``final_digest`` are the first seed's."""
    first = runs[0]
    scores = {name: over_seeds(runs, name) for name in _PRINTED}
    shown: dict[str, Any] = {
        "events": first.events,
        "labels": _count([outcome.labels for outcome in runs]),
        "strategy": first.plan.strategy,
        "preset": first.plan.preset,
        "budget": first.plan.budget,
        **{name: _plain(score.mean) for name, score in scores.items()},
        **_reviewing(runs),
        "seconds": round(first.seconds, 3),
        "final_digest": first.digest,
    }
    if len(runs) > 1:
        shown["seeds"] = len(runs)
        shown["intervals"] = {name: [_plain(one.low), _plain(one.high)] for name, one in scores.items()}
    return shown


def _reviewing(runs: Runs) -> dict[str, Any]:
    courses = [outcome.course for outcome in runs if outcome.course is not None]
    if not courses:
        return {}
    return {
        "backlog_p95": _plain(interval([backlog_p95(course) for course in courses]).mean),
        "age_p95_seconds": _plain(interval([age_p95(course) for course in courses]).mean),
        "busy": _plain(interval([busy(course) for course in courses]).mean),
        "expired": _count([course.expired for course in courses]),
    }


def _plain(value: float) -> float | None:
    return round(value, 6) if math.isfinite(value) else None


def _count(counts: Sequence[int]) -> float | int:
    return counts[0] if len(counts) == 1 else fmean(counts)
