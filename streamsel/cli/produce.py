"""``streamsel produce``: the demo's transactions for a service that runs elsewhere."""

from __future__ import annotations

import asyncio
import signal
from typing import Annotated

import typer

from streamsel.cli.logs import configure_logs
from streamsel.cli.options import ConfigFile, load_config
from streamsel.config import Config

EXAMPLE = "Example: streamsel produce --events-per-second 100 --outcomes-after 20"


def produce(
    path: ConfigFile = None,
    events_per_second: Annotated[float, typer.Option(min=0.001, help="Sent steadily.")] = 50.0,
    outcomes_after: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            help="Tell what an event was, in the outcomes topic, so many seconds after it was asked about.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the transactions.")] = 1,
) -> None:
    """Send made-up card transactions to the configured stream until SIGTERM or Ctrl-C, to see a deployment
    live. Labels must be 'legit' and 'fraud' for outcomes to be taken; nobody's answers are made up."""
    settings = load_config(path)
    configure_logs()
    asyncio.run(_produce(settings, events_per_second, outcomes_after, seed))


async def _produce(
    settings: Config, events_per_second: float, outcomes_after: float | None, seed: int
) -> None:
    from streamsel.demo.producing import produce as run  # brings every server's client

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    sent = await run(settings, events_per_second, outcomes_after, seed, stop)
    import structlog

    structlog.get_logger().info("produced", events=sent)
