"""Finding a moment in a log, over every server that logs run on."""

from __future__ import annotations

from streamsel.services.evidence.seeking import since
from tests.contracts.log_servers import LogServers


async def test_a_moment_is_found_in_a_log(logs: LogServers) -> None:
    """Everything from it on, in order; before the first one everything, after the last one nothing."""
    log = logs.audit()
    await log.append([b"%d" % (number // 3) for number in range(300)])

    async def found(at: float) -> list[int]:
        return [offset async for offset, _ in since(log, float, at)]

    assert await found(60.0) == list(range(180, 300))
    assert await found(99.0) == [297, 298, 299]
    assert await found(-1.0) == list(range(300))
    assert await found(100.0) == []
