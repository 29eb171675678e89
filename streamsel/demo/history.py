"""What is known of a customer and a terminal at the moment of a purchase: counts and means of trailing days.

Nothing here knows the truth, and a purchase never counts itself.
"""

from __future__ import annotations

from collections import deque

from streamsel.demo.population import DAY


class Trailing:
    """Count and mean amount over a trailing window of days."""

    __slots__ = ("_entries", "_seconds", "_sum")

    def __init__(self, days: float) -> None:
        self._seconds = days * DAY
        self._entries: deque[tuple[float, float]] = deque()
        self._sum = 0.0

    def at(self, time: float) -> tuple[int, float | None]:
        """Count and mean before ``time``; times never go back. The mean of nothing is ``None``."""
        entries = self._entries
        while entries and entries[0][0] <= time - self._seconds:
            self._sum -= entries.popleft()[1]
        count = len(entries)
        return count, self._sum / count if count else None

    def add(self, time: float, amount: float) -> None:
        self._entries.append((time, amount))
        self._sum += amount


class CustomerHistory:
    """One customer's purchases so far."""

    __slots__ = ("day", "last", "month", "visited", "week")

    def __init__(self) -> None:
        self.day, self.week, self.month = Trailing(1.0), Trailing(7.0), Trailing(30.0)
        self.visited: set[int] = set()
        self.last: float | None = None

    def add(self, time: float, terminal: int, amount: float) -> None:
        for window in (self.day, self.week, self.month):
            window.add(time, amount)
        self.visited.add(terminal)
        self.last = time


class TerminalHistory:
    """One terminal's purchases so far."""

    __slots__ = ("day", "week")

    def __init__(self) -> None:
        self.day, self.week = Trailing(1.0), Trailing(7.0)

    def add(self, time: float, amount: float) -> None:
        self.day.add(time, amount)
        self.week.add(time, amount)
