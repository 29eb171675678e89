"""The charts of a report."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import TypeAlias

from streamsel.backtest.contest import ALL_LABELS, RANDOM
from streamsel.backtest.courses import age_curve, backlog_curve
from streamsel.backtest.intervals import interval
from streamsel.backtest.plots import Axis, Line, chart
from streamsel.backtest.results import Results, Runs, mean_labels, over_seeds
from streamsel.backtest.trace import Floats
from streamsel.backtest.verdict import MEASURES, measured

Sides: TypeAlias = list[float] | None

_RANDOM_TONE, _ALL_TONE = 1, 2


def quality_charts(results: Results) -> str:
    """Quality by events, by labels and reviewer hours, and by the number of labels in the end."""
    measure = MEASURES[results.decides]
    quality, events = Axis(measure.capitalize()), Axis("events so far")
    labels = Axis("labels learned so far")
    hours = Axis("reviewer hours", results.review_seconds / 3600)
    lines = _tones(results)
    limited = [(name, tone) for name, tone in lines if name != ALL_LABELS]
    by_events = [_curve(results, name, tone, by_labels=False) for name, tone in lines]
    by_labels = [_curve(results, name, tone, by_labels=True) for name, tone in limited]
    by_labels += _level(results, max(max(line.x) for line in by_labels))
    latest = f"{measure} over the latest tenth of the events".capitalize()
    charts = [
        chart(latest, events, quality, by_events),
        chart(f"{latest}, by labels used", labels, quality, by_labels, above=hours),
        chart(
            f"{measure} over all events, by number of labels".capitalize(),
            Axis("labels in the end", logarithmic=True),
            quality,
            _ends(results, limited),
        ),
    ]
    return f'<div class="charts">{"".join(charts)}</div>'


def backlog_charts(results: Results) -> str:
    """The reviewers' queue over time, of the first seed."""
    backlogs, ages = [], []
    for name, tone in _tones(results):
        course = results.runs[name][0].course
        if course is not None:
            backlogs.append(_over_time(name, tone, backlog_curve(course)))
            ages.append(_over_time(name, tone, age_curve(course)))
    minutes = Axis("minutes since the first event")
    charts = [
        chart("Backlog over time", minutes, Axis("queries waiting or in hand"), backlogs),
        chart("Age of answers over time", minutes, Axis("seconds from asking to answer"), ages),
    ]
    return f'<div class="charts">{"".join(charts)}</div>'


def _tones(results: Results) -> list[tuple[str, int]]:
    """Names of runs with their line styles: the strategy's own first, random and all labels always alike."""
    free = iter([0, *range(3, 3 + len(results.runs))])
    fixed = {RANDOM: _RANDOM_TONE, ALL_LABELS: _ALL_TONE}
    return [(name, fixed[name] if name in fixed else next(free)) for name in results.runs]


def _curve(results: Results, name: str, tone: int, *, by_labels: bool) -> Line:
    """A learning curve, with its range over the seeds."""
    at, scores = [], []
    for same in zip(*(outcome.curve for outcome in results.runs[name]), strict=True):
        at.append(fmean(point.labels if by_labels else point.events for point in same))
        scores.append([getattr(point.scores, results.decides) for point in same])
    return Line(name, at, *_over_seeds(scores, tone))


def _level(results: Results, until: float) -> list[Line]:
    """What all labels give, as a level to compare with."""
    if ALL_LABELS not in results.runs:
        return []
    quality = over_seeds(results.runs[ALL_LABELS], results.decides).mean
    return [Line(f"{ALL_LABELS}, over all events", [0.0, until], [quality, quality], _ALL_TONE)]


def _ends(results: Results, names: Sequence[tuple[str, int]]) -> list[Line]:
    """Where every strategy ended, beside random sampling with other numbers of labels."""
    lines = [_end(name, tone, [results.runs[name]], results) for name, tone in names if name != RANDOM]
    random = [*results.rungs, *(results.runs[name] for name in (RANDOM, ALL_LABELS) if name in results.runs)]
    return [*lines, _end(RANDOM, _RANDOM_TONE, sorted(random, key=mean_labels), results)]


def _end(name: str, tone: int, groups: Sequence[Runs], results: Results) -> Line:
    scores = [measured(runs, results.decides) for runs in groups]
    labels = [max(mean_labels(runs), 1.0) for runs in groups]  # the axis knows no 0
    return Line(name, labels, *_over_seeds(scores, tone), marked=True)


def _over_seeds(scores: Sequence[Sequence[float]], tone: int) -> tuple[list[float], int, Sides, Sides]:
    """The means, and between which values they lie where there are several seeds."""
    means = [interval(one).mean for one in scores]
    if len(scores[0]) < 2:
        return means, tone, None, None
    return means, tone, [min(one) for one in scores], [max(one) for one in scores]


def _over_time(name: str, tone: int, curve: tuple[Floats, Floats]) -> Line:
    at, values = curve
    return Line(name, at.tolist(), values.tolist(), tone, steps=True)
