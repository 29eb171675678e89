"""``streamsel serve``: the selector, the desk, or both."""

from __future__ import annotations

import asyncio
import signal
from enum import StrEnum
from typing import Annotated

import typer

from streamsel.cli.logs import configure_logs
from streamsel.cli.options import ConfigFile, load_config
from streamsel.cli.workers import keep, workers
from streamsel.config import Config

EXAMPLE = "Example: STREAMSEL_KAFKA__BOOTSTRAP_SERVERS=localhost:9092 streamsel serve --role selector"


class Role(StrEnum):
    SELECTOR = "selector"
    DESK = "desk"
    BOTH = "both"


def serve(
    path: ConfigFile = None,
    role: Annotated[Role, typer.Option(help="What this process does.")] = Role.BOTH,
    port: Annotated[int | None, typer.Option(help="Overrides desk.port.", min=0, max=65535)] = None,
    count: Annotated[
        int,
        typer.Option(
            "--workers",
            min=1,
            help="Selectors that share the partitions, each a process on a port of its own: the ports after "
            "the desk's.",
        ),
    ] = 1,
) -> None:
    """Run the service until SIGTERM or Ctrl-C; either drains within 5 seconds."""
    if count > 1 and role is Role.DESK:
        raise typer.BadParameter("a desk is one process; start more of them instead", param_hint="--workers")
    settings = load_config(path)
    if port is not None:
        settings = settings.model_copy(update={"desk": settings.desk.model_copy(update={"port": port})})
    configure_logs()
    if count > 1:
        members = [*workers(count, desk=role is Role.BOTH, path=path, port=settings.desk.port)]
        raise typer.Exit(asyncio.run(keep(settings, members)))
    roles = frozenset({"selector", "desk"}) if role is Role.BOTH else frozenset({role.value})
    asyncio.run(_serve(settings, roles))


async def _serve(settings: Config, roles: frozenset[str]) -> None:
    from streamsel.wiring.service import running  # brings every server: --help should not wait

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with running(settings, roles) as service:
        failed = asyncio.create_task(service.wait_failed())
        stopped = asyncio.create_task(stop.wait())
        done, _ = await asyncio.wait({failed, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        failed.cancel()
        if failed in done:
            failed.result()
