"""Gives directives: into the label log, where every replica obeys them at one offset."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from streamsel.codec import Unreadable, decode_log_record, encode_log_record
from streamsel.learning.course import Course, DirectiveRefused, InForce
from streamsel.learning.spec import ModelSpec
from streamsel.ports import LabelLog
from streamsel.records import Directive

_LARGEST_READ = 5_000
_READ_SECONDS = 1.0
_WORD = b'"directive"'
"""In every directive, and in few labels: what spares decoding all the others."""


@dataclass(frozen=True, slots=True)
class Given:
    """A directive as it stands in the log."""

    offset: int
    directive: Directive
    content: str
    """As it stands there."""
    refused: str = ""
    """Why it changes nothing, if it does not."""


class Directing:
    """The course of the model as the label log tells it, and the way to change it."""

    def __init__(self, log: LabelLog, configured: ModelSpec, *, committee: bool = False) -> None:
        """``configured`` is the model until a directive says otherwise. ``committee``: what is asked about
        follows from the disagreement of members, so none is taken that has none."""
        self._committee = committee
        self._label_log = log
        self._position = 0
        self._reading = asyncio.Lock()
        self.course = Course(configured)
        """As far as was read."""
        self.given: list[Given] = []
        """All directives read, in log order."""

    def resume(self, position: int, given: Sequence[tuple[int, str]]) -> None:
        """Goes on where another has read: these are the directives before ``position``."""
        for offset, content in given:
            self.meet(offset, content.encode())
        self._position = position

    def meet(self, offset: int, content: bytes) -> None:
        """The record of the log at ``offset``, which is read so in another way."""
        if offset >= self._position and _WORD in content:
            self._take(offset, content)
        self._position = max(self._position, offset + 1)

    async def read(self, end: int | None = None) -> int:
        """Reads up to ``end``, or the log's end as of now, and returns that. Raises
        ``LabelLogUnreachable``."""
        async with self._reading:
            if end is None:
                end = await self._label_log.end()
            while self._position < end:
                size = min(_LARGEST_READ, end - self._position)
                for offset, content in await self._label_log.read(self._position, size, _READ_SECONDS):
                    self.meet(offset, content)
                await asyncio.sleep(0)
            return end

    async def give(self, directive: Directive) -> Given:
        """Durable and obeyed on return. Given again under the same id it is not given twice: the first one
        is returned. Raises ``DirectiveRefused``, ``LabelLogUnreachable``."""
        end = await self.read()
        if self.course.offset_of(directive.directive_id) is None:
            self._check(self.course.check(end, directive))
            await self._label_log.append([encode_log_record(directive)])
            await self.read()
        standing = next(one for one in self.given if one.directive.directive_id == directive.directive_id)
        if standing.refused:
            # Another one came first.
            raise DirectiveRefused(standing.refused)
        return standing

    def _check(self, then: InForce) -> None:
        for spec in (then.spec, *(challenge.spec for challenge in then.challenges.values())):
            if self._committee and not spec.has_members:
                raise DirectiveRefused(
                    f"preset '{spec.preset}' has no members, and select.strategy asks about what members "
                    "disagree on; copies must be 2 or more, or the preset forest, portfolio or text"
                )

    def _take(self, offset: int, content: bytes) -> None:
        try:
            record = decode_log_record(content)
        except Unreadable:
            return  # who learns from the log sets it aside
        if not isinstance(record, Directive):
            return
        try:
            self.course.take(offset, record)
        except DirectiveRefused as refused:
            self.given.append(Given(offset, record, content.decode(), str(refused)))
        else:
            self.given.append(Given(offset, record, content.decode()))
