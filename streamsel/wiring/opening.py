"""A configuration to opened logs and stores: for commands, and for the service to build upon.

Beside a running service a command shares its embedded server.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from streamsel.adapters.clock import SystemClock
from streamsel.adapters.embedded import DataDirectoryInUse, EmbeddedValkey
from streamsel.adapters.redis_desk import RedisReviewQueue
from streamsel.adapters.redis_replicas import RedisReplicas
from streamsel.config import Config, ConfigurationError
from streamsel.metrics import Metrics
from streamsel.ports import AuditLog, LabelLog, ReviewQueue
from streamsel.ports.replicas import Replicas
from streamsel.services.presence import LeasedLabelLog
from streamsel.services.rebuilding import Rebuilt, rebuild
from streamsel.wiring.desk import desk_of, desk_settings, routing
from streamsel.wiring.logs import Logs, kafka_logs, redis_logs
from streamsel.wiring.presence import using_logs

DESK_CLIENT: dict[str, Any] = {
    "socket_timeout": 3.0,
    "socket_connect_timeout": 2.0,
    # An outage is to be noticed at once; waiting for its end is the services' affair.
    "retry": Retry(NoBackoff(), 1),
}


@asynccontextmanager
async def opened_label_log(config: Config) -> AsyncIterator[LabelLog]:
    """The label log alone, for commands; beside a running service it shares the embedded server."""
    async with opened_logs(config) as logs:
        yield logs.labels


@asynccontextmanager
async def opened_replicas(config: Config) -> AsyncIterator[Replicas]:
    """What live selectors say of their models; beside a running service it shares the embedded server."""
    async with AsyncExitStack() as stack:
        url = await redis_url(config, stack, share=True)
        yield RedisReplicas(desk_client(url, stack), config.redis.prefix)


@asynccontextmanager
async def opened_audit_log(config: Config) -> AsyncIterator[AuditLog]:
    """The audit log alone, for commands; beside a running service it shares the embedded server."""
    async with opened_logs(config) as logs:
        yield logs.audit


@asynccontextmanager
async def opened_logs(config: Config) -> AsyncIterator[Logs]:
    """All logs, for commands; beside a running service they share the embedded server."""
    async with AsyncExitStack() as stack:
        yield await opened_on(config, await redis_url(config, stack, share=True), stack)


@asynccontextmanager
async def opened_review_queue(config: Config) -> AsyncIterator[ReviewQueue]:
    """The desk's store alone, for commands; beside a running service it shares the embedded server."""
    async with AsyncExitStack() as stack:
        yield await review_queue(config, await redis_url(config, stack, share=True), stack)


async def rebuilt_desk(config: Config, watch: Callable[[int], Callable[[int], None]]) -> Rebuilt:
    """The desk's queue made anew from the logs, beside running services or without any; see ``rebuild``."""
    async with AsyncExitStack() as stack:
        url = await redis_url(config, stack, share=True)
        logs = await opened_on(config, url, stack)
        queue = await review_queue(config, url, stack, logs.epoch)
        desk = desk_of(config, queue, logs.labels, SystemClock(), Metrics())
        return await rebuild(
            queue, desk, logs.labels, logs.decision_readers, config.capacity.expire_seconds, watch
        )


async def review_queue(config: Config, url: str, stack: AsyncExitStack, epoch: int = 1) -> RedisReviewQueue:
    """The desk's store, checked. ``epoch`` is that of the label log which it is settled with."""
    client = desk_client(url, stack)
    queue = RedisReviewQueue(client, config.redis.prefix, desk_settings(config), routing(config), epoch=epoch)
    stack.push_async_callback(queue.close)
    await queue.check()
    return queue


def desk_client(url: str, stack: AsyncExitStack) -> redis.asyncio.Redis:
    """A client that tells of an outage at once."""
    client = redis.asyncio.Redis.from_url(url, **DESK_CLIENT)
    stack.push_async_callback(client.aclose)
    return client


async def opened_on(
    config: Config, redis_url: str, stack: AsyncExitStack, stalled: Callable[[str], None] = lambda _: None
) -> Logs:
    """All logs, under a lease that keeps others from erasing from them. ``stalled`` is told the topic of each
    Kafka client that is given up because nothing moved."""
    lease = await using_logs(config, desk_client(redis_url, stack), stack)
    if config.kafka.bootstrap_servers is None:
        logs = await redis_logs(redis_url, config.redis.prefix, config.kafka)
    else:
        logs = await kafka_logs(config.kafka, stalled)
    stack.push_async_callback(logs.close)
    return replace(logs, labels=LeasedLabelLog(logs.labels, lease))


async def redis_url(config: Config, stack: AsyncExitStack, *, share: bool = False) -> str:
    """Of the configured server, or of an embedded one that ends with the stack.

    ``share``: when another process serves the data directory, use that one.
    """
    if config.redis.address is not None:
        return config.redis.address
    try:
        server = EmbeddedValkey(config.redis.data_dir)
    except ValueError as error:
        raise ConfigurationError(f"redis.data_dir: {error}") from None
    try:
        await asyncio.to_thread(server.start)
    except DataDirectoryInUse:
        if not share:
            raise
    else:
        stack.callback(server.stop)
    return server.url
