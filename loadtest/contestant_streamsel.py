"""Our whole selector: model, gate, desk, decisions with acks=all, commits, metrics; 1 % of events asked."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from loadtest.measure import Run, Stopwatch, report
from streamsel.cli.logs import configure_logs
from streamsel.config import Config
from streamsel.wiring.service import running


def configuration(bootstrap_servers: str, prefix: str, group: str, data_dir: Path) -> Config:
    """Room for 1 % of the events at the desk, whatever reviewers there are."""
    return Config.model_validate(
        {
            "labels": {"names": ["legit", "fraud"]},
            "select": {"budget": 0.01},
            "capacity": {"target_backlog": 10_000_000},
            "kafka": {"bootstrap_servers": bootstrap_servers, "prefix": prefix, "group": group},
            "redis": {"data_dir": data_dir, "prefix": group},
            "desk": {"port": 0},
        }
    )


async def run(config: Config, events: int) -> Run:
    """Decides ``events`` events and commits them."""
    watch = Stopwatch(events)
    async with running(config, frozenset({"selector"})) as service:
        failed = asyncio.create_task(service.wait_failed())
        selector = service.selector
        if selector is None:
            raise RuntimeError("this process has no selector")
        while selector.events_decided < events:
            watch.saw(selector.events_decided)
            if failed.done():
                failed.result()
            await asyncio.sleep(0.01)
        await selector.settle()
        failed.cancel()
        return watch.finished()


def main(bootstrap_servers: str, prefix: str, group: str, events: int, data_dir: Path) -> None:
    configure_logs()
    report(asyncio.run(run(configuration(bootstrap_servers, prefix, group, data_dir), events)))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), Path(sys.argv[5]))
