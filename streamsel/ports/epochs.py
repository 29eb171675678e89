"""The label log's epochs: when labels are erased, what is left moves to another log, and that is the log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from streamsel.ports import LabelLog


class Epochs(Protocol):
    """Label logs by number, from 1 on, and which of them is in force. One process at a time may change it.

    Every method may raise ``SourceUnavailable``.
    """

    async def current(self) -> int:
        """The epoch in force."""

    async def log(self, epoch: int) -> LabelLog:
        """Its label log. Whoever asks closes it."""

    async def begin(self) -> int:
        """Makes an empty log, and tells the number of its epoch; one that was begun before and never came
        into force is dropped."""

    async def switch(self, epoch: int) -> None:
        """From now on this one is in force, durably."""

    async def older(self) -> Sequence[int]:
        """The epochs before the one in force whose logs are still there."""

    async def drop(self, epochs: Sequence[int]) -> None:
        """Deletes their logs."""

    async def close(self) -> None: ...
