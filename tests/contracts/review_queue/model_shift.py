"""One reviewer of the model: what they bear, and what they did."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from streamsel.review.settings import DeskSettings


@dataclass
class ModelShift:
    """Times in whole microseconds."""

    name: str
    settings: DeskSettings
    handed: int = 0
    answered: int = 0
    run: int = 0
    active: int | None = None
    working: int | None = None
    break_end: int = 0
    paused: str | None = None
    last: list[str] = field(default_factory=list)
    """Slots last answered, the newest first."""

    def refused(self, now: int) -> bool:
        """Whether they may not claim now; a break may begin."""
        if self.paused is not None:
            return True
        work = round((self.settings.work_seconds or 0.0) * 1e6)
        if work and self.working is not None and not self.rested(now) and now - self.working >= work:
            self.break_end = now + round(self.settings.break_seconds * 1e6)
            self.run, self.working = 0, None
        return bool(work) and now < self.break_end

    def rested(self, now: int) -> bool:
        return self.active is None or now - self.active >= round(self.settings.break_seconds * 1e6)

    def too_many(self, sensitive: bool) -> bool:
        limit = self.settings.most_sensitive
        return sensitive and limit is not None and self.run >= limit

    def hand(self, sensitive: bool) -> None:
        self.handed, self.run = self.handed + 1, self.run + 1 if sensitive else 0

    def draws_gold(self) -> bool:
        draw = hashlib.sha1(f"{self.name} {self.handed}".encode()).hexdigest()[:8]  # noqa: S324
        return int(draw, 16) / 2**32 < self.settings.gold_share

    def count_answer(self, slot: str) -> None:
        self.answered += 1
        self.last = [slot, *(each for each in self.last if each != slot)][:10]
