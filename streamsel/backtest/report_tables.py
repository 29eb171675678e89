"""The tables of a report."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from html import escape
from statistics import fmean

from streamsel.backtest.contest import RANDOM
from streamsel.backtest.courses import age_p95, backlog_p95, busy
from streamsel.backtest.intervals import Interval, interval
from streamsel.backtest.outcome import Outcome, Part
from streamsel.backtest.results import Results, mean_labels, over_seeds
from streamsel.backtest.verdict import MEASURES, difference

_SCORES = {
    "accuracy": "Accuracy",
    "precision": "Precision",
    "recall": "Recall",
    "f1": "F1",
    "roc_auc": "ROC AUC",
    "average_precision": "Average precision",
}
_MORE_SCORES = {
    "balanced_accuracy": "Balanced accuracy",
    "windowed_roc_auc": "Windowed ROC AUC",
    "log_loss": "Log loss",
}


def scores_table(results: Results) -> str:
    """A row for each strategy, with what it gains over random sampling."""
    scores = _SCORES | _MORE_SCORES
    gain = f"{MEASURES[results.decides]} over random, points"
    head = ["Strategy", "Labels", "Reviewer hours", gain.capitalize(), *scores.values()]
    rows = []
    for name, runs in results.runs.items():
        labels = mean_labels(runs)
        against = results.runs.get(RANDOM)
        gained = (
            "" if name == RANDOM or against is None else _points(difference(runs, against, results.decides))
        )
        rows.append(
            [
                escape(name),
                f"{labels:,.0f}",
                f"{labels * results.review_seconds / 3600:,.1f}",
                gained,
                *(_share(over_seeds(runs, score)) for score in scores),
            ]
        )
    return table("Scores by strategy", head, rows)


def parts_table(results: Results, kind: str, parts_of: Callable[[Outcome], Sequence[Part]]) -> str:
    """A row for each part of the stream, with what random sampling came to there."""
    own, random = (
        [list(same) for same in zip(*map(parts_of, runs), strict=True)]
        for runs in (results.own, results.runs[RANDOM])
    )
    head = [kind, "Events", "Labels", *_SCORES.values(), f"{MEASURES[results.decides]}, random".capitalize()]
    rows = []
    for same, others in zip(own, random, strict=True):
        count, labels = f"{same[0].events:,}", f"{fmean(part.labels for part in same):,.0f}"
        scores = [_mean(same, score) for score in _SCORES]
        rows.append([escape(same[0].name), count, labels, *scores, _mean(others, results.decides)])
    return table(f"Scores by {kind.lower()}", head, rows)


def _mean(parts: Sequence[Part], score: str) -> str:
    return _number(interval([getattr(part.scores, score) for part in parts]).mean)


def reviewers_table(results: Results) -> str:
    """How reviewers fared under each strategy that had some."""
    head = ["Strategy", "Answered", "Expired", "Busy", "Backlog p95", "Target", "Age p95, s"]
    rows = []
    for name, runs in results.runs.items():
        courses = [outcome.course for outcome in runs if outcome.course is not None]
        reviewers = runs[0].plan.reviewers
        if not courses or reviewers is None:
            continue
        rows.append(
            [
                escape(name),
                f"{fmean(len(course.ages) for course in courses):,.0f}",
                f"{fmean(course.expired for course in courses):,.0f}",
                f"{100 * interval([busy(course) for course in courses]).mean:.1f} %",
                f"{interval([backlog_p95(course) for course in courses]).mean:,.0f}",
                str(reviewers.target_backlog),
                f"{interval([age_p95(course) for course in courses]).mean:,.0f}",
            ]
        )
    return table("Reviewers by strategy", head, rows)


def table(name: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Cells are HTML, the head and the name are text. It scrolls by itself where it is too wide."""
    titles = "".join(f'<th scope="col">{escape(title)}</th>' for title in head)
    body = "".join(
        f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in rest)}</tr>'
        for first, *rest in rows
    )
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(name)}"><table>'
        f"<thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _share(score: Interval) -> str:
    return _number(score.mean) + ("" if math.isnan(score.high) else _within(f"{score.high - score.mean:.4f}"))


def _points(change: Interval) -> str:
    if math.isnan(change.mean):
        return "–"
    within = "" if math.isnan(change.high) else _within(f"{100 * (change.high - change.mean):.2f}")
    return f"{100 * change.mean:+.2f}{within}"


def _within(half: str) -> str:
    return f'<span class="interval">±{half}</span>'


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.4f}"
