"""Deaths at a chosen moment."""

from __future__ import annotations


class Killed(BaseException):
    """The process dies here: nothing that would follow happens."""


class Fate:
    """``lives`` effects happen, or all; before the next one the process dies, and does nothing ever after."""

    def __init__(self, lives: int = -1) -> None:
        self._lives = lives
        self.dead = False

    def effect(self) -> None:
        self.dead = self.dead or self._lives == 0
        if self.dead:
            raise Killed
        self._lives -= 1
