"""What happens at the desk is told: signed, in order, at least once. Real HTTP, a real log, a real store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from streamsel.adapters.clock import SystemClock
from streamsel.adapters.http_endpoint import HttpEndpoint
from streamsel.adapters.redis_positions import RedisDeliveryPositions
from streamsel.metrics import Metrics
from streamsel.services.ending import end
from streamsel.services.webhooks.delivery import Delivery, Persistence
from streamsel.services.webhooks.messages import EVENT_TYPES, of_label_log
from tests.services.webhooks.conftest import SECRET, Receiver, Records, label, retraction

STREAM = "endpoint:labels"
QUICK = Persistence(attempts=4, first_pause_seconds=0.001, longest_pause_seconds=0.01, hold_seconds=5.0)


@asynccontextmanager
async def _delivering(
    receiver: Receiver,
    records: Records,
    positions: RedisDeliveryPositions,
    metrics: Metrics | None = None,
    persistence: Persistence = QUICK,
    answer_seconds: float = 5.0,
) -> AsyncIterator[None]:
    endpoint = HttpEndpoint(receiver.url, answer_seconds)
    delivery = Delivery(
        STREAM,
        records.log,
        of_label_log(EVENT_TYPES),
        endpoint,
        SECRET,
        positions,
        SystemClock(),
        metrics or Metrics(),
        persistence,
    )
    running = asyncio.create_task(delivery.run())
    try:
        yield
    finally:
        await end(running)
        await endpoint.close()


async def _begun(positions: RedisDeliveryPositions) -> None:
    """From here on, what comes into the log is told."""
    assert await positions.hold(STREAM, "the test", 0.001, 0) == 0


async def _delivered(positions: RedisDeliveryPositions, position: int) -> None:
    """Returns once the store has noted that."""
    async with asyncio.timeout(20):
        key = f"{positions._prefix}{STREAM}:delivered"
        while await positions._script.registered_client.get(key) != str(position).encode():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def _counted(metrics: Metrics, outcome: str) -> float:
    return metrics.registry.get_sample_value("streamsel_webhooks_total", {"outcome": outcome}) or 0.0


async def test_a_message_belongs_to_the_trace_of_its_event(
    receiver: Receiver, records: Records, positions: RedisDeliveryPositions
) -> None:
    """Where the event had none, no header is made up."""
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    await _begun(positions)
    async with _delivering(receiver, records, positions):
        await records.append(replace(label(1), traceparent=trace), label(2))
        await receiver.wait_for(lambda: len(receiver.taken) == 2)
    assert receiver.traceparents == [trace, None]


async def test_labels_are_told_in_the_order_of_the_log(
    receiver: Receiver, records: Records, positions: RedisDeliveryPositions
) -> None:
    """Corrections and retractions too; seeds and what is undone of opinions are nobody's business."""
    await _begun(positions)
    async with _delivering(receiver, records, positions):
        await records.append(label(1), label(0, "seed"), retraction("q1~2"), label(2))
        await records.append(label(1, revision=2), retraction("q2"))
        await receiver.wait_for(lambda: len(receiver.taken) == 4)
    told = [(message.id, message.type, message.data.get("revision")) for message in receiver.taken]
    assert told == [
        ("label-0", "label.recorded", 1),
        ("label-3", "label.recorded", 1),
        ("label-4", "label.recorded", 2),
        ("label-5", "label.retracted", 2),
    ]
    assert receiver.taken[0].data == {
        "query_id": "q1",
        "event_id": "tx-1",
        "label": "fraud",
        "revision": 1,
        "source": "reviewer",
        "labelled_by": "ana",
        "offset": 0,
        "model_version": 1,
    }
    assert receiver.taken[0].timestamp.timestamp() == 1_800_000_000.0
    assert not any(b"iban" in body or b"reviewers alone" in body for body in receiver.bodies)


async def test_what_was_in_the_log_before_is_not_told(
    receiver: Receiver, records: Records, positions: RedisDeliveryPositions
) -> None:
    """A new endpoint is told of what happens from now on."""
    await records.append(label(1), label(2))
    async with _delivering(receiver, records, positions):
        await _delivered(positions, 2)
        await records.append(label(3))
        await receiver.wait_for(lambda: bool(receiver.taken))
    assert [message.id for message in receiver.taken] == ["label-2"]


async def test_a_refused_message_is_tried_again_and_the_next_waits(
    receiver: Receiver, records: Records, positions: RedisDeliveryPositions
) -> None:
    """Under one id, so that who took it and failed to say so knows it again."""
    receiver.status = [500, 429, 204]
    metrics = Metrics()
    await _begun(positions)
    async with _delivering(receiver, records, positions, metrics):
        await records.append(label(1), label(2))
        await _delivered(positions, 2)
    assert [message.id for message in receiver.attempts] == ["label-0"] * 3 + ["label-1"]
    assert (_counted(metrics, "failed"), _counted(metrics, "delivered")) == (2, 2)


