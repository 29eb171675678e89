"""``streamsel model``: the model and where it is kept."""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from streamsel.cli import model_directives
from streamsel.cli.options import AsJson, ConfigFile, load_config, print_json
from streamsel.config import ConfigurationError

if TYPE_CHECKING:
    from streamsel.config import Config
    from streamsel.services.snapshots import Listed

app = typer.Typer(
    help="Look after the model.",
    epilog="Example: streamsel model snapshots",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback()
def options() -> None:
    """Options of all commands."""


@app.command(epilog="Example: streamsel model snapshots --json")
def snapshots(path: ConfigFile = None, as_json: AsJson = False) -> None:
    """The snapshots there are, newest first: offset, labels, digest and age; and of those that a start would
    not use, why: signature, versions of libraries, model and label log are verified."""
    found = asyncio.run(_listed(load_config(path)))
    if as_json:
        print_json({"snapshots": [_as_json(one) for one in found]})
        return
    for one in found:
        typer.echo(_line(one))
    if not found:
        typer.echo("There are no snapshots.")


async def _listed(settings: Config) -> list[Listed]:
    from streamsel import wiring  # brings every server's client: --help should not wait

    async with wiring.opened_label_log(settings) as log:
        from streamsel.adapters.clock import SystemClock
        from streamsel.metrics import Metrics
        from streamsel.wiring.learning import snapshots_of

        snapshots = snapshots_of(settings, log, Metrics(), SystemClock())
        if snapshots is None:
            raise ConfigurationError("snapshots.url: no snapshots are configured")
        directing = wiring.directing(settings, log)
        end = await directing.read()
        return await snapshots.listed(directing.course.now, end)


def _as_json(one: Listed) -> dict[str, Any]:
    facts: dict[str, Any] = {"name": one.name, "good": not one.refused, "refused": one.refused or None}
    if one.header is not None:
        facts |= asdict(one.header) | {"age_seconds": round(time.time() - one.header.taken_at, 3)}
    return facts


def _line(one: Listed) -> str:
    verdict = one.refused or "good"
    if one.header is None:
        return f"{one.name}  {verdict}"
    header = one.header
    age = f"{(time.time() - header.taken_at) / 60:.0f} min"
    return f"offset {header.offset}  {header.labels} labels  {header.digest}  {age} old  {verdict}"


model_directives.register(app)
