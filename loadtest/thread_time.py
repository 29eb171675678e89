"""What a piece of work takes of a processor, whatever other processes take of the machine."""

from __future__ import annotations

import time
from collections.abc import Callable


def least(work: Callable[[], object], rounds: int = 3) -> float:
    """Seconds; the first round, which has much to load, does not count."""
    work()
    found = []
    for _ in range(rounds):
        began = time.thread_time()
        work()
        found.append(time.thread_time() - began)
    return min(found)