async def test_a_message_that_is_never_taken_is_given_up(
    receiver: Receiver, records: Records, positions: RedisDeliveryPositions
) -> None:
    """After so many attempts, which is counted; the next one is told all the same."""
    receiver.status = [503] * QUICK.attempts
    metrics = Metrics()
    await _begun(positions)
    async with _delivering(receiver, records, positions, metrics):
        await records.append(label(1), label(2))
        await receiver.wait_for(lambda: bool(receiver.taken))
    assert [message.id for message in receiver.attempts] == ["label-0"] * QUICK.attempts + ["label-1"]
    assert _counted(metrics, "dead") == 1


async def test_a_redirect_is_not_followed(
    receiver: Receiver, records: Records, positions: RedisDeliveryPositions
) -> None:
    """The message would go where nobody has said it may."""
    receiver.status = [307, 308]
    receiver.location = receiver.url + "/elsewhere"
    metrics = Metrics()
    await _begun(positions)
    async with _delivering(receiver, records, positions, metrics):
        await records.append(label(1))
        await receiver.wait_for(lambda: bool(receiver.taken))
    assert len(receiver.attempts) == 3
    assert _counted(metrics, "failed") == 2


async def test_an_endpoint_that_does_not_answer_is_not_waited_for(
    receiver: Receiver, records: Records, positions: RedisDeliveryPositions
) -> None:
    """No longer than it may take; the message is tried again."""
    over = asyncio.Event()

    async def only_later() -> None:
        receiver.before = None
        await over.wait()

    receiver.before = only_later
    metrics = Metrics()
    await _begun(positions)
    async with _delivering(receiver, records, positions, metrics, answer_seconds=0.2):
        await records.append(label(1))
        await receiver.wait_for(lambda: bool(receiver.taken))
    assert _counted(metrics, "failed") >= 1
    over.set()
    await receiver.wait_for(lambda: len(receiver.taken) == len(receiver.attempts))


async def test_delivery_goes_on_where_it_was(
    receiver: Receiver, records: Records, positions: RedisDeliveryPositions
) -> None:
    """In another process, whatever came meanwhile; nothing is told twice that was noted."""
    await _begun(positions)
    async with _delivering(receiver, records, positions, persistence=replace(QUICK, hold_seconds=0.2)):
        await records.append(label(1))
        await _delivered(positions, 1)
    await records.append(label(2))
    async with _delivering(receiver, records, positions, persistence=replace(QUICK, hold_seconds=0.2)):
        await receiver.wait_for(lambda: len(receiver.taken) == 2)
    assert [message.id for message in receiver.attempts] == ["label-0", "label-1"]


async def test_killed_before_it_was_noted_a_message_is_told_once_more(
    receiver: Receiver, records: Records, positions: RedisDeliveryPositions
) -> None:
    """Never lost: the endpoint has it, the store does not know, so it comes again under the same id."""
    await _begun(positions)
    reached, never = asyncio.Event(), asyncio.Event()

    async def hold_up() -> None:
        reached.set()
        await never.wait()

    receiver.before = hold_up
    async with _delivering(receiver, records, positions, persistence=replace(QUICK, hold_seconds=0.2)):
        await records.append(label(1))
        await reached.wait()
    receiver.before = None
    async with _delivering(receiver, records, positions, persistence=replace(QUICK, hold_seconds=0.2)):
        await receiver.wait_for(lambda: bool(receiver.taken))
    assert {message.id for message in receiver.attempts} == {"label-0"}
    never.set()
    await receiver.wait_for(lambda: len(receiver.taken) == len(receiver.attempts))


async def test_of_several_desks_one_delivers(
    receiver: Receiver, records: Records, positions: RedisDeliveryPositions
) -> None:
    """The others stand by."""
    await _begun(positions)
    async with _delivering(receiver, records, positions):
        await records.append(label(0))
        await _delivered(positions, 1)
        async with _delivering(receiver, records, positions):
            await records.append(*(label(number) for number in range(1, 20)))
            await receiver.wait_for(lambda: len(receiver.taken) == 20)
    assert [message.id for message in receiver.attempts] == [f"label-{offset}" for offset in range(20)]


@pytest.mark.parametrize(("failures", "least", "most"), [(1, 0.5, 1.0), (4, 4.0, 8.0), (50, 300.0, 600.0)])
def test_pauses_double_up_to_the_longest(failures: int, least: float, most: float) -> None:
    """And are jittered between half and all of it."""
    persistence = Persistence()
    assert persistence.pause(failures, 0.0) == least
    assert least < persistence.pause(failures, 0.5) < most
    assert persistence.pause(failures, 1.0 - 1e-12) == pytest.approx(most)
