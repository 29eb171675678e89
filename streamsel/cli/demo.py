"""``streamsel demo``: a whole running system on this machine."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Annotated, Literal

import typer

from streamsel.cli.logs import configure_logs
from streamsel.cli.options import AsJson, print_json

EXAMPLE = "Example: streamsel demo --events 20000"


def demo(
    events: Annotated[int, typer.Option(min=1, help="Transactions to play.")] = 20_000,
    reviewers: Annotated[int, typer.Option(min=1, help="Simulated reviewers.")] = 6,
    kafka: Annotated[
        bool, typer.Option("--kafka", help="On a real Apache Kafka broker that it starts.")
    ] = False,
    serve: Annotated[bool, typer.Option("--serve", help="Keep page and API up afterwards.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of the stream and the reviewers.")] = 1,
    preset: Annotated[
        Literal["logistic", "tree", "forest", "portfolio"], typer.Option(help="What learns.")
    ] = "logistic",
    screenshot: Annotated[Path | None, typer.Option(help="Save the last view as SVG.")] = None,
    as_json: AsJson = False,
) -> None:
    """Play a transaction stream with a known truth to simulated reviewers, with a live view.

    Nothing is to be installed or configured; everything is gone afterwards.
    """
    from streamsel.demo.options import DemoOptions  # both bring a whole service: --help should not wait
    from streamsel.demo.run import run_demo

    configure_logs(logging.WARNING)
    options = DemoOptions(events, reviewers, kafka, serve, as_json, seed, preset, screenshot)
    summary = asyncio.run(run_demo(options))
    if as_json:
        print_json(summary.as_json())
    if summary.interrupted:
        raise typer.Exit(130)
