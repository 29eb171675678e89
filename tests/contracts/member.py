"""A member of the group in a process of its own, so that a test can kill or stop it.

    python -m tests.contracts.member KIND ADDRESS PREFIX

Tells on its output, a line each: ``assigned 0 1``, ``polled 12``, ``revoked 0 1``, ``committed``. It commits
what it has polled when there is a line on its input.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence

from streamsel.ports import SourceRecord
from streamsel.records import Partition
from tests.contracts.log_servers import LogServers, after, connected


def tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


class Teller:
    """A rebalance listener that tells and does nothing."""

    async def on_assigned(self, positions: Mapping[Partition, int]) -> None:
        tell(" ".join(["assigned", *(str(one.partition) for one in sorted(positions))]))

    async def on_revoked(self, partitions: Sequence[Partition]) -> None:
        tell(" ".join(["revoked", *(str(one.partition) for one in sorted(partitions))]))


async def run(servers: LogServers) -> None:
    """Polls until killed."""
    source = servers.source()
    await source.start(Teller())
    records: list[SourceRecord] = []
    commands = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(commands), sys.stdin
    )
    command = asyncio.create_task(commands.readline())
    while True:
        polled = [one for _, some in await source.poll(100, 0.1) for one in some]
        records += polled
        if polled:
            tell(f"polled {len(records)}")
        if command.done():
            await source.commit(after(records))
            tell("committed")
            command = asyncio.create_task(commands.readline())


if __name__ == "__main__":
    asyncio.run(run(connected(*sys.argv[1:])))
