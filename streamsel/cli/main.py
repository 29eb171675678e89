"""The commands put together: exit 0 done, 1 the work failed, 2 bad usage or configuration."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

import streamsel
from streamsel.cli import (
    backtest,
    configuration,
    demo,
    desk,
    doctor,
    evidence,
    labels,
    model,
    pool,
    produce,
    report,
    seed,
    serve,
)
from streamsel.config import ConfigurationError

app = typer.Typer(
    help="Stream-based selective sampling: asks reviewers about the few events worth a label, at the rate "
    "they can bear, and learns from every answer.",
    epilog="Example: streamsel demo",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"streamsel {streamsel.__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_show_version),
    ] = False,
) -> None:
    """Options of all commands."""


app.command("demo", epilog=demo.EXAMPLE)(demo.demo)
app.command("produce", epilog=produce.EXAMPLE)(produce.produce)
app.command("serve", epilog=serve.EXAMPLE)(serve.serve)
app.command("backtest", epilog=backtest.EXAMPLE)(backtest.backtest)
app.command("pool", epilog=pool.EXAMPLE)(pool.pool)
app.command("seed", epilog=seed.EXAMPLE)(seed.seed)
app.command("doctor", epilog=doctor.EXAMPLE)(doctor.doctor)
app.command("evidence", epilog=evidence.EXAMPLE)(evidence.evidence)
app.command("report", epilog=report.EXAMPLE)(report.report)
app.add_typer(desk.app, name="desk")
app.add_typer(labels.app, name="labels")
app.add_typer(model.app, name="model")
app.add_typer(configuration.app, name="config")


def main() -> None:
    """The console script."""
    try:
        app()
    except ConfigurationError as mistakes:
        typer.echo(f"streamsel: the configuration is not right\n{mistakes}", err=True)
        sys.exit(2)
    except Exception as error:
        # Imported only now, for it brings everything that can fail; --help should not wait for that.
        from streamsel.cli.failures import explained

        explanation = explained(error)
        if explanation is None:
            raise
        status, line = explanation
        typer.echo(f"streamsel: {line}", err=True)
        sys.exit(status)
