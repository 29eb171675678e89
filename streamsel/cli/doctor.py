"""``streamsel doctor``: what a deployment lacks, and the mend."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from streamsel.cli.logs import configure_logs
from streamsel.cli.options import AsJson, ConfigFile, load_config, print_json
from streamsel.cli.serve import Role
from streamsel.doctor.roles import ProcessRole, roles_of

if TYPE_CHECKING:
    from streamsel.config import Config
    from streamsel.doctor.finding import Finding

EXAMPLE = "Example: streamsel doctor --role selector --json"

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red", "unknown": "magenta"}


def doctor(
    path: ConfigFile = None,
    role: Annotated[Role, typer.Option(help="What the process does.")] = Role.BOTH,
    acl: Annotated[
        bool, typer.Option("--acl", help="Print the least rights that work on Redis and Kafka, and end.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Look at configuration, Kafka, Redis, clocks, disk, model, snapshots and access, and say how to mend
    what is wrong. Exit status 1 when anything fails."""
    settings = load_config(path)
    roles = roles_of(role.value)
    if acl:
        _print_acl(settings, roles, as_json=as_json)
        return
    from streamsel.doctor.examination import examined
    from streamsel.doctor.finding import healthy

    configure_logs(logging.CRITICAL)  # what goes wrong is a finding
    findings = asyncio.run(examined(settings, roles))
    well = healthy(findings)
    if as_json:
        counts = Counter(finding.status for finding in findings)
        print_json({"ok": well, "counts": counts, "findings": [asdict(finding) for finding in findings]})
    else:
        _print_table(findings)
    raise typer.Exit(0 if well else 1)


def _print_table(findings: Sequence[Finding]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(show_lines=True)
    for column in ("", "check", "what it means", "the mend"):
        table.add_column(column, overflow="fold")
    for one in findings:
        table.add_row(Text(one.status, _COLOURS[one.status]), one.check, Text(one.means), Text(one.mend))
    Console().print(table)


def _print_acl(settings: Config, roles: AbstractSet[ProcessRole], *, as_json: bool) -> None:
    from streamsel.doctor.acl import acl_of

    acl = acl_of(settings, roles)
    if as_json:
        print_json(asdict(acl))
    else:
        typer.echo(acl.text())
