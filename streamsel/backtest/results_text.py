"""The results of a backtest in a few lines for people."""

from __future__ import annotations

import math

from streamsel.backtest.results import Results, Runs, judged, labels_saved, mean_labels, over_seeds

_COLUMNS = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced",
    "roc_auc": "ROC AUC",
    "average_precision": "avg. prec.",
    "f1": "F1",
}
_NAME, _CELL = 18, 16


def text(results: Results) -> str:
    """A line for each strategy, ``±`` half of the 95 % interval over the seeds, and the verdict."""
    lines = [f"{'':<{_NAME}}{'labels':>10}" + "".join(f"{title:>{_CELL}}" for title in _COLUMNS.values())]
    lines += [_line(name, runs) for name, runs in results.runs.items()]
    verdict = judged(results)
    if verdict is not None:
        lines += ["", f"{verdict.headline}.", *(f"  {reason}" for reason in verdict.reasons)]
        if results.rungs:
            lines.append(f"  {labels_saved(results)}")
    return "\n".join(lines)


def _line(name: str, runs: Runs) -> str:
    cells = "".join(f"{_cell(runs, measure):>{_CELL}}" for measure in _COLUMNS)
    return f"{name:<{_NAME}}{mean_labels(runs):>10,.0f}{cells}"


def _cell(runs: Runs, measure: str) -> str:
    score = over_seeds(runs, measure)
    if math.isnan(score.mean):
        return "–"
    return f"{score.mean:.4f}" + ("" if math.isnan(score.high) else f" ±{score.high - score.mean:.4f}")
