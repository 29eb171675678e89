"""``streamsel evidence``: everything on record about one query."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streamsel.cli.options import AsJson, ConfigFile, load_config, print_json
from streamsel.cli.progress import progress_bars

if TYPE_CHECKING:
    from streamsel.config import Config
    from streamsel.services.evidence.evidence import Evidence

EXAMPLE = "Example: streamsel evidence 6sdj3xzqgbyx5m2a4hwq7c5e2y --json"

_WIDTH = 22


def evidence(
    query: Annotated[str, typer.Argument(help="The query's id.", metavar="QUERY")],
    path: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Show how a query came to be asked, who answered it by which guideline, how sure the label is and what
    it was used for. Reads the label log, the audit log and, where no label tells when it was decided, all
    retained decisions."""
    found = asyncio.run(_evidence(load_config(path), query))
    if found is None:
        typer.echo(
            f"streamsel: no label, audit entry or retained decision is about a query '{query}'",
            err=True,
        )
        raise typer.Exit(1)
    if as_json:
        print_json(found.as_json())
    else:
        for line in _lines(found.as_json()):
            typer.echo(line)


async def _evidence(settings: Config, query: str) -> Evidence | None:
    from streamsel import wiring  # brings every server's client: --help should not wait
    from streamsel.services.evidence.scanning import EvidenceLogs, scan

    async with wiring.opened_logs(settings) as logs:
        found = EvidenceLogs(logs.labels, logs.decision_readers, logs.audit, logs.configurations)
        with progress_bars("records") as watch:
            return await scan(query, found, wiring.model_spec(settings), watch)


def _lines(content: Mapping[str, Any]) -> Iterator[str]:
    """One fact a line; lists and tables in the field below their name."""
    unknown: Mapping[str, str] = content["unknown"]
    for name, value in content.items():
        title = f"{name.replace('_', ' '):<{_WIDTH}}"
        if name == "unknown":
            continue
        if value is None:
            yield f"{title}not known: {unknown[name]}"
        elif name in ("rules", "answers"):
            yield f"{title}{len(value) or 'none'}"
            yield from (f"{'':<{_WIDTH}}{_shown(one)}" for one in value)
        elif isinstance(value, dict):
            for key, one in value.items():
                yield f"{title}{key.replace('_', ' ')}: {_shown(one)}"
                title = f"{'':<{_WIDTH}}"
        else:
            yield f"{title}{_shown(value)}"
    if "answers" in unknown:
        yield f"{'':<{_WIDTH}}{unknown['answers']}"


def _shown(value: Any) -> str:
    # As JSON in ASCII: nothing that came with an event gets to steer the terminal.
    return json.dumps(value)
