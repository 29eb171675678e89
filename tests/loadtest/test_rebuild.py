"""The load test of rebuilding in a small form."""

from __future__ import annotations

import pytest

from loadtest.rebuild import Options, rebuild
from loadtest.tables import section
from streamsel.adapters.local_kafka import LocalKafka
from tests.servers import GivenKafka


@pytest.mark.kafka
@pytest.mark.slow
def test_half_of_the_queries_come_back(kafka: LocalKafka | GivenKafka) -> None:
    """On either kind of log; the others are answered. The page has a line for each figure."""
    figures = rebuild(Options(queries=300, broker=kafka.bootstrap_servers))
    for kind in ("redis", "kafka"):
        assert figures[kind].keys() >= {"queries_per_second", "command_us_per_query", "store_us_per_query"}
        counts = {name: figures[kind][name] for name in ("queries", "answered", "expired", "offered")}
        assert counts == {"queries": 300, "answered": 150, "expired": 0, "offered": 150}
    assert "300 queries" in section(figures)
