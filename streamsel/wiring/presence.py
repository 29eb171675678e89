"""A process that uses the logs, or erases from them, and the lease under which it does."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from contextlib import AsyncExitStack, suppress

from redis.asyncio import Redis

from streamsel.adapters.clock import SystemClock
from streamsel.adapters.redis_presence import RedisPresence
from streamsel.config import Config
from streamsel.review.refusals import DeskUnreachable
from streamsel.services.ending import end
from streamsel.services.presence import Lease

_END_SECONDS = 1.0


async def using_logs(config: Config, client: Redis, stack: AsyncExitStack) -> Lease:
    """Until the stack ends, or the lease does because the store can't be reached. Raises ``InUse`` while
    another process erases labels."""
    presence = RedisPresence(client, config.redis.prefix, _name())
    lease = Lease(presence.use, SystemClock(), "labels are being erased, try again when that is done, by")
    return await _kept(presence, lease, stack)


async def erasing(config: Config, client: Redis, stack: AsyncExitStack) -> Lease:
    """As ``using_logs``. Raises ``InUse`` while others use the logs."""
    presence = RedisPresence(client, config.redis.prefix, _name())
    lease = Lease(presence.erase, SystemClock(), "these use the logs and must be stopped first")
    return await _kept(presence, lease, stack)


async def _kept(presence: RedisPresence, lease: Lease, stack: AsyncExitStack) -> Lease:
    await lease.begin()
    stack.push_async_callback(_ended, presence)
    stack.push_async_callback(end, asyncio.create_task(lease.keep()))
    return lease


async def _ended(presence: RedisPresence) -> None:
    with suppress(DeskUnreachable, TimeoutError):  # then it ends by itself
        async with asyncio.timeout(_END_SECONDS):
            await presence.end()


def _name() -> str:
    """For people, and for no other process."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"
