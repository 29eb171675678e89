"""``streamsel labels``: what the label log tells."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import typer

from streamsel.cli import labels_diff, labels_erase, labels_export, labels_import, labels_verify
from streamsel.cli.options import AsJson, ConfigFile, load_config, print_json
from streamsel.cli.progress import progress_bars

if TYPE_CHECKING:
    from streamsel.config import Config
    from streamsel.review.quality import ReviewerQuality
    from streamsel.services.quality_report import QualityReport

_COLUMNS = ("answers", "seconds", "agreement", "gold", "accuracy", "Dawid–Skene")
_NAME, _CELL = 20, 18

app = typer.Typer(
    help="Look into the label log, and take labels out of it and into it.",
    epilog="Example: streamsel labels quality",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback()
def options() -> None:
    """Options of all commands."""


app.command("export", epilog=labels_export.EXAMPLE)(labels_export.export)
app.command("import", epilog=labels_import.EXAMPLE)(labels_import.import_)
app.command("diff", epilog=labels_diff.EXAMPLE)(labels_diff.diff)
app.command("erase", epilog=labels_erase.EXAMPLE)(labels_erase.erase)
app.command("verify", epilog=labels_verify.EXAMPLE)(labels_verify.verify)


@app.command(epilog="Example: streamsel labels quality --json")
def quality(path: ConfigFile = None, as_json: AsJson = False) -> None:
    """How well each reviewer does: answers given, median seconds, agreement with others on the same queries,
    accuracy on gold questions with a 95 % interval, the accuracy both suggest, and the method of Dawid and
    Skene's estimate of it."""
    report = asyncio.run(_report(load_config(path)))
    if as_json:
        print_json(report.as_json())
    else:
        typer.echo(_text(report))


async def _report(settings: Config) -> QualityReport:
    from streamsel import wiring  # brings every server's client: --help should not wait
    from streamsel.services.quality_report import quality_report

    async with wiring.opened_label_log(settings) as log:
        with progress_bars("records") as watch:
            return await quality_report(log, len(settings.labels.names), watch)


def _text(report: QualityReport) -> str:
    if not report.reviewers:
        return "No reviewer has answered yet."
    lines = [f"{'':<{_NAME}}" + "".join(f"{title:>{_CELL}}" for title in _COLUMNS)]
    for one in report.reviewers:
        estimate = report.dawid_skene and report.dawid_skene.reviewers.get(one.name)
        cells = [*_cells(one), f"{estimate.accuracy:.3f}" if estimate else "–"]
        lines.append(f"{one.name:<{_NAME}}" + "".join(f"{cell:>{_CELL}}" for cell in cells))
    alpha = "" if report.alpha is None else f"; Krippendorff's α is {report.alpha:.3f}"
    lines.append(
        f"{report.overlapping} queries were answered by several{alpha}; {report.disputed} wait to be decided."
    )
    return "\n".join([*lines, report.note] if report.note else lines)


def _cells(one: ReviewerQuality) -> list[str]:
    gold = one.gold_interval
    return [
        str(one.answered),
        "–" if one.median_seconds is None else f"{one.median_seconds:.1f}",
        "–" if one.agreement is None else f"{one.agreement:.3f}",
        "–" if one.gold_accuracy is None else f"{one.gold_accuracy:.2f} ({gold.low:.2f}–{gold.high:.2f})",
        f"{one.accuracy:.3f}",
    ]
