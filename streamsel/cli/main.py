"""The commands put together: exit 0 done, 1 the work failed, 2 bad usage or configuration."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

import streamsel
from streamsel.adapters.embedded import DataDirectoryInUse
from streamsel.adapters.label_file import BadFile
from streamsel.adapters.local_kafka import BrokerNotInstalled
from streamsel.cli import configuration, demo, seed, serve
from streamsel.config import ConfigurationError
from streamsel.learning.presets import FactoryRefused
from streamsel.ports import SourceUnavailable, StoreRefused, TopicRefused
from streamsel.review.refusals import DeskUnreachable, LabelLogRefused, LabelLogUnreachable
from streamsel.services.seeding import BadRow
from streamsel.services.selector import PoisonFlood

FAILURES = (
    BadFile,
    BadRow,
    BrokerNotInstalled,
    DataDirectoryInUse,
    DeskUnreachable,
    LabelLogRefused,
    LabelLogUnreachable,
    OSError,  # a port that is taken, a directory that may not be written
    PoisonFlood,
    SourceUnavailable,
    StoreRefused,
    TopicRefused,
)
"""What an operator can mend: one line on stderr, no traceback."""

app = typer.Typer(
    help="Stream-based selective sampling: asks reviewers about the few events worth a label, at the rate "
    "they can bear, and learns from every answer.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def version(
    show: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", is_eager=True)
    ] = False,
) -> None:
    if show:
        typer.echo(f"streamsel {streamsel.__version__}")
        raise typer.Exit


app.command("demo", epilog=demo.EXAMPLE)(demo.demo)
app.command("serve", epilog=serve.EXAMPLE)(serve.serve)
app.command("seed", epilog=seed.EXAMPLE)(seed.seed)
app.add_typer(configuration.app, name="config")


def main() -> None:
    """The console script."""
    try:
        app()
    except ConfigurationError as mistakes:
        typer.echo(f"streamsel: the configuration is not right\n{mistakes}", err=True)
        sys.exit(2)
    except FactoryRefused as refused:
        typer.echo(f"streamsel: model.factory: {refused}", err=True)
        sys.exit(2)
    except FAILURES as failure:
        typer.echo(f"streamsel: {failure}", err=True)
        sys.exit(1)
