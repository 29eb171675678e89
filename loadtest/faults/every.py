"""Every fault but kills, each on a rig of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from loadtest.faults import away, clock, full_disk, slow
from loadtest.faults.fault import Fault, NotPermitted, Outcome
from loadtest.faults.memory import out_of_memory
from loadtest.faults.rig import rig
from loadtest.faults.settling import counted
from loadtest.faults.upgrade import rolling_upgrade

FAULTS: Mapping[str, Fault] = {
    "rolling_upgrade": rolling_upgrade(None),
    "broker_away": away.broker_away,
    "store_away": away.store_away,
    "broker_half_open": away.broker_half_open,
    "store_half_open": away.store_half_open,
    "broker_slow": slow.broker_slow,
    "store_slow": slow.store_slow,
    "store_disk_full": full_disk.store_disk_full,
    "broker_disk_full": full_disk.broker_disk_full,
    "snapshots_disk_full": full_disk.snapshots_disk_full,
    "clock_forward": clock.clock_forward,
    "clock_back": clock.clock_back,
    "out_of_memory": out_of_memory,
}


async def every_fault(
    faults: Mapping[str, Fault], seconds: float, seed: int, advance: Callable[[float], None]
) -> Mapping[str, Outcome | Exception]:
    """What came of each; ``NotPermitted`` where it was not to be done here, another error where the service
    did not come to rest."""
    outcomes: dict[str, Outcome | Exception] = {}
    for name, fault in faults.items():
        try:
            outcomes[name] = await _outcome(fault, seconds, seed)
        except (NotPermitted, TimeoutError, AssertionError) as error:
            outcomes[name] = error
        advance(1)
    return outcomes


async def _outcome(fault: Fault, seconds: float, seed: int) -> Outcome:
    async with rig(seed, preset="logistic") as running:
        await running.labelling()
        seen = await fault(running, seconds)
        ended = time.monotonic()
        await running.scoring()
        await running.labelling()
        recovery_seconds = time.monotonic() - ended
        return Outcome(await counted(running), seen, recovery_seconds)
