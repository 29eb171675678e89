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
    "evalsha": f"{_PROBE} 0",
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
_READERS = ("get", "hget")
_OF_TRANSACTIONS = ("multi", "exec", "discard")
"""Not queued, but tried out by themselves."""
_NO_COMMAND = "run the"
"""In the words of the server when it is the command that is not allowed, and not the key."""


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
            if command not in _OF_TRANSACTIONS:
                error = await reply(*_words(command, key, channel))
                if isinstance(error, NoPermissionError) and _NO_COMMAND in str(error):
                    lacking.append(f"+{command}")
        reader = next((one for one in _READERS if f"+{one}" not in lacking), None)
        for pattern in rights.keys if reader is not None else ():
            error = await reply(*_words(reader or "", pattern.replace("*", _PROBE), channel))
            if isinstance(error, NoPermissionError):
                lacking.append(f"~{pattern}")
        error = await reply(*_words("publish", key, channel))
        if isinstance(error, NoPermissionError) and _NO_COMMAND not in str(error):
            lacking.append(f"&{channel}")
        if await reply("DISCARD") is not None:
            lacking.append("+discard")
        elif "exec" in rights.commands and (await reply("MULTI") or await reply("EXEC")) is not None:
            lacking.append("+exec")
        return lacking
    finally:
        # Whatever was queued still goes with it.
        await connection.disconnect()
        await client.connection_pool.release(connection)


def _words(command: str, key: str, channel: str) -> list[str]:
    arguments = _ARGUMENTS.get(command, "KEY").split()
    return [*command.split("|"), *({"KEY": key, "CHANNEL": channel}.get(one, one) for one in arguments)]
