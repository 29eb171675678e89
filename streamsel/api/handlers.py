"""Every exception that can leave a route, and the problem it becomes."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeAlias

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Match

from streamsel.api import problems
from streamsel.api.desk_problems import OUTAGES, REFUSALS, problem_of
from streamsel.api.headers import HEADERS
from streamsel.api.mistakes import explained
from streamsel.api.problems import Kind, Problem

IF_MATCH = ("header", "If-Match")
_METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")

Handler: TypeAlias = Callable[[Request, Any], Coroutine[Any, Any, Response]]

_HTTP_KINDS: dict[int, tuple[Kind, str]] = {
    400: (problems.MALFORMED, "The body could not be read as JSON in UTF-8."),
    404: (problems.NOT_FOUND, "No resource has this address."),
    405: (problems.METHOD_NOT_ALLOWED, "The Allow header names the methods this address takes."),
}


async def _problem(_: Request, error: Problem) -> Response:
    return error.response()


async def _desk_problem(_: Request, error: Exception) -> Response:
    return problem_of(error).response()


async def _invalid(_: Request, error: RequestValidationError) -> Response:
    errors = error.errors()
    if any(one["type"] == "json_invalid" for one in errors):
        place, why = errors[0]["loc"][-1], errors[0]["ctx"]["error"]
        return Problem(problems.MALFORMED, f"{why} at character {place}.").response()
    if any(one["type"] == "missing" and one["loc"] == IF_MATCH for one in errors):
        detail = "Send the ETag of the answer that you mean as If-Match: it may have changed meanwhile."
        return Problem(problems.PRECONDITION_REQUIRED, detail).response()
    found = explained(errors)
    names = ", ".join(dict.fromkeys(one.field for one in found))
    return Problem(problems.INVALID, f"Not as it must be: {names}.", found).response()


async def _http(request: Request, error: HTTPException) -> Response:
    kind, detail = _HTTP_KINDS[error.status_code]
    # The framework names the methods of one route; an address may have several.
    headers = {"Allow": ", ".join(_methods(request))} if error.status_code == 405 else error.headers
    return Problem(kind, detail, headers=headers).response()


def _methods(request: Request) -> Iterator[str]:
    for method in _METHODS:
        scope = {**request.scope, "method": method}
        if any(route.matches(scope)[0] is Match.FULL for route in request.app.router.routes):
            yield method


async def _gone(_: Request, __: Exception) -> Response:
    # Hung up while sending: nobody will read this, and it is no error of ours.
    return Problem(problems.MALFORMED, "The body ended before its announced length.").response()


async def _internal(_: Request, __: Exception) -> Response:
    # The exception itself goes to the log. This response passes by the middleware that adds the headers.
    return Problem(problems.INTERNAL, "The error is in the server's log.", headers=HEADERS).response()


HANDLERS: dict[int | type[Exception], Handler] = {
    Problem: _problem,
    RequestValidationError: _invalid,
    HTTPException: _http,
    ClientDisconnect: _gone,
    **dict.fromkeys((*REFUSALS, *OUTAGES), _desk_problem),
    Exception: _internal,
}
"""For ``FastAPI(exception_handlers=…)``."""
