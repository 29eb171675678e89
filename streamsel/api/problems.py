"""Errors as RFC 9457 problem details, each under a type that never changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from fastapi import HTTPException
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

MEDIA_TYPE = "application/problem+json"
_IN_SCOPE = "streamsel.problem"


class Kind(NamedTuple):
    """One kind of problem. ``retry_after``, in seconds, when the same call may work a little later."""

    slug: str
    status: int
    title: str
    retry_after: int | None = None

    @property
    def type(self) -> str:
        """The problem's ``type``: a relative reference, stable over releases."""
        return f"/problems/{self.slug}"


UNAUTHENTICATED = Kind("unauthenticated", 401, "An API key or a session is needed")
FORBIDDEN = Kind("forbidden", 403, "This key may not do that")
NOT_PERMITTED = Kind("not-permitted", 403, "That queue is for others")
PAUSED = Kind("paused", 403, "A lead has paused your reviewing")
CROSS_SITE = Kind("cross-site", 403, "The call did not come from the page itself")
NOT_INVITED = Kind("not-invited", 403, "You are known, but not let in here")
NOT_FOUND = Kind("not-found", 404, "There is nothing here")
UNKNOWN_QUEUE = Kind("unknown-queue", 404, "There is no such queue")
UNKNOWN_CURSOR = Kind("unknown-cursor", 404, "There is no such page")
UNKNOWN_QUERY = Kind("unknown-query", 404, "There is no such query")
METHOD_NOT_ALLOWED = Kind("method-not-allowed", 405, "Not with this method")
SUPERSEDED = Kind("superseded", 409, "The claim no longer counts")
NOT_UNDOABLE = Kind("not-undoable", 409, "That answer cannot be changed any more")
DIRECTIVE_REFUSED = Kind("directive-refused", 409, "The model cannot be changed so")
STALE = Kind("stale", 412, "The answer has changed since")
TOO_LARGE = Kind("too-large", 413, "The body is too large")
WRONG_MEDIA_TYPE = Kind("wrong-media-type", 415, "The body must be JSON")
MALFORMED = Kind("malformed", 422, "The body is not JSON")
INVALID = Kind("invalid", 422, "Something in the request is not as it must be")
NOT_A_LABEL = Kind("not-a-label", 422, "That is not one of the labels")
UNREADABLE_EVENT = Kind("unreadable-event", 422, "The body is not an event")
ON_BREAK = Kind("on-break", 429, "Time for a break", 60)
TOO_MANY_LISTENERS = Kind("too-many-listeners", 429, "This caller listens too often already", 5)
HEADERS_TOO_LARGE = Kind("headers-too-large", 431, "The headers are too large")
PRECONDITION_REQUIRED = Kind("precondition-required", 428, "The ETag of the answer is needed")
INTERNAL = Kind("internal", 500, "Something went wrong here")
TOO_MANY_CALLS = Kind("too-many-calls", 429, "Too many calls", 1)
UNAUDITED = Kind("unaudited", 503, "The audit log does not answer", 2)
UNRECORDED = Kind("unrecorded", 503, "The label may not be recorded yet", 1)
LABEL_LOG_UNREACHABLE = Kind("label-log-unreachable", 503, "The label log does not answer", 2)
DESK_UNREACHABLE = Kind("desk-unreachable", 503, "The desk does not answer", 2)
PROVIDER_UNREACHABLE = Kind("provider-unreachable", 503, "The sign-in provider does not answer", 5)
STREAM_UNREACHABLE = Kind("stream-unreachable", 503, "The event stream does not answer", 2)
STOPPING = Kind("stopping", 503, "This process is about to end", 1)
NOT_READY = Kind("not-ready", 503, "This process cannot do its work yet", 2)


class FieldError(BaseModel):
    """What is wrong with one field. Values that may be secret or large are left out."""

    field: str = Field(description="Name of the field, by dotted path, or of the header.")
    value: str | int | float | bool | None = Field(
        None, description="What was sent, if it is safe to repeat."
    )
    expected: str = Field(description="What is right.")


class ProblemDetails(BaseModel):
    """RFC 9457 problem details."""

    model_config = ConfigDict(title="Problem")

    type: str = Field(description="Stable name of the kind of problem.", examples=["/problems/superseded"])
    title: str = Field(description="The kind of problem in a few words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What happened this time.")
    errors: list[FieldError] = Field([], description="What is wrong, field by field.")
    reasons: list[str] = Field([], description="Why the process cannot do its work.")
    sign_in: str | None = Field(None, description="Where people sign in.", examples=["/v1/session/login"])


class Problem(HTTPException):
    """Raised anywhere in a call, even while its body is read; becomes the response."""

    def __init__(
        self,
        kind: Kind,
        detail: str,
        errors: Sequence[FieldError] = (),
        *,
        reasons: Sequence[str] = (),
        headers: Mapping[str, str] | None = None,
        sign_in: str | None = None,
    ) -> None:
        retry = {} if kind.retry_after is None else {"Retry-After": str(kind.retry_after)}
        super().__init__(kind.status, detail, {**retry, **(headers or {})})
        self.kind = kind
        self.errors = errors
        self.reasons = reasons
        self.sign_in = sign_in

    def details(self) -> ProblemDetails:
        """What the response says; fields that say nothing are unset."""
        more: dict[str, Any] = {"errors": self.errors, "reasons": self.reasons, "sign_in": self.sign_in}
        return ProblemDetails(
            type=self.kind.type,
            title=self.kind.title,
            status=self.kind.status,
            detail=self.detail,
            **{name: value for name, value in more.items() if value},
        )

    def response(self) -> JSONResponse:
        """The problem as a response."""
        return _ProblemResponse(self)


class _ProblemResponse(JSONResponse):
    """Leaves its kind in the scope, for those who count."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(
            problem.details().model_dump(exclude_unset=True),
            status_code=problem.kind.status,
            headers=problem.headers,
            media_type=MEDIA_TYPE,
        )
        self._kind = problem.kind

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[_IN_SCOPE] = self._kind
        await super().__call__(scope, receive, send)


def problem_in(scope: Scope) -> Kind | None:
    """The kind of problem that a call is being answered with, if any."""
    kind: Kind | None = scope.get(_IN_SCOPE)
    return kind


def documented(*kinds: Kind) -> dict[int | str, dict[str, Any]]:
    """The ``responses`` of a route that may answer with these problems, for OpenAPI."""
    responses: dict[int | str, dict[str, Any]] = {}
    for kind in kinds:
        response = responses.setdefault(
            kind.status,
            {
                "description": kind.title,
                "content": {
                    MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}, "examples": {}}
                },
            },
        )
        if kind.title not in response["description"]:
            response["description"] += f" · {kind.title}"
        example = {"type": kind.type, "title": kind.title, "status": kind.status, "detail": f"{kind.title}."}
        response["content"][MEDIA_TYPE]["examples"][kind.slug] = {"value": example}
        if kind.retry_after is not None:
            seconds = {"description": "Seconds to wait before trying again.", "schema": {"type": "integer"}}
            response["headers"] = {"Retry-After": seconds}
    return responses
