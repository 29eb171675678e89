"""Memory that runs out in a selector, with a huge backlog before it."""

from __future__ import annotations

import resource
from pathlib import Path

from loadtest.faults.fault import Seen
from loadtest.faults.rig import Rig
from loadtest.outside.transactions import transaction

SPARE_BYTES = 2**20
"""What the selector may still take when the limit falls."""
BACKLOG = 20_000


async def out_of_memory(running: Rig, seconds: float) -> Seen:  # noqa: ARG001 - over when it has ended
    """It gets no more memory just when events come faster than ever; whatever becomes of it, its supervisor
    begins another, without the limit."""
    victim = running.selectors[0]
    process = victim.process
    most = _mapped_bytes(process.pid) + SPARE_BYTES
    resource.prlimit(process.pid, resource.RLIMIT_AS, (most, most))
    await running.send([transaction(number, "backlog") for number in range(BACKLOG)])

    async def ended() -> bool:
        return process.poll() is not None

    await running.until(ended, "the selector ends")
    return {"ended": 1, "status": process.returncode or 0, "backlog": BACKLOG}


def _mapped_bytes(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[0])
    return pages * resource.getpagesize()
