"""Stretches of the label log that a model does not learn from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Gap:
    """Records that do not count, from ``start`` to before ``stop``; without a stop, all that come."""

    start: int
    stop: int | None = None

    def __contains__(self, offset: int) -> bool:
        return self.start <= offset and (self.stop is None or offset < self.stop)


def clipped(gaps: Iterable[Gap], offset: int) -> tuple[tuple[int, int], ...]:
    """What the gaps leave out before ``offset``, as start and stop in order, none touching another."""
    found: list[tuple[int, int]] = []
    for start, stop in sorted(
        (gap.start, offset if gap.stop is None else min(gap.stop, offset)) for gap in gaps
    ):
        if start >= stop:
            continue
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], stop))
        else:
            found.append((start, stop))
    return tuple(found)
