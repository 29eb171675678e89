"""What several tests of services stand on."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from streamsel.adapters.embedded import EmbeddedValkey
from tests.services.learning_bench import Bench, bench_on


@pytest.fixture
async def bench(valkey: EmbeddedValkey, prefix: str) -> AsyncIterator[Bench]:
    async with bench_on(valkey, prefix) as made:
        yield made
