"""``streamsel labels import``: an exported file back into a label log."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streamsel.cli.options import AsJson, ConfigFile, load_config, print_json
from streamsel.cli.progress import progress_bars

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamsel.config import Config
    from streamsel.records import Label
    from streamsel.services.importing import Imported

EXAMPLE = "Example: streamsel labels import labels.parquet"


def import_(
    file: Annotated[
        Path,
        typer.Argument(help="Made by 'labels export', or with its columns.", exists=True, dir_okay=False),
    ],
    unsigned: Annotated[
        bool,
        typer.Option("--unsigned", help="Take a file without a manifest though labels.manifest_key is set."),
    ] = False,
    path: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Put the labels of a file into the label log, under the ids and revisions they have there; what the log
    has already is passed over, so twice is once.

    A file that is not as its manifest says changes nothing, nor does one with a mistake. With
    labels.manifest_key the manifest must be there and be signed by it."""
    settings = load_config(path)
    labels = _checked(settings, file, unsigned)
    count = sum(1 for _ in labels())  # reads it all: a mistake in the last row changes nothing, too
    imported = asyncio.run(_append(settings, labels, count))
    if as_json:
        print_json({"labels": count, **asdict(imported)})
        return
    typer.echo(
        f"{imported.added} labels of {file} are in the label log now, {imported.known} were there before; "
        f"it ends at {imported.end}."
    )


def _checked(settings: Config, file: Path, unsigned: bool) -> Callable[[], Iterator[Label]]:
    """What reads the file's labels, after a look at its manifest."""
    from streamsel.adapters.dataset_file import dataset_rows
    from streamsel.adapters.dataset_manifest import manifest_path, verified_columns
    from streamsel.adapters.label_file import BadFile
    from streamsel.services.importing import dataset_labels

    key = settings.labels.signing_key
    columns = verified_columns(file, key)
    if columns is None and key is not None and not unsigned:
        raise BadFile(f"{manifest_path(file)} is not there; --unsigned takes the file without it")
    return lambda: dataset_labels(dataset_rows(file, columns), settings.labels.names, settings.stream.redact)


async def _append(settings: Config, labels: Callable[[], Iterator[Label]], count: int) -> Imported:
    from streamsel import wiring  # brings every server's client: --help should not wait
    from streamsel.services.importing import import_labels

    async with wiring.opened_label_log(settings) as log:
        with progress_bars("labels") as watch:
            return await import_labels(log, labels(), watch(count))
