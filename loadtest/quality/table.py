"""The results as a page of Markdown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from loadtest.quality.runs import ALL, BUDGETS, DELAY, DELAYED, FOUND, RIVER, Result
from streamsel.backtest.intervals import Interval, interval

Measure = str
"""A field of ``Result``."""
MEASURES: dict[Measure, str] = {
    "accuracy": "accuracy",
    "average_precision": "average precision",
    "windowed_roc_auc": "windowed AUC",
}
PAIR = ("accuracy", "roc_auc")
INTRODUCTION = """\
# What selection is worth

Written by `python -m loadtest quality`; do not edit. Every figure is prequential over all events of a stream:
each event is predicted before its label can be known, whether or not it was asked about. Preset `portfolio`;
*selected* is strategy `hybrid`, *random* is strategy `random`, both with the same budget and the same gate.
Means over {seeds} seeds with 95 % confidence intervals (Student); differences are taken seed by seed. Real
streams are played in their published order, the first 20,000 events at most; generated ones have 10,000.
*Windowed AUC* is the mean ROC AUC over windows of 1,000 events.
"""

TRIED = Path(__file__).with_name("tried.md")
"""What was kept and what was not, by hand."""


@dataclass(frozen=True, slots=True)
class Results:
    """All runs, by what was run."""

    results: Sequence[Result]
    streams: Sequence[str]

    def values(
        self, stream: str, strategy: str, measure: Measure, budget: float = 1.0, delay: int = 0
    ) -> list[float]:
        """One a seed, by seed."""
        wanted = (stream, strategy, budget, delay)
        found = [
            one
            for one in self.results
            if (one.job.stream, one.job.strategy, one.job.budget, one.job.delay) == wanted
        ]
        return [getattr(one, measure) for one in sorted(found, key=lambda one: one.job.seed)]

    def mean(self, strategy: str, measure: Measure, budget: float = 1.0, delay: int = 0) -> float:
        """Over seeds, then over streams."""
        means = [interval(self.values(name, strategy, measure, budget, delay)).mean for name in self.streams]
        return math.fsum(means) / len(means)

    def gain(self, stream: str, measure: Measure, budget: float, delay: int = 0) -> Interval:
        """Selected less random."""
        pairs = zip(
            self.values(stream, "hybrid", measure, budget, delay),
            self.values(stream, "random", measure, budget, delay),
            strict=True,
        )
        return interval([selected - random for selected, random in pairs])

    def worst(self, measure: Measure, budget: float) -> tuple[float, str]:
        """The least gain over random, and where."""
        return min((self.gain(name, measure, budget).mean, name) for name in self.streams)


def page(results: Results) -> str:
    """The whole document."""
    seeds = len({one.job.seed for one in results.results})
    parts = [INTRODUCTION.format(seeds=seeds), _summary(results), _all_labels(results)]
    parts += [_budget(results, budget) for budget in BUDGETS]
    parts += [_delay(results), _rare(results), TRIED.read_text()]
    return "\n".join(parts)


class Figures(TypedDict):
    """What the summary says, as numbers."""

    accuracy_of_all_labels: float
    roc_auc_of_all_labels: float
    accuracy: float
    accuracy_river_all_labels: float
    worst: dict[str, dict[Measure, tuple[float, str]]]
    """By budget."""
    gain: float
    gain_delayed: float


def figures(results: Results) -> Figures:
    """Of these results."""
    accuracy, auc = (
        results.mean("hybrid", measure, 0.1) / results.mean(ALL, measure)
        for measure in ("accuracy", "roc_auc")
    )
    zero, late = (_mean_gain(results, delay) for delay in (0, DELAY))
    return {
        "accuracy_of_all_labels": accuracy,
        "roc_auc_of_all_labels": auc,
        "accuracy": results.mean("hybrid", "accuracy", 0.1),
        "accuracy_river_all_labels": results.mean(RIVER, "accuracy"),
        "worst": {
            str(budget): {measure: results.worst(measure, budget) for measure in MEASURES}
            for budget in BUDGETS
        },
        "gain": zero,
        "gain_delayed": late,
    }


def _summary(results: Results) -> str:
    known = figures(results)
    lines = ["## In short\n", "| | measured | aim |", "|---|---|---|"]
    lines.append(
        f"| mean accuracy with 10 % selected labels, of that with all labels | "
        f"{100 * known['accuracy_of_all_labels']:.1f} % | ≥ 98.5 % |"
    )
    lines.append(f"| mean ROC AUC, likewise | {100 * known['roc_auc_of_all_labels']:.1f} % | ≥ 97.5 % |")
    lines.append(
        f"| mean accuracy with 10 % selected labels, and of River's mixture with *all* labels | "
        f"{_share(known['accuracy'])}, {_share(known['accuracy_river_all_labels'])} "
        "| at or above |"
    )
    for budget in BUDGETS:
        said = "; ".join(
            f"{label} {gain:+.3f} ({name})"
            for measure, label in MEASURES.items()
            for gain, name in [results.worst(measure, budget)]
        )
        lines.append(f"| least gain over random at {budget:.0%} | {said} | ≥ −0.010 |")
    lines.append(
        f"| mean gain in accuracy over random at 10 %, and with labels {DELAY} events late | "
        f"{_gain(known['gain'])}, {_gain(known['gain_delayed'])} | at least half is kept |"
    )
    return "\n".join(lines) + "\n"


def _all_labels(results: Results) -> str:
    head = [
        "stream",
        "events",
        "River's mixture, all labels",
        "portfolio, all labels",
        "portfolio, 10 % selected",
    ]
    rows = []
    for name in results.streams:
        events = next(one.events for one in results.results if one.job.stream == name)
        said = [
            " / ".join(_mean(interval(results.values(name, strategy, measure, budget))) for measure in PAIR)
            for strategy, budget in ((RIVER, 1.0), (ALL, 1.0), ("hybrid", 0.1))
        ]
        rows.append([name, f"{events:,}", *said])
    means = [
        " / ".join(_share(results.mean(strategy, measure, budget)) for measure in PAIR)
        for strategy, budget in ((RIVER, 1.0), (ALL, 1.0), ("hybrid", 0.1))
    ]
    rows.append(["**mean**", "", *means])
    return _table("## Beside all labels (accuracy / ROC AUC)", head, rows)


def _budget(results: Results, budget: float) -> str:
    head = ["stream", *(f"{label}: random → selected" for label in MEASURES.values())]
    rows = [
        [name, *(_change(results, name, measure, budget) for measure in MEASURES)] for name in results.streams
    ]
    means = [
        " → ".join(_share(results.mean(strategy, measure, budget)) for strategy in ("random", "hybrid"))
        for measure in MEASURES
    ]
    rows.append(["**mean**", *means])
    return _table(f"## {budget:.0%} of the events asked about", head, rows)


def _delay(results: Results) -> str:
    head = ["stream", "accuracy: random → selected", "without delay"]
    rows = [
        [
            name,
            _change(results, name, "accuracy", DELAYED, DELAY),
            _difference(results.gain(name, "accuracy", DELAYED)),
        ]
        for name in results.streams
    ]
    rows.append(["**mean gain**", _gain(_mean_gain(results, DELAY)), _gain(_mean_gain(results, 0))])
    return _table(f"## Labels {DELAY} events late, {DELAYED:.0%} asked about", head, rows)


def _rare(results: Results) -> str:
    head = ["stream", *(f"{budget:.0%}: random → selected" for budget in BUDGETS)]
    rare = [name for name in results.streams if "1 %" in name or name == "Transactions"]
    rows = []
    for name in rare:
        cells = []
        for budget in BUDGETS:
            random, selected = (
                interval(results.values(name, strategy, "labels_to_find", budget)).mean
                for strategy in ("random", "hybrid")
            )
            cells.append(f"{_count(random)} → {_count(selected)}")
        rows.append([name, *cells])
    return _table(
        f"## Labels until {FOUND} of the rare label are found (mean over the seeds that found them)",
        head,
        rows,
    )


def _mean_gain(results: Results, delay: int) -> float:
    gains = [results.gain(name, "accuracy", DELAYED, delay).mean for name in results.streams]
    return math.fsum(gains) / len(gains)


def _change(results: Results, name: str, measure: Measure, budget: float, delay: int = 0) -> str:
    random, selected = (
        _share(interval(results.values(name, strategy, measure, budget, delay)).mean)
        for strategy in ("random", "hybrid")
    )
    return f"{random} → {selected} ({_difference(results.gain(name, measure, budget, delay))})"


def _difference(change: Interval) -> str:
    half = "" if math.isnan(change.low) else f" ± {change.high - change.mean:.3f}"
    return f"{change.mean:+.3f}{half}"


def _mean(values: Interval) -> str:
    half = "" if math.isnan(values.low) else f" ± {values.high - values.mean:.3f}"
    return _share(values.mean) + half


def _share(value: float) -> str:
    return f"{value:.3f}"


def _gain(value: float) -> str:
    return f"{100 * value:+.2f} points"


def _count(value: float) -> str:
    return "never" if math.isnan(value) else f"{value:.0f}"


def _table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [f"{title}\n", "| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n"
