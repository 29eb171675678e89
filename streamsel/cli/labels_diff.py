"""``streamsel labels diff``: what differs between two versions of the labels."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streamsel.cli.options import AsJson, ConfigFile, load_config, print_json
from streamsel.cli.progress import progress_bars

if TYPE_CHECKING:
    from streamsel.config import Config
    from streamsel.services.comparing import Difference, Version

EXAMPLE = "Example: streamsel labels diff 12000 13000"


def diff(
    before: Annotated[str, typer.Argument(metavar="A", help="Offset of the label log, or exported file.")],
    after: Annotated[str, typer.Argument(metavar="B", help="The same.")],
    first: Annotated[int, typer.Option(min=0, help="So many of each kind are listed.")] = 20,
    path: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """List the labels that stand in B and not in A, in A and not in B, and otherwise in both. Exit status 0:
    none; 1: some, as of diff."""
    settings = load_config(path)
    found = asyncio.run(_difference(settings, before, after))
    if as_json:
        print_json(_as_json(found, first))
    else:
        for line in _lines(found, first):
            typer.echo(line)
    raise typer.Exit(0 if found.same else 1)


async def _difference(settings: Config, before: str, after: str) -> Difference:
    from streamsel.services.comparing import difference

    return difference(await _versions(settings, before), await _versions(settings, after))


async def _versions(settings: Config, named: str) -> dict[str, Version]:
    from streamsel import wiring  # brings every server's client: --help should not wait
    from streamsel.adapters.dataset_file import dataset_rows
    from streamsel.adapters.dataset_manifest import verified_columns
    from streamsel.services.comparing import version_of
    from streamsel.services.importing import dataset_labels
    from streamsel.services.standing import standing_labels

    names = settings.labels.names
    if not named.isdecimal():
        file = Path(named)
        columns = verified_columns(file, settings.labels.signing_key)
        labels = dataset_labels(dataset_rows(file, columns), names, ())
        return {label.label_id: version_of(label) for label in labels}
    async with wiring.opened_label_log(settings) as log:
        with progress_bars("records") as watch:
            standing = await standing_labels(log, int(named), names, watch)
            return {label.label_id: version_of(label) async for _, label in standing.labels()}


def _as_json(found: Difference, first: int) -> dict[str, Any]:
    changed = [
        {"label_id": label_id, "before": _told(one), "after": _told(other)}
        for label_id, (one, other) in list(found.changed.items())[:first]
    ]
    return {
        "same": found.same,
        "added": len(found.added),
        "removed": len(found.removed),
        "changed": len(found.changed),
        "unchanged": found.unchanged,
        "first_added": [{"label_id": key, **_told(one)} for key, one in list(found.added.items())[:first]],
        "first_removed": [
            {"label_id": key, **_told(one)} for key, one in list(found.removed.items())[:first]
        ],
        "first_changed": changed,
    }


def _told(version: Version) -> dict[str, Any]:
    return {"revision": version.revision, "label": version.label}


def _lines(found: Difference, first: int) -> list[str]:
    lines = [f"+ {key} {_words(one)}" for key, one in list(found.added.items())[:first]]
    lines += [f"- {key} {_words(one)}" for key, one in list(found.removed.items())[:first]]
    lines += [
        f"~ {key} {_words(one)} → {_words(other)}" + ("" if one[:2] != other[:2] else ", in other fields")
        for key, (one, other) in list(found.changed.items())[:first]
    ]
    counts = f"{len(found.added)} added, {len(found.removed)} removed, {len(found.changed)} changed"
    return [*lines, f"{counts}, {found.unchanged} unchanged"]


def _words(version: Version) -> str:
    return f"{version.label} (revision {version.revision})"
