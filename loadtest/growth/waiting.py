"""What a query costs the desk's store with ever more of them waiting: its memory, and CPU."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from loadtest.desk_claims import claim_all, commands
from loadtest.desk_store import Recording, cpu_seconds, fill, opened_queue
from streamsel.adapters.embedded import EmbeddedValkey

CLIENTS = 8
MOST_CLAIMS = 5_000
CLAIMING_SECONDS = 20.0
REPORTS = 200


@dataclass(frozen=True, slots=True)
class Waiting:
    """µs are of the store's one thread."""

    bytes_per_query: float
    offer_us: float
    claim_us: float
    report_us: float
    """Of one exchange with a selector, of which each makes four a second."""


async def waiting(queries: int) -> Waiting:
    """Fills an embedded Valkey with so many queries, then claims some of them."""
    with TemporaryDirectory(prefix="loadtest-") as folder, EmbeddedValkey(Path(folder)) as store:
        socket = store.url.removeprefix("unix://")
        async with (
            Recording(unix_socket_path=socket) as client,
            opened_queue(client, most_held=queries) as queue,
        ):
            before = await cpu_seconds(client)
            filled = await fill(queue, client, queries, lambda _: None)
            offered = await cpu_seconds(client)
            written = await commands(queue, client, CLIENTS)
            most = min(MOST_CLAIMS, queries // 2)
            claims = await claim_all(client, socket, written, most, CLAIMING_SECONDS)
            reporting = await cpu_seconds(client)
            for _ in range(REPORTS):
                await queue.report("loadtest", 1.0)
            reported = await cpu_seconds(client)
    return Waiting(
        bytes_per_query=filled.bytes_per_query,
        offer_us=(offered - before) / queries * 1e6,
        claim_us=claims.store_cpu_seconds / len(claims.latencies) * 1e6,
        report_us=(reported - reporting) / REPORTS * 1e6,
    )
