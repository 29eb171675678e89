"""``streamsel labels verify``: whether the models that serve follow from the label log."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from streamsel.cli.logs import configure_logs
from streamsel.cli.options import AsJson, ConfigFile, load_config, print_json
from streamsel.cli.progress import progress_bars

if TYPE_CHECKING:
    from streamsel.config import Config
    from streamsel.services.verifying import Verification

EXAMPLE = "Example: streamsel labels verify --json"


def verify(path: ConfigFile = None, as_json: AsJson = False) -> None:
    """Fold the label log from its start and compare with every live selector's model. Exit status 0 if all
    agree, 1 with those that do not."""
    settings = load_config(path)
    configure_logs()
    found = asyncio.run(_verification(settings))
    if as_json:
        print_json({"ok": found.agree, **asdict(found)})
    else:
        typer.echo(_text(found))
    raise typer.Exit(0 if found.agree else 1)


async def _verification(settings: Config) -> Verification:
    from streamsel import wiring  # brings every server's client: --help should not wait
    from streamsel.adapters.clock import SystemClock
    from streamsel.services.verifying import verify as verification

    async with wiring.opened_label_log(settings) as log, wiring.opened_replicas(settings) as replicas:
        with progress_bars("records") as watch:
            return await verification(log, wiring.model_spec(settings), replicas, SystemClock(), watch)


def _text(found: Verification) -> str:
    lines = [
        f"The label log comes to {found.labels} labels at offset {found.version}, digest {found.digest}."
    ]
    for one in found.replicas:
        expected = "the log ends before" if one.expected is None else f"the log has {one.expected}"
        verdict = "agrees" if one.agrees else f"DIFFERS: {expected}"
        lines.append(f"{one.name}  offset {one.version}  {one.digest}  {verdict}")
    if not found.replicas:
        lines.append("No selector is running.")
    return "\n".join(lines)
