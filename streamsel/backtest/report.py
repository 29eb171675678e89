"""A backtest as one HTML page: nothing fetched, no script, light or dark as the reader has it.

Whatever comes from the file (its name, columns, values) is escaped: it may hold anything.
"""

from __future__ import annotations

from html import escape
from importlib.resources import files

from streamsel.backtest.contest import RUNGS
from streamsel.backtest.report_charts import backlog_charts, quality_charts
from streamsel.backtest.report_tables import parts_table, reviewers_table, scores_table
from streamsel.backtest.results import Results, judged, labels_saved
from streamsel.backtest.scores import WINDOW
from streamsel.backtest.verdict import MEASURES, RARE

_LABELS_LISTED = 10
_METHOD = """\
Prequential: every event is predicted before its label can be known, and all of them count, whether asked \
about or not.

Strategies are compared under the same seeds, run by run; intervals are Student's t at 95 %, the bands of \
charts go from the lowest to the highest run. {decides} decides{rare}.

With two labels, precision, recall, F1, ROC AUC and average precision are those of the second label in \
sorted order; with more, the mean over the labels, each against the rest. Windowed ROC AUC is the mean over \
windows of {window} events.

Labels saved: random sampling was also run with {rungs} times the labels and with all of them. Between two \
of these, quality is taken to change with the logarithm of the labels.

A label counts {seconds} s of reviewers' time."""
_SIMULATED = """

Reviewers are simulated in virtual time: log-normal review times, the most useful query first, exploration \
before it. All labels, and the other numbers of random labels, come without reviewers."""


def html(results: Results) -> str:
    """The page, of results with everything that a report needs."""
    own, strategy = results.own, results.strategy
    sections = [
        _heading(results),
        _verdict(results),
        _section("Scores over all events", scores_table(results)),
        _section("Quality along the way", quality_charts(results)),
        _section(f"By round: {strategy}", parts_table(results, "Round", lambda run: run.rounds)),
    ]
    if own[0].segments:
        table = parts_table(results, "Segment", lambda run: run.segments)
        sections.append(_section(f"By segment: {strategy}", table))
    if own[0].course is not None:
        sections.append(_section("Reviewers", reviewers_table(results) + backlog_charts(results)))
    sections.append(_section("How this was measured", _method(results)))
    style = files("streamsel.backtest").joinpath("report.css").read_text(encoding="utf-8")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Backtest of {escape(results.source)}</title><style>{style}</style></head>"
        f"<body><main>{''.join(sections)}</main></body></html>\n"
    )


def _section(title: str, content: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{content}</section>"


def _heading(results: Results) -> str:
    first = results.own[0]
    plan = first.plan
    counts = sorted(results.label_counts.items(), key=lambda one: -one[1])
    shares = [f"{label} {100 * count / first.events:.3g} %" for label, count in counts[:_LABELS_LISTED]]
    if len(counts) > _LABELS_LISTED:
        shares.append(f"{len(counts) - _LABELS_LISTED} more")
    facts = [
        f"{first.events:,} events",
        f"labels: {', '.join(shares)}",
        f"strategy {plan.strategy}, preset {plan.preset}",
        f"budget {100 * plan.budget:.4g} % of the events, {100 * plan.explore:.0f} % of it drawn at random",
        f"{len(results.own)} seed{'s' if len(results.own) > 1 else ''} from {plan.seed}",
    ]
    if plan.delay:
        facts.append(f"labels {plan.delay:,} events late")
    if plan.seed_labels:
        facts.append(f"{plan.seed_labels:,} seed labels")
    if (who := plan.reviewers) is not None:
        facts.append(f"{who.reviewers} reviewers, {who.review_seconds:g} s a review")
    return (
        f'<header><h1>Backtest of {escape(results.source)}</h1><p class="faint">'
        f"{escape(' · '.join(facts))}</p></header>"
    )


def _verdict(results: Results) -> str:
    verdict = judged(results)
    if verdict is None:
        return ""
    reasons = [*verdict.reasons, labels_saved(results)]
    return (
        f'<section class="verdict {verdict.pays}"><h2>{escape(verdict.headline)}.</h2><ul>'
        f"{''.join(f'<li>{escape(reason)}</li>' for reason in reasons)}</ul></section>"
    )


def _method(results: Results) -> str:
    rare = f", because the rarest label has less than {100 * RARE:.0f} % of the events"
    said = _METHOD.format(
        decides=MEASURES[results.decides].capitalize(),
        rare=rare if results.decides == "average_precision" else "",
        window=f"{WINDOW:,}",
        rungs=", ".join(f"{rung:g}" for rung in RUNGS),
        seconds=f"{results.review_seconds:g}",
    )
    if results.own[0].plan.reviewers is not None:
        said += _SIMULATED
    return "".join(f"<p>{escape(one)}</p>" for one in said.split("\n\n"))
