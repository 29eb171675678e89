"""Every call of the API as data: what is sent, and how the answer is read. Both clients send these."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import httpx

from streamsel.client.problems import Problem
from streamsel.client.records import Answer, Claim, PastAnswer, QueueFigures

T = TypeVar("T")

_ANSWER_SECONDS = 15.0
"""Besides the time that a call is meant to wait, how long the desk may take."""


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One call; ``read`` turns the answer's JSON into its result. It may be sent again as it is."""

    method: str
    path: str
    read: Callable[[Any], T]
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    wait_seconds: float = 0.0

    @property
    def request(self) -> dict[str, Any]:
        """The arguments of httpx's ``request``."""
        return {
            "method": self.method,
            "url": self.path,
            "content": self.content,
            "headers": self.headers,
            "timeout": _ANSWER_SECONDS + self.wait_seconds,
        }

    def result(self, response: httpx.Response) -> T:
        """What the call gives. Raises ``Problem``."""
        if not response.is_success:
            raise Problem(response)
        return self.read(response.json() if response.content else None)


def claim(queue: str | None, count: int, wait_seconds: float) -> Call[list[Claim]]:
    body: dict[str, Any] = {"count": count, "wait_seconds": wait_seconds}
    if queue is not None:
        body["queue"] = queue
    return _sending("POST", "/v1/claims", body, _claims, wait_seconds=wait_seconds)


def label(claim: Claim, name: str, idempotency_key: str | None) -> Call[Answer]:
    return _sending(
        "PUT",
        _path("claims", claim.query_id, "label"),
        {"label": name, "fence": claim.fence},
        Answer.of,
        {"Idempotency-Key": idempotency_key or str(uuid.uuid4())},
    )


def extend(claim: Claim) -> Call[Claim]:
    return _about(claim, "extend", Claim.of)


def release(claim: Claim) -> Call[None]:
    return _about(claim, "release", _nothing)


def skip(claim: Claim, reason: str) -> Call[None]:
    return _about(claim, "skip", _nothing, reason=reason)


def escalate(claim: Claim, reason: str) -> Call[None]:
    return _about(claim, "escalate", _nothing, reason=reason)


def answers() -> Call[list[PastAnswer]]:
    return Call("GET", "/v1/answers", lambda found: [PastAnswer.of(one) for one in found])


def correct(answer: PastAnswer, name: str) -> Call[Answer]:
    return _sending(
        "PUT", _path("queries", answer.query_id, "label"), {"label": name}, Answer.of, _if_match(answer)
    )


def undo(answer: PastAnswer) -> Call[Claim]:
    return Call("DELETE", _path("queries", answer.query_id, "label"), Claim.of, headers=_if_match(answer))


def queue() -> Call[QueueFigures]:
    return Call("GET", "/v1/queue", QueueFigures.of)


def send(events: Iterable[Mapping[str, Any]]) -> Call[int]:
    lines = [json.dumps(event, allow_nan=False) for event in events]
    return Call(
        "POST",
        "/v1/events",
        lambda found: len(found["sources"]),
        "\n".join(lines).encode(),
        {"Content-Type": "application/x-ndjson"},
    )


def _about(claim: Claim, action: str, read: Callable[[Any], T], **more: str) -> Call[T]:
    return _sending("POST", _path("claims", claim.query_id, action), {"fence": claim.fence, **more}, read)


def _sending(
    method: str,
    path: str,
    body: Mapping[str, Any],
    read: Callable[[Any], T],
    headers: Mapping[str, str] | None = None,
    wait_seconds: float = 0.0,
) -> Call[T]:
    content = json.dumps(body, allow_nan=False).encode()
    return Call(
        method, path, read, content, {"Content-Type": "application/json", **(headers or {})}, wait_seconds
    )


def _path(*parts: str) -> str:
    return "/v1/" + "/".join(quote(part, safe="") for part in parts)


def _if_match(answer: PastAnswer) -> Mapping[str, str]:
    return {"If-Match": f'"{answer.revision}"'}


def _claims(found: list[Any]) -> list[Claim]:
    return [Claim.of(one) for one in found]


def _nothing(_: object) -> None:
    return None
