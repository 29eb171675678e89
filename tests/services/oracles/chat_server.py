"""A server on a real socket that speaks OpenAI's chat completions, and misbehaves as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import orjson


@dataclass(frozen=True)
class Reply:
    """One answer; ``body`` as it goes over the wire. ``before`` is awaited first."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    before: Callable[[], Awaitable[Any]] | None = None


def completion(content: Any, *, finish_reason: str = "stop", refusal: str | None = None) -> Reply:
    """A chat completion whose message has this content."""
    message = {"role": "assistant", "content": content, "refusal": refusal}
    choice = {"index": 0, "message": message, "finish_reason": finish_reason}
    return Reply(body=orjson.dumps({"id": "1", "object": "chat.completion", "choices": [choice]}))


def labelled(label: str) -> Reply:
    """As it should be."""
    return completion(orjson.dumps({"label": label}).decode())


@dataclass
class ChatServer:
    """Gives the ``replies`` in turn, the last one ever after."""

    replies: list[Reply] = field(default_factory=lambda: [labelled("fraud")])
    base_url: str = ""
    paths: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Of HTTP/1.1 as much as this takes; one call a connection."""
        with suppress(OSError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {name.lower(): said for name, said in (line.split(": ", 1) for line in head[1:-2])}
            body = await reader.readexactly(int(headers["content-length"]))
            self.paths.append(head[0])
            self.headers.append(headers)
            self.bodies.append(body)
            self.calls.append(orjson.loads(body))
            reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            if reply.before is not None:
                await reply.before()
            self.at_once -= 1
            told = {**reply.headers, "Content-Length": str(len(reply.body)), "Connection": "close"}
            lines = [f"HTTP/1.1 {reply.status} X", *(f"{name}: {said}" for name, said in told.items())]
            writer.write("\r\n".join([*lines, "", ""]).encode() + reply.body)
            await writer.drain()
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


@asynccontextmanager
async def chat_server(*replies: Reply) -> AsyncIterator[ChatServer]:
    """Listening on a free port of this machine."""
    chat = ChatServer([*replies] or [labelled("fraud")])
    server = await asyncio.start_server(chat.serve, "127.0.0.1", 0)
    chat.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield chat
    finally:
        server.close()
        await server.wait_closed()
