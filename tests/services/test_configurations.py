"""What was configured is recorded once, and found by its id."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import orjson
import pytest

from streamsel.adapters.clock import SystemClock
from streamsel.adapters.embedded import EmbeddedValkey
from streamsel.adapters.redis_streams import RedisStreams
from streamsel.adapters.redis_streams_log import RedisKeptLog, RedisLabelLog
from streamsel.config import Config
from streamsel.config.recorded import recorded
from streamsel.services.configurations import Configuration, configurations, record

ONE: dict[str, Any] = {"select": {"strategy": "entropy", "rules": [{"name": "große | Beträge"}]}}
OTHER: dict[str, Any] = {"select": {"strategy": "margin"}}


@dataclass
class Kept:
    """Both logs."""

    log: RedisKeptLog
    labels: RedisLabelLog

    async def record(self, content: dict[str, Any]) -> str:
        return await record(self.log, self.labels, content, SystemClock())

    async def all(self) -> list[Configuration]:
        return [one async for one in configurations(self.log)]


@pytest.fixture
async def kept(valkey: EmbeddedValkey, prefix: str) -> AsyncIterator[Kept]:
    """Empty logs."""
    streams = RedisStreams(valkey.url, prefix)
    logs = Kept(RedisKeptLog(streams, streams.configurations), RedisLabelLog(streams))
    yield logs
    await logs.log.close()
    await logs.labels.close()


async def test_what_is_in_force_already_is_not_written_again(kept: Kept) -> None:
    """However often processes start; another configuration is, and so is the first when it comes back."""
    names = [await kept.record(content) for content in (ONE, ONE, OTHER, ONE)]
    assert [one.configuration_id for one in await kept.all()] == [names[0], names[2], names[0]]
    assert names[0] == names[1] == names[3] != names[2]
    assert [one.content for one in await kept.all()] == [ONE, OTHER, ONE]


async def test_an_id_does_not_depend_on_the_order_of_keys(kept: Kept) -> None:
    """The same configuration written otherwise is the same."""
    assert await kept.record({"a": 1, "b": {"c": 2, "d": 3}}) == await kept.record(
        {"b": {"d": 3, "c": 2}, "a": 1}
    )


async def test_it_says_where_the_label_log_ended(kept: Kept) -> None:
    """So a label tells which configurations were there before it."""
    await kept.record(ONE)
    await kept.labels.append([b"one", b"two"])
    await kept.record(OTHER)
    assert [one.labels_end for one in await kept.all()] == [0, 2]


async def test_an_entry_that_is_not_what_its_id_says_is_left_out(kept: Kept) -> None:
    """Changed afterwards, or no entry at all."""
    name = await kept.record(ONE)
    ((_, entry),) = await kept.log.read(0, 1, 1.0)
    forged = entry.replace(b"entropy", b"random!")
    await kept.log.append([forged, b"{", b"[]", orjson.dumps({"configuration_id": name})])
    assert [one.content for one in await kept.all()] == [ONE]


def test_what_is_recorded_holds_no_secret_and_no_address() -> None:
    """Keys, passwords, servers, people and webhooks stay where they are."""
    config = Config.model_validate(
        {
            "stream": {"hash": ["email"], "hash_key": "s3cret-s3cret-s3cret", "redact": ["card"]},
            "redis": {"url": "redis://:s3cret@store.example"},
            "kafka": {"bootstrap_servers": "broker.example:9092", "sasl_password": "s3cret"},
            "auth": {"keys": [{"name": "alice", "scope": "lead", "sha256": "ab" * 32}]},
            "oracles": {
                "models": {
                    "gpt": {"base_url": "https://llm.example/v1", "model": "large", "api_key": "s3cret"}
                }
            },
            "desk": {
                "host": "desk.example",
                "webhooks": [
                    {
                        "url": "https://tool.example/in",
                        "secret": "whsec_" + "czNjcmV0LXMzY3JldC1zM2NyZXQtczNjcmV0",
                        "events": ["label.recorded"],
                    }
                ],
            },
        }
    )
    content = recorded(config)
    written = orjson.dumps(content).decode()
    for unwanted in ("s3cret", "czNj", ".example", "alice", "abab", "hash_key", "webhooks"):
        assert unwanted not in written
    assert content["stream"]["redact"] == ["card"]
    assert content["stream"]["hash"] == ["email"]
    assert content["oracles"]["models"]["gpt"]["model"] == "large"
