"""``python -m loadtest SCENARIO``."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from loadtest.throughput import Options, throughput

app = typer.Typer(
    help="Load tests on this machine; each prints its figures.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback()
def scenarios() -> None:
    """Keeps ``throughput`` a command of its own."""


@app.command("throughput", epilog="Example: python -m loadtest throughput --json")
def throughput_command(
    events: Annotated[int, typer.Option(min=10_000, help="Transactions to fill the topic with.")] = 400_000,
    rounds: Annotated[int, typer.Option(min=1, help="Runs of each contestant, in turn.")] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """One selector on one partition, beside a bare librdkafka and River loop."""
    figures = throughput(Options(events, rounds))
    typer.echo(json.dumps(figures) if as_json else json.dumps(figures, indent=2))


if __name__ == "__main__":
    app()
