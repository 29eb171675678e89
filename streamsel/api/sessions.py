"""Sessions of the page. They live in the desk's store, so that any desk serves any of them."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable

import orjson

from streamsel.api.callers import Caller
from streamsel.api.keys import digest
from streamsel.ports import SessionStore
from streamsel.review.refusals import DeskUnreachable

LINK_HOLDER = Caller("you", "lead", tier=2)
"""Who works in a session of the one-time link: the one person at the machine that shows it."""


class Sessions:
    """Session ids of 256 random bits, of which the store has the SHA-256 alone.

    A session is over ``session_seconds`` after it was opened, and ``idle_seconds`` after it was last used.
    ``now`` gives seconds since 1970, by any desk's clock.
    """

    def __init__(
        self, store: SessionStore, session_seconds: float, idle_seconds: float, now: Callable[[], float]
    ) -> None:
        self._store = store
        self.session_seconds = session_seconds
        self._idle_seconds = idle_seconds
        self._now = now

    async def open(self, caller: Caller) -> str:
        """A new session's id."""
        session = secrets.token_urlsafe(32)
        ends = self._now() + self.session_seconds
        await self._store.put(digest(session), orjson.dumps([ends, *caller]), self._idle_seconds)
        return session

    async def caller(self, session: str) -> Caller | None:
        """Who works in this session; ``None`` if it is unknown or over."""
        found = await self._store.look(digest(session), self._idle_seconds)
        if found is None:
            return None
        ends, *caller = orjson.loads(found)
        return Caller(*caller) if self._now() < ends else None

    async def close(self, session: str) -> None:
        """Ends a session; unknown ones are left alone."""
        await self._store.take(digest(session))


class OneTimeLink:
    """The token of the link that a machine shows to whoever sits at it. It opens one session."""

    def __init__(self, token: str) -> None:
        self._token: str | None = digest(token)

    async def open(self, token: str, sessions: Sessions) -> str | None:
        """A new session's id, or ``None`` if the token is wrong or already used."""
        ours = self._token
        if ours is None or not hmac.compare_digest(ours, digest(token)):
            return None
        self._token = None
        try:
            return await sessions.open(LINK_HOLDER)
        except DeskUnreachable:
            self._token = ours
            raise
