"""Sessions of the page, opened by a link that works once. They live in memory and end with the process."""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable

from streamsel.api.keys import digest

SESSION_SECONDS = 12 * 3600
"""A working day; then the page asks to sign in again."""

REVIEWER = "you"
"""Who labels in a session: the one person at the machine that shows the link."""


class Sessions:
    """Exchanges the one-time token for session ids; ids are kept hashed, with the time they end.

    ``monotonic`` gives seconds that never go back.
    """

    def __init__(self, one_time_token: str | None, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._token = None if one_time_token is None else digest(one_time_token)
        self._ends: dict[str, float] = {}
        self._monotonic = monotonic

    def open(self, token: str) -> str | None:
        """A new session id of 256 random bits, or ``None`` if the token is wrong or already used."""
        if self._token is None or not hmac.compare_digest(self._token, digest(token)):
            return None
        self._token = None
        session = secrets.token_urlsafe(32)
        self._ends[digest(session)] = self._monotonic() + SESSION_SECONDS
        return session

    def reviewer(self, session: str) -> str | None:
        """Who works in this session; ``None`` if it is unknown or over."""
        ends = self._ends.get(digest(session))
        if ends is None:
            return None
        if ends <= self._monotonic():
            self.close(session)
            return None
        return REVIEWER

    def close(self, session: str) -> None:
        """Ends a session; unknown ones are left alone."""
        self._ends.pop(digest(session), None)
