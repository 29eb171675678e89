"""Costs and growth in a small form, on a real broker: every figure promised is there; none is judged."""

from __future__ import annotations

import pytest

from loadtest.costs.whole import Options as CostsOptions
from loadtest.costs.whole import costs
from loadtest.growth import deciding
from loadtest.growth.whole import Options as GrowthOptions
from loadtest.growth.whole import growth
from loadtest.sizing import sizing_page
from loadtest.tables import section
from streamsel.adapters.local_kafka import LocalKafka
from tests.servers import GivenKafka

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(600)]


def test_costs_of_a_small_run_are_ratios_of_the_same_run(kafka: LocalKafka | GivenKafka) -> None:
    """Each share asked about beside nothing asked; the time spent telling is a part of all."""
    figures = costs(CostsOptions(events=2_000, rounds=1, broker=kafka.bootstrap_servers))
    rates = figures["asked_events_per_second"]
    assert figures["asked_vs_nothing"]["0.1"] == pytest.approx(rates["0.1"] / rates["0"], rel=0.01)
    assert 0.0 <= figures["telling_share"] < 1.0
    ratio = figures["bare_tree_us"] / figures["tree_us"]
    assert figures["tree_vs_bare"] == pytest.approx(ratio, rel=0.05)
    assert figures["portfolio_events_per_second"] > 0


def test_growth_fills_its_tables_and_the_sizing_page(
    kafka: LocalKafka | GivenKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every dimension has its costs, slope and limit; the sizing page follows from them."""
    monkeypatch.setattr(deciding, "SIZES", {name: sizes[:2] for name, sizes in deciding.SIZES.items()})
    figures = growth(
        GrowthOptions(
            events=100,
            backlog=10_000,
            labels=10_000,
            restored=10_000,
            partition_events=1_000,
            partitions=4,
            broker=kafka.bootstrap_servers,
        )
    )
    assert {*figures["tables"]} == {*deciding.DIMENSIONS, "backlog", "history", "partitions"}
    for table in figures["tables"].values():
        assert len(table["costs"]) >= 2
        assert all(cost > 0.0 for cost in table["costs"].values())
        assert 0.0 <= table["share"] < 1.0
    page = section(figures)
    assert all(f"{table['full_at_per_second']:,}" in page for table in figures["tables"].values())
    assert "What breaks first" in sizing_page(figures)
