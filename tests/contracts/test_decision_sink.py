"""What ``ports.DecisionSink`` promises, over every server it runs on."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from streamsel.ports import (
    DecisionSink,
    LogReader,
    OutgoingDecisions,
    RecordTooLarge,
    SourceUnavailable,
    TopicRefused,
)
from tests.contracts.log_servers import KafkaServers, LogServers, RedisServers, nowhere


def decided(start: int, stop: int, by: str = "a", partition: int = 0) -> OutgoingDecisions:
    """Decisions for the source offsets from ``start`` to before ``stop``."""
    offsets = range(start, stop)
    return OutgoingDecisions(partition, offsets, [f"{by}{offset}".encode() for offset in offsets])


def recorded(start: int, stop: int, by: str = "a") -> dict[int, bytes]:
    """What ``decided`` leaves behind."""
    one = decided(start, stop, by)
    return dict(zip(one.offsets, one.values, strict=True))


async def sent(sink: DecisionSink, *decisions: OutgoingDecisions) -> None:
    """Sends, and waits until they are durable."""
    async with asyncio.timeout(20):
        await (await sink.send(decisions))


async def in_order(reader: LogReader, count: int) -> list[bytes]:
    """The first records of a log."""
    records: list[tuple[int, bytes]] = []
    async with asyncio.timeout(20):
        while len(records) < count:
            start = records[-1][0] + 1 if records else 0
            records += await reader.read(start, 1_000, 1.0)
    return [value for _, value in records]


async def test_decisions_go_to_the_partition_of_their_events_in_order(logs: LogServers) -> None:
    """Several sends under way at once keep the order of the source within each partition."""
    sink = logs.decisions()
    durable = [
        await sink.send([decided(start, start + 10), decided(start, start + 5, "b", partition=1)])
        for start in range(0, 100, 10)
    ]
    await asyncio.gather(*durable)
    assert await in_order(logs.decision_reader(0), 100) == list(recorded(0, 100).values())
    assert len(await in_order(logs.decision_reader(1), 50)) == 50


async def test_a_send_larger_than_a_batch_is_divided(logs: LogServers) -> None:
    """5 MB at once arrive whole and in order."""
    values = [b"%d " % number + b"x" * 50_000 for number in range(100)]
    await sent(logs.decisions(), OutgoingDecisions(0, range(100), values))
    assert await in_order(logs.decision_reader(0), 100) == values


async def test_recorded_finds_what_was_decided_beyond_a_position(logs: LogServers) -> None:
    """By source offset, from the position on, of that partition alone."""
    sink = logs.decisions()
    await sent(sink, decided(0, 30), decided(0, 10, "b", partition=1))
    assert await sink.recorded(0, 25) == recorded(25, 30)
    assert await sink.recorded(1, 0) == recorded(0, 10, "b")
    assert await sink.recorded(0, 30) == {}


async def test_nothing_is_recorded_in_an_empty_partition(logs: LogServers) -> None:
    """A first assignment finds nothing, whatever its position."""
    sink = logs.decisions()
    assert await sink.recorded(0, 0) == {}
    assert await sink.recorded(1, 1_000) == {}


async def test_recorded_skips_events_that_had_no_decision(logs: LogServers) -> None:
    """Dead letters leave gaps in the source offsets."""
    sink = logs.decisions()
    await sent(sink, decided(0, 5), decided(8, 10))
    assert await sink.recorded(0, 3) == recorded(3, 5) | recorded(8, 10)


async def test_recorded_finds_what_is_still_on_its_way(logs: LogServers) -> None:
    """A sink that was not waited for knows its own decisions."""
    sink = logs.decisions()
    durable = [await sink.send([decided(start, start + 10)]) for start in range(0, 100, 10)]
    assert await sink.recorded(0, 40) == recorded(40, 100)
    await asyncio.gather(*durable)


async def test_a_zombie_s_late_decisions_hide_none_of_its_successor_s(logs: LogServers) -> None:
    """A member that lost its partition still writes what it had in hand, behind its successor."""
    zombie, successor = logs.decisions(), logs.decisions()
    await sent(zombie, decided(0, 100))
    await sent(successor, decided(100, 200, "b"))
    with suppress(SourceUnavailable):
        await sent(zombie, decided(100, 130))
    assert await successor.recorded(0, 150) == recorded(150, 200, "b")
    assert await successor.recorded(0, 110) == recorded(110, 200, "b")


async def test_of_several_decisions_for_an_event_the_first_stands(logs: LogServers) -> None:
    """Every later owner finds the one that consumers saw first."""
    first, second = logs.decisions(), logs.decisions()
    await sent(first, decided(0, 20))
    with suppress(SourceUnavailable):
        await sent(second, decided(10, 30, "b"))
    assert (await second.recorded(0, 5)).items() >= recorded(5, 20).items()


async def test_sending_again_what_is_there_changes_nothing(logs: LogServers) -> None:
    """A repeated send of the same decisions is no error."""
    sink = logs.decisions()
    await sent(sink, decided(0, 20))
    await sent(sink, decided(10, 30))
    assert await sink.recorded(0, 0) == recorded(0, 30)


async def test_recorded_makes_do_with_what_retention_left(logs: LogServers) -> None:
    """Older decisions may be gone; a position before them is no error."""
    sink = logs.decisions()
    await sent(sink, decided(0, 50))
    await logs.truncate_decisions(0, 40)
    assert await sink.recorded(0, 10) == recorded(40, 50)
    await logs.truncate_decisions(0, 50)
    assert await sink.recorded(0, 10) == {}


async def test_decisions_wait_for_a_server_that_is_away(logs: LogServers) -> None:
    """What was handed over while the server was down arrives in order when it is back; who ends meanwhile
    does not wait for that, and decides again after its restart."""
    sink, ending = logs.decisions(), logs.decisions()
    await sent(sink, decided(0, 10))
    await sent(ending, decided(0, 10, partition=1))
    logs.kill()
    try:
        durable = asyncio.ensure_future(await sink.send([decided(10, 20)]))
        sending = asyncio.create_task(sink.send([decided(20, 30)]))
        given_up = asyncio.ensure_future(await ending.send([decided(10, 20, partition=1)]))
        async with asyncio.timeout(20):
            await ending.close()
        given_up.cancel()
        await asyncio.wait([given_up])
        assert not durable.done()
    finally:
        await logs.start()
    async with asyncio.timeout(20):
        await durable
        await (await sending)
    assert await in_order(logs.decision_reader(0), 30) == list(recorded(0, 30).values())


async def test_an_unreachable_server_is_told_to_who_reads(logs: LogServers) -> None:
    """Looking for recorded decisions raises in bounded time."""
    elsewhere = nowhere(logs)
    async with elsewhere.stack:
        with pytest.raises(SourceUnavailable):
            await elsewhere.decisions().recorded(0, 0)


async def test_a_decision_that_is_too_large_is_refused_and_nothing_sent(logs: LogServers) -> None:
    """The error names both sizes; the sink goes on."""
    sink = logs.decisions()
    with pytest.raises(RecordTooLarge, match=r"5000000 bytes.*4194304"):
        await sink.send([decided(0, 1, partition=1), OutgoingDecisions(0, [0], [b"x" * 5_000_000])])
    assert await sink.recorded(1, 0) == {}
    await sent(sink, OutgoingDecisions(0, [0], [b"y" * 4_000_000]))
    assert await sink.recorded(0, 0) == {0: b"y" * 4_000_000}


@pytest.mark.kafka
async def test_a_foreign_record_among_the_decisions_is_passed_over(kafka_logs: KafkaServers) -> None:
    """Somebody else's record has no source offset; it hides nothing."""
    sink = kafka_logs.decisions()
    await sent(sink, decided(0, 10))
    async with kafka_logs.cluster.producer() as producer:
        await producer.send(kafka_logs.topics.decisions, b"not ours", partition=0)
    await sent(sink, decided(10, 12))
    assert await sink.recorded(0, 5) == recorded(5, 12)


