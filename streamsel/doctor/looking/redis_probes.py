"""What we may do on Redis, tried out without doing it.

A server checks rights when a command is queued in a transaction; the transaction is then discarded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from redis.asyncio import Redis
from redis.exceptions import NoPermissionError, ResponseError

from streamsel.doctor.redis_rights import Rights

_PROBE = "streamsel-doctor"
_ARGUMENTS: Mapping[str, str] = {
    "config|get": "maxmemory",
    "discard": "",
    "evalsha": f"{_PROBE} 0",
    "exec": "",
    "exists": "KEY",
    "fcall": f"{_PROBE} 1 KEY",
    "function|load": "#!lua",
    "hdel": "KEY f",
    "hget": "KEY f",
    "hincrby": "KEY f 1",
    "hmget": "KEY f",
    "hset": "KEY f v",
    "incr": "KEY",
    "info": "",
    "lpos": "KEY v",
    "lpush": "KEY v",
    "lrange": "KEY 0 0",
    "lrem": "KEY 0 v",
    "ltrim": "KEY 0 0",
    "multi": "",
    "pexpire": "KEY 1",
    "publish": "CHANNEL v",
    "sadd": "KEY v",
    "script|load": "return",
    "select": "0",
    "set": "KEY v",
    "subscribe": "CHANNEL",
    "time": "",
    "unsubscribe": "",
    "xadd": "KEY * f v",
    "xrange": "KEY - +",
    "xread": "STREAMS KEY 0",
    "xrevrange": "KEY + -",
    "xtrim": "KEY MAXLEN 0",
    "zadd": "KEY 1 v",
    "zcount": "KEY 0 0",
    "zrange": "KEY 0 0",
    "zrangebyscore": "KEY 0 0",
    "zrank": "KEY v",
    "zrem": "KEY v",
    "zremrangebyscore": "KEY 0 0",
    "zscore": "KEY v",
}
"""Of each command that takes other arguments than one key."""
_OF_THE_TRANSACTION = frozenset({"multi", "exec", "discard"})
"""Not queued; that the probing works shows them."""


async def denied(client: Redis, rights: Rights) -> Sequence[str] | None:
    """What the ACL lacks, as it writes it; ``None`` where we may not begin a transaction."""
    connection = await client.connection_pool.get_connection()  # type: ignore[no-untyped-call]

    async def reply(*words: str) -> Exception | None:
        await connection.send_command(*words)
        try:
            await connection.read_response()
        except ResponseError as error:
            return error
        return None

    try:
        if await reply("MULTI") is not None:
            return None
        key, (channel,) = rights.keys[0].replace("*", _PROBE), rights.channels
        lacking = []
        for command in rights.commands:
            if command in _OF_THE_TRANSACTION:
                continue
            error = await reply(*_words(command, key, channel))
            if isinstance(error, NoPermissionError) and "command" in str(error):
                lacking.append(f"+{command}")
        reader = next((one for one in ("get", "hget") if f"+{one}" not in lacking), None)
        if reader is not None:
            for pattern in rights.keys:
                error = await reply(*_words(reader, pattern.replace("*", _PROBE), channel))
                if isinstance(error, NoPermissionError):
                    lacking.append(f"~{pattern}")
        if "+publish" not in lacking:
            error = await reply(*_words("publish", key, channel))
            if isinstance(error, NoPermissionError):
                lacking.append(f"&{channel}")
        await reply("DISCARD")
        return lacking
    finally:
        await client.connection_pool.release(connection)


def _words(command: str, key: str, channel: str) -> list[str]:
    arguments = _ARGUMENTS.get(command, "KEY").split()
    return [*command.split("|"), *({"KEY": key, "CHANNEL": channel}.get(one, one) for one in arguments)]
