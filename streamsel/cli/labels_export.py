"""``streamsel labels export``: the labels that stand, as a file."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streamsel.cli.options import AsJson, ConfigFile, load_config, print_json
from streamsel.cli.progress import progress_bars

if TYPE_CHECKING:
    from streamsel.adapters.dataset_manifest import Manifest
    from streamsel.config import Config

EXAMPLE = "Example: streamsel labels export labels.parquet --at 12000"


def export(
    file: Annotated[Path, typer.Argument(help=".parquet, .jsonl or .csv.", dir_okay=False)],
    at: Annotated[
        int | None, typer.Option(min=0, help="Offset of the label log; its end, if left out.")
    ] = None,
    reviewers: Annotated[bool, typer.Option("--reviewers", help="With the reviewers' names.")] = False,
    path: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Write the labels that stand before an offset of the label log: of each the newest revision, without
    what was taken back, with its features, lane, propensity and weight (1 / propensity), in the log's order.

    The same offset gives the same bytes, whatever has come since. FILE.manifest.json tells what is in the
    file and its SHA-256, signed by labels.manifest_key if there is one."""
    from streamsel.adapters.dataset_file import SUFFIXES

    settings = load_config(path)
    if file.suffix not in SUFFIXES:
        raise typer.BadParameter(f"'{file}' must end in one of {', '.join(SUFFIXES)}", param_hint="FILE")
    manifest, left_out = asyncio.run(_export(settings, file, at, reviewers))
    if as_json:
        print_json(
            {
                "file": str(file),
                "at": manifest.at,
                "rows": manifest.rows,
                "columns": len(manifest.columns),
                "sha256": manifest.sha256,
                "signed": settings.labels.signing_key is not None,
                "unknown": left_out,
            }
        )
        return
    typer.echo(f"{manifest.rows} labels that stand at offset {manifest.at} are in {file}.")
    if left_out:
        typer.echo(f"{left_out} more are none of the labels {', '.join(settings.labels.names)}.")


async def _export(settings: Config, file: Path, at: int | None, reviewers: bool) -> tuple[Manifest, int]:
    import streamsel
    from streamsel import wiring  # brings every server's client: --help should not wait
    from streamsel.adapters.dataset_file import dataset_writer, replaced
    from streamsel.adapters.dataset_manifest import Manifest, sha256_of
    from streamsel.services.standing import standing_labels

    names = settings.labels.names
    async with wiring.opened_logs(settings) as logs:
        log = logs.labels
        with progress_bars("records") as watch:
            standing = await standing_labels(log, at, names, watch)
            directing = wiring.directing(settings, log)
            await directing.read(standing.at)
            table = standing.columns.table(reviewers=reviewers)
            rows = 0
            with replaced(file) as new, dataset_writer(new, file.suffix, table.columns) as write:
                async for offset, label in standing.labels():
                    write(table.row(offset, label))
                    rows += 1
        manifest = Manifest(
            epoch=logs.epoch,
            beginning=await log.beginning(),
            at=standing.at,
            rows=rows,
            columns=table.columns,
            labels=names,
            spec_hash=directing.course.at(standing.at).spec.spec_hash,
            sha256=sha256_of(file),
            streamsel=streamsel.__version__,
        )
    manifest.write(file, settings.labels.signing_key)
    return manifest, standing.unknown