@pytest.mark.kafka
async def test_a_partition_that_the_decisions_lack_is_refused(kafka_logs: KafkaServers) -> None:
    """Somebody added partitions to the events: the refusal says how to add them here, too."""
    with pytest.raises(TopicRefused, match=r"no partition 5.* --partitions 6"):
        await kafka_logs.decisions().recorded(5, 0)


@pytest.mark.kafka
async def test_recorded_reads_no_further_back_than_it_must(kafka_logs: KafkaServers) -> None:
    """Of a long partition only the end is read: what lies before a zombie's reach is not looked at."""
    sink = kafka_logs.decisions()
    await sent(sink, decided(500, 510, "far"), decided(0, 15_000))
    assert await sink.recorded(0, 14_990) == recorded(14_990, 15_000)
    assert (await sink.recorded(0, 500))[505] == b"far505"
    assert (await sink.recorded(0, 14_000)) == recorded(14_000, 15_000)


async def test_another_selector_s_decision_is_not_taken_for_ours(stream_logs: RedisServers) -> None:
    """A delivery that finds a different decision fails, so that the owner reads what stands."""
    ours, theirs = stream_logs.decisions(), stream_logs.decisions()
    await sent(theirs, decided(0, 20))
    with pytest.raises(SourceUnavailable, match="another decision"):
        await sent(ours, decided(10, 30, "b"))
    await sent(ours, decided(0, 20))
