"""Every call of the API as data: what is sent, and how the answer is read. Both clients send these."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import quote, urlencode

import httpx

from streamsel.client.leading import Dispute, History, Reviewer
from streamsel.client.listed import QueryPage, QueryState
from streamsel.client.problems import Problem
from streamsel.client.records import (
    Answer,
    Caller,
    Claim,
    LabelChoices,
    Model,
    Outcome,
    PastAnswer,
    QueueFigures,
    Record,
)

T = TypeVar("T")
R = TypeVar("R", bound=Record)

_ANSWER_SECONDS = 15.0
"""Besides the time that a call is meant to wait, how long the desk may take."""

_A_PAGE = 100
"""Queries, the most there may be."""


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
            raise Problem.in_place_of(response)
        return self.read(response.json() if response.content else None)


def claim(queue: str | None, count: int, wait_seconds: float) -> Call[list[Claim]]:
    body: dict[str, Any] = {"count": count, "wait_seconds": wait_seconds}
    if queue is not None:
        body["queue"] = queue
    return _sending("POST", "/v1/claims", body, _each(Claim), wait_seconds=wait_seconds)


def label(claim: Claim, name: str, idempotency_key: str | None) -> Call[Answer]:
    return _sending(
        "PUT",
        _path("claims", claim.query_id, "label"),
        {"label": name, "fence": claim.fence},
        Answer.of,
        {"Idempotency-Key": idempotency_key or str(uuid.uuid4())},
    )


def label_many(answers: Iterable[tuple[Claim, str]]) -> Call[list[Outcome]]:
    # One answer a claim: its fence tells it from all others, even to a program that has forgotten.
    many = [
        {
            "query_id": claim.query_id,
            "fence": claim.fence,
            "label": name,
            "idempotency_key": f"{claim.query_id}/{claim.fence}",
        }
        for claim, name in answers
    ]
    return _sending("POST", "/v1/labels", {"answers": many}, _outcomes)


def extend(claim: Claim) -> Call[Claim]:
    return _about(claim, "extend", Claim.of)


def release(claim: Claim) -> Call[None]:
    return _about(claim, "release", _nothing)


def skip(claim: Claim, reason: str) -> Call[None]:
    return _about(claim, "skip", _nothing, reason=reason)


def escalate(claim: Claim, reason: str) -> Call[None]:
    return _about(claim, "escalate", _nothing, reason=reason)


def answers() -> Call[list[PastAnswer]]:
    return Call("GET", "/v1/answers", _each(PastAnswer))


def correct(answer: Answer | PastAnswer, name: str) -> Call[Answer]:
    return _sending(
        "PUT", _path("queries", answer.query_id, "label"), {"label": name}, Answer.of, _if_match(answer)
    )


def undo(answer: Answer | PastAnswer) -> Call[Claim]:
    return Call("DELETE", _path("queries", answer.query_id, "label"), Claim.of, headers=_if_match(answer))


def queue() -> Call[QueueFigures]:
    return Call("GET", "/v1/queue", QueueFigures.of)


def query(query_id: str) -> Call[QueryState]:
    return Call("GET", _path("queries", query_id), QueryState.of)


def page(state: str | None, queue: str | None, cursor: str | None) -> Call[QueryPage]:
    asked = {"state": state, "queue": queue, "cursor": cursor, "limit": _A_PAGE}
    given = {name: value for name, value in asked.items() if value is not None}
    return Call("GET", f"/v1/queries?{urlencode(given)}", QueryPage.of)


def label_choices() -> Call[LabelChoices]:
    return Call("GET", "/v1/labels", LabelChoices.of)


def who() -> Call[Caller]:
    return Call("GET", "/v1/session", Caller.of)


def model() -> Call[Model]:
    return Call("GET", "/v1/model", Model.of)


def reviewers() -> Call[list[Reviewer]]:
    return Call("GET", "/v1/reviewers", _each(Reviewer))


def pause(reviewer: str, reason: str) -> Call[None]:
    return _sending("POST", _path("reviewers", reviewer, "pause"), {"reason": reason}, _nothing)


def resume(reviewer: str) -> Call[None]:
    return Call("POST", _path("reviewers", reviewer, "resume"), _nothing)


def disputes() -> Call[list[Dispute]]:
    return Call("GET", "/v1/disputes", _each(Dispute))


def reassign(query_id: str) -> Call[list[str]]:
    return Call("POST", _path("queries", query_id, "reassign"), lambda found: list(found["taken_from"]))


def evidence(query_id: str) -> Call[Mapping[str, Any]]:
    return Call("GET", _path("queries", query_id, "evidence"), dict)


def history(hours: float) -> Call[History]:
    return Call("GET", f"/v1/history?{urlencode({'hours': hours})}", History.of)


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


def _if_match(answer: Answer | PastAnswer) -> Mapping[str, str]:
    return {"If-Match": f'"{answer.revision}"'}


def _each(kind: type[R]) -> Callable[[Any], list[R]]:
    return lambda found: [kind.of(one) for one in found]


def _outcomes(found: Any) -> list[Outcome]:
    outcomes = [Outcome.of(one) for one in found["answers"]]
    for one in outcomes:
        # Sent again as a whole: what is recorded is only told again.
        if one.problem is not None and one.problem.retry_after is not None:
            raise one.problem
    return outcomes


def _nothing(_: object) -> None:
    return None
