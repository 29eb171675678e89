"""The demo put together: a service, a stream, reviewers, and somebody who watches them all."""

from __future__ import annotations

import asyncio
import secrets
import signal
import sys
import tempfile
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from streamsel.adapters.local_kafka import LocalKafka
from streamsel.api.keys import new_key
from streamsel.config import ApiKey
from streamsel.demo.options import DemoOptions, configuration
from streamsel.demo.reviewers import Habits, SimulatedReviewer
from streamsel.demo.show import Show
from streamsel.demo.summary import DemoSummary
from streamsel.demo.transactions import LABELS
from streamsel.demo.view import View
from streamsel.services.ending import end
from streamsel.wiring.service import running

_CALL_SECONDS = 30.0
"""A reviewer's patience with one call."""


async def run_demo(options: DemoOptions) -> DemoSummary:
    """Runs the whole demo and says what came of it; with ``serve`` only once it is told to stop.

    Ctrl-C or SIGTERM ends it early, with a summary of what was done so far. Raises what made the service
    fail, and ``BrokerNotInstalled``.
    """
    keys = {f"reviewer-{number}": new_key() for number in range(1, options.reviewers + 1)}
    hashed = [ApiKey(name=name, scope="reviewer", sha256=sha256) for name, (_, sha256) in keys.items()]
    token = secrets.token_urlsafe(16)
    stop = _stop_signal()
    with tempfile.TemporaryDirectory(prefix="streamsel-demo-") as directory, _broker(options) as servers:
        config = configuration(options, Path(directory), hashed, servers)
        roles = frozenset({"selector", "desk"})
        async with running(config, roles=roles, one_time_token=token) as service:
            await service.wait_ready()
            show = Show(options, service, link=f"{service.url}/#token={token}")
            async with httpx.AsyncClient(base_url=service.url, timeout=_CALL_SECONDS) as client:
                reviewers = [
                    SimulatedReviewer(client, secret, show.truth_of, LABELS, Habits(), options.seed + number)
                    for number, (secret, _) in enumerate(keys.values())
                ]
                with View(show.picture) as view:
                    beside = [show.follow(), show.measure(view), service.wait_failed()]
                    beside += [reviewer.work() for reviewer in reviewers]
                    await _until_done(show.play(), beside, stop)
            summary = await show.summary()
            if not options.json:
                sys.stdout.write(f"{summary.as_text()}\n")
            if options.serve:
                sys.stderr.write(f"label on: {show.picture.link}\n")
                await _until_done(show.trickle(), [service.wait_failed()], stop)
            return summary


def _stop_signal() -> asyncio.Event:
    """Set by Ctrl-C or SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop


@contextmanager
def _broker(options: DemoOptions) -> Iterator[str | None]:
    """The address of a broker of the demo's own, if it is to run on one."""
    if not options.kafka:
        yield None
        return
    sys.stderr.write("starting an Apache Kafka broker; the first time it is fetched\n")
    with LocalKafka() as broker:
        yield broker.bootstrap_servers


async def _until_done(
    main: Coroutine[Any, Any, None], beside: Sequence[Coroutine[Any, Any, Any]], stop: asyncio.Event
) -> None:
    """Runs ``main`` to its end, or until told to stop, with the others beside it; raises what fails first."""
    tasks = [asyncio.create_task(one) for one in (main, stop.wait(), *beside)]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for one in done:
            one.result()
    finally:
        await end(*tasks)
