"""What the desk refuses, and how long a refusal that will pass is waited out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import httpx

_PASSING = frozenset({429, 503})
_PAUSE_SECONDS = 1.0
"""After no answer at all, or a refusal that does not say how long."""


class Problem(Exception):
    """RFC 9457 problem details. ``type`` is stable over releases, ``detail`` is for people.

    ``errors`` says of each field what was wrong with it. ``retry_after`` is in seconds, ``None`` when the
    same call will not work later either.
    """

    def __init__(self, status: int, details: Mapping[str, Any], retry_after: float | None) -> None:
        self.status = status
        self.type = str(details.get("type", "about:blank"))
        self.title = str(details.get("title", ""))
        self.detail = str(details.get("detail", ""))
        self.errors: Sequence[dict[str, Any]] = details.get("errors", [])
        self.retry_after = retry_after
        super().__init__(f"{self.status} {self.title}: {self.detail}" if self.detail else self.title)

    @classmethod
    def in_place_of(cls, response: httpx.Response) -> Self:
        """From a response that is no success, whoever sent it."""
        details = {"title": response.reason_phrase, **_details(response)}
        return cls(response.status_code, details, _retry_after(response))

    @classmethod
    def of_one(cls, details: Mapping[str, Any]) -> Self:
        """Of one of many in a call."""
        status = details["status"]
        return cls(status, details, _PAUSE_SECONDS if status in _PASSING else None)


class Patience:
    """Of one call: the pauses that it may still make before it is repeated."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def pause_after(self, error: Problem | httpx.TransportError) -> float:
        """Seconds to wait; raises ``error`` if waiting is of no use, or would be too long."""
        pause = error.retry_after if isinstance(error, Problem) else _PAUSE_SECONDS
        if pause is None or pause > self._seconds:
            raise error
        self._seconds -= pause
        return pause


def _details(response: httpx.Response) -> dict[str, Any]:
    if response.headers.get("content-type", "").partition(";")[0] != "application/problem+json":
        return {}
    return dict(response.json())


def _retry_after(response: httpx.Response) -> float | None:
    if response.status_code not in _PASSING:
        return None
    said = response.headers.get("retry-after", "")
    # The other form of RFC 9110 §10.2.3, a date, is only ever a proxy's.
    return max(_PAUSE_SECONDS, float(said)) if said.isdecimal() else _PAUSE_SECONDS
