"""A labelled file as the events of a stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streamsel.records import Features


@dataclass(frozen=True, slots=True)
class Stream:
    """Events in the order of their arrival. Sequences and arrays have one entry an event."""

    labels: tuple[str, ...]
    """Sorted, two or more; of two, the second is the positive one."""
    events: Sequence[Features]
    """By sorted names, missing values left out, as the label log holds them."""
    truth: NDArray[np.int64]
    """Index into ``labels``."""
    ids: Sequence[str]
    """Distinct."""
    segments: Sequence[Mapping[str, str]] | None = None
    """``None`` when no segments were asked for."""
    times: NDArray[np.float64] | None = None
    """Arrival in seconds since the epoch, never falling; ``None`` when no timestamp was named."""
    text: str | None = None
    """The feature that holds free text."""

    def __len__(self) -> int:
        return len(self.events)
