"""The exploration draw: a hash of the event id, so that a redelivered event draws alike."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat

import numpy as np
import xxhash
from numpy.typing import NDArray

_SCALE = float(2**-32)


def draws(event_ids: Sequence[str], seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two independent uniform draws in [0, 1) for each event id, from the halves of its XXH3-64.

    The first decides exploration, the second breaks ties at the threshold. Another ``seed`` gives
    independent draws for the same ids. XXH3: Y. Collet, https://xxhash.com.
    """
    try:
        encoded = [*map(str.encode, event_ids)]
    except UnicodeEncodeError:
        encoded = [event_id.encode("utf-8", "surrogatepass") for event_id in event_ids]
    hashes = np.fromiter(map(xxhash.xxh3_64_intdigest, encoded, repeat(seed)), np.uint64, len(encoded))
    explore = (hashes >> np.uint64(32)).astype(np.float64) * _SCALE
    tie = (hashes & np.uint64(0xFFFFFFFF)).astype(np.float64) * _SCALE
    return explore, tie
