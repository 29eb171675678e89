"""What ``ports.Epochs`` promises, and erasing from single logs, on every kind of server."""

from __future__ import annotations

import asyncio

from streamsel.adapters.kafka_erasure import KafkaErasableLog
from streamsel.adapters.redis_erasure import RedisErasableLog
from streamsel.ports import OutgoingDecisions
from streamsel.ports.epochs import Epochs
from tests.contracts.log_servers import KafkaServers, LogServers, RedisServers
from tests.forgetting.conftest import epochs_on


async def write(epochs: Epochs, epoch: int, *records: bytes) -> None:
    log = await epochs.log(epoch)
    await log.append(records)
    await log.close()


async def read(epochs: Epochs, epoch: int) -> list[bytes]:
    log = await epochs.log(epoch)
    try:
        return [content for _, content in await log.read(0, 100, 5.0)]
    finally:
        await log.close()


async def test_a_log_begins_in_its_first_epoch(servers: LogServers, epochs: Epochs) -> None:
    """Which is the log under its plain name."""
    assert await epochs.current() == 1
    assert list(await epochs.older()) == []
    await servers.labels().append([b"a"])
    assert await read(epochs, 1) == [b"a"]


async def test_another_epoch_is_in_force_once_switched_to(servers: LogServers, epochs: Epochs) -> None:
    """For every process, with what was copied to it; the old one is there until it is dropped."""
    await write(epochs, 1, b"a", b"b")
    new = await epochs.begin()
    await write(epochs, new, b"b")
    other = epochs_on(servers)
    assert await other.current() == 1
    await epochs.switch(new)
    assert await other.current() == new
    assert list(await other.older()) == [1]
    assert await read(other, 1) == [b"a", b"b"]
    await other.drop([1])
    async with asyncio.timeout(20):
        while await other.older():
            pass
    assert await read(other, new) == [b"b"]
    await other.close()


async def test_an_epoch_begun_and_left_is_begun_anew(epochs: Epochs) -> None:
    """Empty, whatever a process that died had copied."""
    await write(epochs, 1, b"a")
    await write(epochs, await epochs.begin(), b"half")
    new = await epochs.begin()
    log = await epochs.log(new)
    assert await log.end() == 0
    await log.close()
    await write(epochs, new, b"whole")
    await epochs.switch(new)
    assert await read(epochs, await epochs.current()) == [b"whole"]


async def test_records_are_erased_from_a_log(servers: LogServers) -> None:
    """On Redis streams these alone; on Kafka all up to the last of them."""
    sink = servers.decisions()
    await (await sink.send([OutgoingDecisions(0, range(6), [b"%d" % number for number in range(6)])]))
    log: KafkaErasableLog | RedisErasableLog
    if isinstance(servers, KafkaServers):
        log, left = KafkaErasableLog(servers.cluster, servers.topics.decisions), [4, 5]
    else:
        assert isinstance(servers, RedisServers)
        log, left = RedisErasableLog(servers.streams, servers.streams.decisions(0)), [0, 2, 4, 5]
    servers.closing(log)
    assert await log.erase([]) == 0
    assert await log.erase([1, 3]) == 6 - len(left)
    assert [offset for offset, _ in await log.read(0, 10, 5.0)] == left
    assert await log.end() == 6
    await (await sink.send([OutgoingDecisions(0, [6], [b"6"])]))
    assert (await log.read(5, 10, 5.0))[-1] == (6, b"6")
