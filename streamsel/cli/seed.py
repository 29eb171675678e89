"""``streamsel seed``: a labelled file into the label log."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streamsel.cli.options import AsJson, ConfigFile, load_config, print_json

if TYPE_CHECKING:
    from streamsel.ports import LabelLog
    from streamsel.records import Label

EXAMPLE = "Example: streamsel seed history.csv --label fraud --map 0=legit --map 1=fraud"


def seed(
    file: Annotated[
        Path, typer.Argument(help=".csv or .jsonl, plain or .gz, oldest first.", exists=True, dir_okay=False)
    ],
    label: Annotated[str, typer.Option(help="The column that holds the label.")],
    mapping: Annotated[
        list[str] | None, typer.Option("--map", help="VALUE=LABEL for values that are not label names.")
    ] = None,
    path: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Put a labelled file into the label log. A file with a mistake changes nothing; a file seeded twice
    changes the model once."""
    from streamsel import wiring  # brings every server's client: --help should not wait
    from streamsel.adapters.clock import SystemClock
    from streamsel.adapters.label_file import rows
    from streamsel.services.seeding import seed_labels

    settings = load_config(path)
    renamed = dict(_pair(one, settings.labels.names) for one in mapping or [])
    labels = seed_labels(
        rows(file),
        layout=wiring.layout(settings),
        column=label,
        names=settings.labels.names,
        renamed=renamed,
        seeded_by=f"seed:{file.name}",
        clock=SystemClock(),
    )
    end = asyncio.run(_append(wiring.opened_label_log(settings), labels))
    if as_json:
        print_json({"labels": len(labels), "model_version": end})
    else:
        typer.echo(f"{len(labels)} labels from {file} are in the label log; it ends at {end}.")


def _pair(text: str, names: Sequence[str]) -> tuple[str, str]:
    value, equals, name = text.partition("=")
    if not equals:
        raise typer.BadParameter(f"'{text}' is not VALUE=LABEL", param_hint="--map")
    if name not in names:
        raise typer.BadParameter(
            f"'{name}' in '{text}' is none of the labels {', '.join(names)}", param_hint="--map"
        )
    return value, name


async def _append(opened: AbstractAsyncContextManager[LabelLog], labels: Sequence[Label]) -> int:
    from rich.console import Console
    from rich.progress import Progress

    from streamsel.services.seeding import append_labels

    console = Console(file=sys.stderr)
    async with opened as log:
        with Progress(console=console, disable=not console.is_terminal) as progress:
            bar = progress.add_task("labels", total=len(labels))
            return await append_labels(log, labels, lambda done: progress.update(bar, completed=done))
