"""Redis streams as logs: names, offsets, connections, and the settings under which they are safe.

The ids of a stream are written by us as ``0-1``, ``0-2`` …, so that an entry's offset is the second part
less one: offsets are integers that start at 0. Needs Redis 7 or Valkey, which count on from ``0-*``.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

from redis.asyncio import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError
from redis.retry import Retry

from streamsel.ports import SourceUnavailable, TopicRefused

_ANSWER_SECONDS = 10.0
_OLDEST_MAJOR_VERSION = 7

Entry: TypeAlias = tuple[bytes, Sequence[bytes]]
"""As the server sends it: id, then field and value in turn. Our one field is ``v``."""


@dataclass(frozen=True, slots=True)
class RedisStreams:
    """The streams under one prefix on one server. Their keys share a hash slot."""

    url: str
    prefix: str

    @property
    def topic(self) -> str:
        """What events say they came from."""
        return f"{self.prefix}:events"

    def key(self, name: str) -> str:
        return f"{{{self.prefix}}}:{name}"

    def events(self, partition: int) -> str:
        return self.key(f"events:{partition}")

    def decisions(self, partition: int) -> str:
        return self.key(f"decisions:{partition}")

    @property
    def labels(self) -> str:
        return self.labels_of(1)

    def labels_of(self, epoch: int) -> str:
        return self.key("labels" if epoch == 1 else f"labels.{epoch}")

    @property
    def audit(self) -> str:
        return self.key("audit")

    @property
    def configurations(self) -> str:
        return self.key("configurations")

    @property
    def summaries(self) -> str:
        return self.key("summaries")

    @property
    def dead_letters(self) -> str:
        return self.key("dead-letters")

    def client(self) -> Redis:
        """A client of its own pool, which sends each command once and gives entries as the server sent them.

        A command repeated unseen could append twice; whoever may repeat it does so in the open. Commands
        are bounded by ``answering``: with a ``socket_timeout`` redis-py sends by ``asyncio.wait_for``, which
        until Python 3.12 could swallow the cancellation of its task.
        """
        client = Redis.from_url(self.url, protocol=2, socket_timeout=None, retry=Retry(NoBackoff(), 0))
        for command in ("XREAD", "XRANGE", "XREVRANGE"):
            client.set_response_callback(command, _as_sent)
        return client


def _as_sent(response: Any, **_: Any) -> Any:
    return response or []


async def command(client: Redis, *words: str | bytes | int) -> Any:
    """The reply to one command, as the client gives it."""
    return await client.execute_command(*words)  # type: ignore[no-untyped-call]


def offset_of(entry_id: bytes) -> int:
    """The offset behind an id."""
    return int(entry_id[2:]) - 1


def id_at(offset: int) -> str:
    """The id of the entry at ``offset``."""
    return f"0-{offset + 1}"


def id_before(offset: int) -> str:
    """The id after which XREAD finds the entry at ``offset``."""
    return f"0-{offset}"


@asynccontextmanager
async def answering(refusal: type[Exception], doing: str, wait_seconds: float = 0.0) -> AsyncIterator[None]:
    """Turns whatever redis-py raises while ``doing`` something into ``refusal``, with the reason; so, too,
    when the server does not answer, which it may take ``wait_seconds`` more to do."""
    try:
        async with asyncio.timeout(wait_seconds + _ANSWER_SECONDS):
            yield
    except (RedisError, OSError) as error:  # a timeout is an OSError
        # redis-py puts the reason into the text alone, asyncio into the type alone.
        raise refusal(f"{doing}: {str(error) or type(error).__name__}") from error


async def ensure_streams(streams: RedisStreams, *, partitions: int, allow_volatile: bool = False) -> None:
    """Checks the server, and fixes the number of event partitions the first time.

    Raises ``TopicRefused`` for a server that may lose labels (they are the truth, and a reply must mean
    that they are on disk) or evict them, that is too old, or whose streams have another number of
    partitions. ``allow_volatile`` takes a server without an append-only file, for tests of other things.
    Raises ``SourceUnavailable`` when the server does not answer.
    """
    async with answering(SourceUnavailable, "checking the Redis server"), streams.client() as client:
        version = str((await client.info("server"))["redis_version"])
        if int(version.split(".")[0]) < _OLDEST_MAJOR_VERSION:
            raise TopicRefused(f"redis_version is {version}; the logs need Redis 7 or Valkey")
        wanted = {"maxmemory-policy": "noeviction"}
        if not allow_volatile:
            wanted |= {"appendonly": "yes", "appendfsync": "always"}
        for setting, value in wanted.items():
            await _check(client, setting, value)
        await _fix_partitions(client, streams, partitions)


async def _check(client: Redis, setting: str, wanted: str) -> None:
    try:
        found = (await client.config_get(setting)).get(setting)
    except ResponseError as error:
        raise TopicRefused(
            f"{setting} must be {wanted} for the label log, and cannot be read: {error}"
        ) from None
    if found != wanted:
        raise TopicRefused(
            f"the Redis server has {setting} {found} and must have {setting} {wanted}, for the label log is"
            f" kept there: redis-cli CONFIG SET {setting} {wanted}, and the same in its configuration file"
        )


async def _fix_partitions(client: Redis, streams: RedisStreams, partitions: int) -> None:
    key = streams.key("partitions")
    await client.set(key, partitions, nx=True)
    fixed = int(await client.get(key) or 0)
    if fixed != partitions:
        raise TopicRefused(
            f"{streams.topic} has {fixed} partitions, not {partitions}: events of one id would change places."
            " Set the number back, or choose another prefix."
        )
