"""Draws made by a hash of the event id, so that a redelivered event draws alike."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat

import numpy as np
import xxhash
from numpy.typing import NDArray

_SCALE = float(2**-32)
_HOLDOUT_SALT = 0x9E3779B97F4A7C15
"""Makes another seed of any: of the 64 bits of one, the holdout draw shares no hash with the others."""


def draws(event_ids: Sequence[str], seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two independent uniform draws in [0, 1) for each event id, from the halves of its XXH3-64.

    The first decides exploration, the second breaks ties at the threshold. Another ``seed`` gives
    independent draws for the same ids. XXH3: Y. Collet, https://xxhash.com.
    """
    hashes = _hashes(event_ids, seed)
    explore = (hashes >> np.uint64(32)).astype(np.float64) * _SCALE
    tie = (hashes & np.uint64(0xFFFFFFFF)).astype(np.float64) * _SCALE
    return explore, tie


def holdout_draws(event_ids: Sequence[str], seed: int = 0) -> NDArray[np.float64]:
    """A uniform draw in [0, 1) for each event id, independent of those that ``draws`` makes of the seed."""
    hashes = _hashes(event_ids, seed ^ _HOLDOUT_SALT)
    return (hashes >> np.uint64(32)).astype(np.float64) * _SCALE


def may_be_held_out(event_id: str, seed: int, share: float) -> bool:
    """Whether the holdout draw may have taken an event, where it never took a larger share."""
    return bool(holdout_draws([event_id], seed)[0] < share)


def _hashes(event_ids: Sequence[str], seed: int) -> NDArray[np.uint64]:
    try:
        encoded = [*map(str.encode, event_ids)]
    except UnicodeEncodeError:
        encoded = [event_id.encode("utf-8", "surrogatepass") for event_id in event_ids]
    digests = b"".join(map(xxhash.xxh3_64_digest, encoded, repeat(seed)))
    return np.frombuffer(digests, ">u8").astype(np.uint64)
