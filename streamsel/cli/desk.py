"""``streamsel desk``: what an operator does for the review desk."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from streamsel.cli.logs import configure_logs
from streamsel.cli.options import AsJson, ConfigFile, load_config, print_json
from streamsel.cli.progress import progress_lines
from streamsel.config import Config
from streamsel.review.audit import Entry, Verdict
from streamsel.services.audit_reading import latest, verify

if TYPE_CHECKING:
    from streamsel.ports import AuditLog

app = typer.Typer(
    help="Rebuild the review desk's queue, or look at its audit log.",
    epilog="Example: streamsel desk audit --verify",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_T = TypeVar("_T")


@app.command(epilog="Example: streamsel desk rebuild --config streamsel.toml --json")
def rebuild(path: ConfigFile = None, as_json: AsJson = False) -> None:
    """Make the queue anew after Redis was lost: every query in the decisions that the label log does not
    answer and that is not too old to be asked. What is there stays as it is; services may be running."""
    from streamsel import wiring  # brings every server's client: --help should not wait

    settings = load_config(path)
    configure_logs()
    with progress_lines("decisions") as watch:
        rebuilt = asyncio.run(wiring.rebuilt_desk(settings, watch))
    if as_json:
        print_json(asdict(rebuilt))
        return
    there = rebuilt.queries - rebuilt.answered - rebuilt.expired - rebuilt.offered
    typer.echo(
        f"{rebuilt.offered} queries are back on the desk. Of {rebuilt.decisions} decisions {rebuilt.queries} "
        f"were to ask: {rebuilt.answered} are answered, {rebuilt.expired} were decided more than "
        f"{settings.capacity.expire_seconds:g} seconds ago and are left out, {there} were there already."
    )


@app.command(epilog="Example: streamsel desk audit --verify --json")
def audit(
    path: ConfigFile = None,
    verified: Annotated[
        bool, typer.Option("--verify", help="Verify every chain; exit status 1 if one is broken.")
    ] = False,
    last: Annotated[int, typer.Option(min=1, help="So many entries are shown.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Show who saw, labelled and changed what, or verify that nobody has changed the log itself."""
    settings = load_config(path)
    if verified:
        verdict = asyncio.run(_of_the_log(settings, verify))
        _print_verdict(verdict, as_json)
        raise typer.Exit(0 if verdict.sound else 1)
    entries = asyncio.run(_of_the_log(settings, lambda log: latest(log, last)))
    if as_json:
        print_json({"entries": [asdict(entry) for entry in entries]})
    else:
        for entry in entries:
            typer.echo(_line(entry))


async def _of_the_log(settings: Config, read: Callable[[AuditLog], Awaitable[_T]]) -> _T:
    from streamsel import wiring  # brings every server's client: --help should not wait

    async with wiring.opened_audit_log(settings) as log:
        return await read(log)


def _print_verdict(verdict: Verdict, as_json: bool) -> None:
    if as_json:
        print_json({"ok": verdict.sound, **asdict(verdict)})
        return
    typer.echo(f"{verdict.entries} entries in {verdict.chains} chains")
    for one in verdict.broken:
        chain = f"chain {one.chain}, " if one.chain else ""
        typer.echo(f"broken: {chain}{one.kind}, at offset {one.offset}: {one.message}")
    if verdict.sound:
        typer.echo("every chain is whole; keep these elsewhere, and cut ends will show:")
        for chain, head in sorted(verdict.heads.items()):
            typer.echo(f"  {chain} {head}")


def _line(entry: Entry) -> str:
    # As JSON in ASCII: nothing a caller sent gets to steer the terminal.
    detail = json.dumps(dict(entry.detail)) if entry.detail else ""
    who = f"{entry.who} ({entry.role})" if entry.role else entry.who or "somebody"
    return " ".join(filter(None, (entry.at, who, entry.action, entry.query_id, detail)))
