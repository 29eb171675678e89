"""Media types of request bodies."""

from __future__ import annotations

from fastapi import Request

from streamsel.api.problems import WRONG_MEDIA_TYPE, Problem

JSON = "application/json"
JSON_LINES = "application/x-ndjson"


def media_type(request: Request) -> str:
    """The request's media type, without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def json_only(request: Request) -> None:
    """A dependency: refuses a call whose body is not declared as JSON.

    No form in a foreign page can declare that, so this is a barrier to forged calls as well.
    """
    if media_type(request) != JSON:
        raise Problem(WRONG_MEDIA_TYPE, f"Content-Type must be {JSON}.")
