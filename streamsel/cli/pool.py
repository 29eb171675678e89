"""``streamsel pool``: the events of a file that are most worth a label."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streamsel.cli.options import AsJson, ConfigFile, check, load_config, print_json
from streamsel.cli.progress import progress_bars
from streamsel.config import Config
from streamsel.config.sections import Model
from streamsel.config.select import STRATEGIES, Select

if TYPE_CHECKING:
    from streamsel.learning.spec import ModelSpec
    from streamsel.pool.picking import Pick
    from streamsel.pool.table import Pool
    from streamsel.records import Query

EXAMPLE = "Example: streamsel pool history.csv --label fraud --k 100 --output picked.csv"
OUTPUTS = (".jsonl", ".csv")


def pool(
    file: Annotated[
        Path, typer.Argument(help=".csv or .jsonl, plain or .gz, or .parquet.", exists=True, dir_okay=False)
    ],
    label: Annotated[
        str | None, typer.Option(help="The column with the labels there are; empty where there is none.")
    ] = None,
    k: Annotated[int, typer.Option("--k", "-k", min=1, help="How many events to pick.")] = 50,
    id: Annotated[  # noqa: A002 - the option's name
        str | None, typer.Option(help="The column that tells events apart; otherwise as configured.")
    ] = None,
    exclude: Annotated[list[str] | None, typer.Option(help="A column that is no feature.")] = None,
    text: Annotated[str | None, typer.Option(help="The feature that holds free text.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Look only at so many events.")] = None,
    strategy: Annotated[
        str | None, typer.Option(help=f"{', '.join(STRATEGIES)}, or package.module:object.")
    ] = None,
    preset: Annotated[str | None, typer.Option(help="What learns the labels there are.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of the model and of all draws.")] = None,
    output: Annotated[
        Path | None, typer.Option(help="Write the rows picked to a .jsonl or .csv file.", dir_okay=False)
    ] = None,
    desk: Annotated[bool, typer.Option("--desk", help="Put the events picked on the desk.")] = False,
    path: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Pick from a file the batch of events whose labels would teach the most, together.

    A model learns the labels there are; without any, the events most spread and most unlike the others are
    picked. The configuration's fields, rules, quotas and costs apply.
    """
    began = time.perf_counter()
    settings = load_config(path)
    if strategy is not None:
        check(Select, "strategy", strategy)
    if preset is not None:
        check(Model, "preset", preset)
    _check_output(output)
    # Every model comes with these: neither --help nor a mistake should wait for that.
    from streamsel.adapters.label_file import NoSuchColumn
    from streamsel.pool.picking import pick, steps
    from streamsel.selection import StrategySettings
    from streamsel.selection.acquisition import AcquisitionRefused

    try:
        loaded = _loaded(file, settings, label, id, exclude or (), text, limit)
    except NoSuchColumn as missing:
        raise typer.BadParameter(str(missing)) from None
    spec = _spec(loaded, settings, preset, seed, desk)
    select = settings.select
    strategy_settings = StrategySettings(
        strategy=strategy or select.strategy,
        window=select.window,
        seed=select.seed if seed is None else seed,
        text=loaded.layout.text,
        constraints=select.constraints(),
    )
    try:
        with progress_bars("pool") as watch:
            picks = pick(loaded, k, strategy_settings, spec, watch(steps(loaded, k)))
    except AcquisitionRefused as refused:
        raise typer.BadParameter(str(refused), param_hint="--strategy") from None
    offered = _hand_over(loaded, picks, output, settings if desk else None)
    labelled = int(loaded.labelled.sum())
    if as_json:
        told: dict[str, Any] = {
            "events": len(loaded),
            "labelled": labelled,
            "picked": len(picks),
            "strategy": strategy_settings.strategy,
            "preset": preset or settings.model.factory or settings.model.preset,
            "utility_mean": sum(one.utility for one in picks) / len(picks) if picks else None,
            "seconds": round(time.perf_counter() - began, 3),
            "ids": [loaded.ids[one.row] for one in picks],
        }
        print_json(told | ({} if offered is None else {"offered": offered}))
        return
    typer.echo(f"{len(picks)} of {len(loaded)} events picked, {labelled} are labelled already.")
    if output is None and not desk:
        for one in picks:
            named = f"  {', '.join(one.rules)}" if one.rules else ""
            typer.echo(f"{one.utility:7.3f}  {loaded.ids[one.row]}{named}")
    if offered is not None:
        typer.echo(f"{offered} of them are new on the desk.")


def _check_output(output: Path | None) -> None:
    if output is None:
        return
    if output.suffix not in OUTPUTS:
        raise typer.BadParameter(f"'{output}' must end in one of {', '.join(OUTPUTS)}", param_hint="--output")
    if not output.absolute().parent.is_dir():
        raise typer.BadParameter(f"there is no directory {output.absolute().parent}", param_hint="--output")


def _loaded(
    file: Path,
    settings: Config,
    label: str | None,
    id: str | None,  # noqa: A002
    exclude: Sequence[str],
    text: str | None,
    limit: int | None,
) -> Pool:
    from streamsel import wiring
    from streamsel.pool.table import load_pool

    layout = wiring.layout(settings)
    layout = replace(
        layout,
        id=id or layout.id,
        exclude=(*layout.exclude, *exclude),
        text=text or layout.text,
        # Neither learned from nor shown to a reviewer.
        redact=layout.redact if label is None else (*layout.redact, label),
    )
    return load_pool(file, layout, label, named=(id, text, *exclude), limit=limit)


def _spec(
    loaded: Pool, settings: Config, preset: str | None, seed: int | None, desk: bool
) -> ModelSpec | None:
    """The model for the labels of the file; of those of the configuration if reviewers are to answer."""
    from streamsel import wiring

    found = sorted({answer for answer in loaded.answers if answer is not None})
    labels = settings.labels.names if desk and found else found
    if len(labels) < 2:
        return None
    configured = wiring.model_spec(settings)
    spec = replace(
        configured,
        labels=tuple(labels),
        text=loaded.layout.text,
        seed=configured.seed if seed is None else seed,
    )
    return spec if preset is None else replace(spec, preset=preset, factory=None, copies=0)


def _hand_over(loaded: Pool, picks: Sequence[Pick], output: Path | None, desk: Config | None) -> int | None:
    """Writes the picks, and puts them on the desk; returns how many are new there."""
    from streamsel.adapters.clock import SystemClock
    from streamsel.pool.desk import queries
    from streamsel.pool.output import originals, write

    if output is None and desk is None:
        return None
    objects = originals(loaded, picks)
    if output is not None:
        write(output, loaded, picks, objects)
    if desk is None:
        return None
    return asyncio.run(_offer(desk, queries(loaded, picks, objects, SystemClock().time())))


async def _offer(settings: Config, asked: Sequence[Query]) -> int:
    from streamsel import wiring
    from streamsel.pool.desk import offer

    async with wiring.opened_review_queue(settings) as queue:
        return await offer(queue, asked)
