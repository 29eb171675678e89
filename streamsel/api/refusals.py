"""Saying no to who may not come in: with the right problem, a limit, and an entry in the audit log."""

from __future__ import annotations

import math

import structlog
from starlette.requests import HTTPConnection

from streamsel.api.callers import Caller, Stranger, address_of
from streamsel.api.problems import TOO_MANY_CALLS, UNAUTHENTICATED, Problem
from streamsel.api.rates import Rates
from streamsel.services.audit import Audit, Unaudited

_FAILURES_PER_SECOND = 0.2
_FAILURES_AT_ONCE = 20
_LONGEST_PATH = 200

_log = structlog.get_logger()


class Unauthenticated(Problem):
    """401, with the challenge RFC 6750 asks for. ``sign_in``: the address at which people sign in."""

    def __init__(self, detail: str, *, refused: bool = False, sign_in: str | None = None) -> None:
        challenge = 'Bearer realm="streamsel"' + (', error="invalid_token"' if refused else "")
        super().__init__(UNAUTHENTICATED, detail, headers={"WWW-Authenticate": challenge}, sign_in=sign_in)


def too_many(wait_seconds: float) -> Problem:
    """429, and when to try again."""
    seconds = max(1, math.ceil(wait_seconds))
    return Problem(TOO_MANY_CALLS, f"Try again in {seconds} seconds.", headers={"Retry-After": str(seconds)})


class Refusals:
    """Counts and notes refusals. Failed sign-ins of one address are limited: beyond that they get 429, and
    no more entries in the audit log. Whoever has the right key or session comes in all the same, so that
    nobody can lock out those who share an address."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit
        self._failures = Rates(_FAILURES_PER_SECOND, _FAILURES_AT_ONCE)

    async def failed_sign_in(self, conn: HTTPConnection, what: str, problem: Problem) -> Problem:
        """The problem to raise; ``what`` was wrong, without the secret itself."""
        if wait := self._failures.take(address_of(conn)):
            return too_many(wait)
        await self._note(Stranger(), {"address": address_of(conn), "what": what})
        return problem

    async def forbidden(self, caller: Caller, conn: HTTPConnection, what: str) -> None:
        """Notes that a known caller tried what it may not do."""
        if not self._failures.take(f"caller {caller.name}"):
            call = f"{conn.scope['method']} {conn.scope['path'][:_LONGEST_PATH]}"
            await self._note(caller, {"call": call, "what": what})

    async def _note(self, who: Caller | Stranger, detail: dict[str, str]) -> None:
        try:
            await self._audit.note(who, "refused", detail=detail)
        except Unaudited as error:
            # They are refused all the same.
            _log.warning("refusal_not_audited", what=detail["what"], error=str(error))
