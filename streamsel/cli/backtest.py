"""``streamsel backtest``: a labelled file played as a stream."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streamsel.cli.options import AsJson, ConfigFile, check, load_config, print_json
from streamsel.cli.progress import progress_bars
from streamsel.config.sections import Capacity, Model
from streamsel.config.select import STRATEGIES, Select

if TYPE_CHECKING:
    from streamsel.backtest.trace import Allowance, ReviewerPlan

EXAMPLE = (
    "Example: streamsel backtest history.csv --label fraud --compare random --seeds 5 --report report.html"
)


def backtest(
    file: Annotated[
        Path,
        typer.Argument(
            help=".csv or .jsonl, plain or .gz, or .parquet; oldest first.", exists=True, dir_okay=False
        ),
    ],
    label: Annotated[str, typer.Option(help="The column that holds the label.")],
    id: Annotated[  # noqa: A002 - the option's name
        str | None, typer.Option(help="The column that tells events apart; 'id' if there is one.")
    ] = None,
    exclude: Annotated[list[str] | None, typer.Option(help="A column that is no feature.")] = None,
    text: Annotated[str | None, typer.Option(help="The feature that holds free text.")] = None,
    timestamp: Annotated[str | None, typer.Option(help="The column with the time of arrival.")] = None,
    segment: Annotated[list[str] | None, typer.Option(help="A column by whose values to report.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Play only so many events.")] = None,
    strategy: Annotated[
        str | None, typer.Option(help=f"{', '.join(STRATEGIES)}, or package.module:object.")
    ] = None,
    preset: Annotated[str | None, typer.Option(help="What learns.")] = None,
    budget: Annotated[float | None, typer.Option(help="Largest share of the events asked about.")] = None,
    delay: Annotated[int, typer.Option(min=0, help="Events between asking and learning.")] = 0,
    seed_labels: Annotated[int, typer.Option(min=0, help="Learn so many labels beforehand.")] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Of the model and of all draws.")] = 1,
    seeds: Annotated[int, typer.Option(min=1, help="Run under so many seeds, for intervals.")] = 1,
    compare: Annotated[
        str, typer.Option(help="Strategies to run beside, as in random,entropy.", show_default=False)
    ] = "",
    reviewers: Annotated[
        int | None, typer.Option(min=1, help="Simulate so many reviewers, and what they can bear.")
    ] = None,
    review_seconds: Annotated[float, typer.Option(help="A review takes so long on average.")] = 25.0,
    events_per_second: Annotated[float, typer.Option(help="How events come without --timestamp.")] = 20.0,
    burst: Annotated[
        list[str] | None,
        typer.Option(metavar="START:STOP:FACTOR", help="In seconds from the first event."),
    ] = None,
    absent: Annotated[
        list[str] | None,
        typer.Option(metavar="START:STOP[:HOW MANY]", help="Reviewers are away, in seconds as well."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; one a core.", show_default=False)
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(help="Write a page of HTML; runs random and all labels as well.", dir_okay=False),
    ] = None,
    path: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Play a labelled file as a stream: score every event, ask about a few, learn their labels.

    Every event is predicted before its label can be known, and all of them count. What no option says is as
    configured: fields, model, strategy, budgets, rules, quotas, costs and the like.
    """
    settings = load_config(path)
    if strategy is not None:
        check(Select, "strategy", strategy)
    if budget is not None:
        check(Select, "budget", budget)
    if preset is not None:
        check(Model, "preset", preset)
    from streamsel import wiring
    from streamsel.adapters.label_file import NoSuchColumn
    from streamsel.backtest.stream import load_stream
    from streamsel.backtest.trace import Plan

    if report is not None and not report.absolute().parent.is_dir():
        raise typer.BadParameter(f"there is no directory {report.absolute().parent}", param_hint="--report")
    others = [name for name in map(str.strip, compare.split(",")) if name]
    for name in others:
        check(Select, "strategy", name, "--compare")
    select, model = settings.select, settings.model
    plan = Plan(
        strategy=strategy or select.strategy,
        preset=preset or model.preset,
        budget=select.budget if budget is None else budget,
        explore=select.explore,
        holdout=min(select.holdout, select.budget if budget is None else budget),
        window=select.window,
        seed=seed,
        delay=delay,
        seed_labels=seed_labels,
        allowance=_allowance(select),
        events_per_second=_above_zero("--events-per-second", events_per_second),
        reviewers=_reviewers(settings.capacity, reviewers, review_seconds, burst or [], absent or []),
        constraints=select.constraints(),
        factory=None if preset else model.factory,
        copies=0 if preset else model.copies,
        screen=model.screen,
    )
    try:
        stream = load_stream(
            file,
            label,
            id=id,
            exclude=exclude or (),
            text=text,
            timestamp=timestamp,
            segments=segment or (),
            limit=limit,
            configured=wiring.layout(settings),
        )
    except NoSuchColumn as missing:
        raise typer.BadParameter(str(missing)) from None
    # Every model comes with these: neither --help nor a mistake should wait for that.
    from streamsel.backtest import engine
    from streamsel.backtest.report import html
    from streamsel.backtest.results import as_json as as_object
    from streamsel.backtest.results_text import text as as_text
    from streamsel.backtest.whole import backtest as play
    from streamsel.selection.acquisition.custom import AcquisitionRefused

    try:
        with progress_bars() as watch:
            results = play(
                stream,
                plan,
                engine.run,
                source=file.name,
                compared=others,
                seeds=seeds,
                reported=report is not None,
                review_seconds=review_seconds,
                workers=workers or os.cpu_count() or 1,
                watch=watch,
            )
    except AcquisitionRefused as refused:
        raise typer.BadParameter(str(refused), param_hint="--strategy") from None
    if as_json:
        print_json(as_object(results))
    else:
        typer.echo(as_text(results))
    if report is not None:
        report.write_text(html(results), encoding="utf-8")


def _above_zero(option: str, value: float) -> float:
    if not (math.isfinite(value) and value > 0):
        raise typer.BadParameter(f"'{value}' is not a number above 0", param_hint=option)
    return value


def _allowance(select: Select) -> Allowance | None:
    from streamsel.backtest.trace import Allowance

    if select.labels_per_hour is None and select.money_per_day is None:
        return None
    return Allowance(select.labels_per_hour, select.money_per_day, select.costs.costs().ordinary())


def _reviewers(
    capacity: Capacity,
    reviewers: int | None,
    review_seconds: float,
    bursts: Sequence[str],
    absences: Sequence[str],
) -> ReviewerPlan | None:
    from streamsel.backtest.trace import ReviewerPlan
    from streamsel.cli import spans

    _above_zero("--review-seconds", review_seconds)
    if reviewers is None:
        if bursts or absences:
            raise typer.BadParameter("needs --reviewers", param_hint="--burst" if bursts else "--absent")
        return None
    return ReviewerPlan(
        reviewers,
        review_seconds,
        capacity.target_backlog,
        capacity.expire_seconds,
        spans.bursts(bursts),
        spans.absences(absences),
    )
