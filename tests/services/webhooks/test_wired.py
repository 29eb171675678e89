"""Webhooks as configured, in a whole desk."""

from __future__ import annotations

import asyncio

import orjson
from redis.asyncio import Redis

from streamsel.adapters.embedded import EmbeddedValkey
from streamsel.adapters.redis_streams import RedisStreams
from streamsel.adapters.redis_streams_sinks import RedisDecisionSink
from streamsel.config import Config
from streamsel.ports import OutgoingDecisions
from streamsel.wiring.service import running
from tests.services.webhooks.conftest import SECRET, Receiver, Records, label
from tests.services.webhooks.test_messages import DECISION


async def test_a_desk_tells_of_queries_and_labels(
    valkey: EmbeddedValkey, prefix: str, client: Redis, receiver: Receiver, records: Records
) -> None:
    """Each log is followed, from where it ended when the address was first configured."""
    webhook = {"url": receiver.url, "secret": SECRET, "events": ["label.recorded", "query.offered"]}
    config = Config.model_validate(
        {
            "redis": {"url": valkey.url, "prefix": prefix},
            "desk": {"port": 0, "webhooks": [webhook]},
            "labels": {"names": ["fraud", "legitimate"]},
        }
    )
    sink = RedisDecisionSink(RedisStreams(valkey.url, prefix))
    async with running(config, frozenset({"desk"})):
        async with asyncio.timeout(20):
            while len(await client.keys(f"{{{prefix}}}:webhooks:*:delivered")) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        await (await sink.send([OutgoingDecisions(0, [7], [orjson.dumps(DECISION)])]))
        await records.append(label(1))
        await receiver.wait_for(lambda: len(receiver.taken) == 2)
    await sink.close()
    assert {message.type for message in receiver.taken} == {"label.recorded", "query.offered"}
