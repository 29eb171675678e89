"""Each scenario in a small form, on a real broker: it runs to its end, and loses and doubles nothing.

No figure that depends on speed is judged here, for a loaded machine would judge itself.
"""

from __future__ import annotations

import pytest

from loadtest.burst import Options as BurstOptions
from loadtest.burst import burst, seconds_until_back
from loadtest.latency.whole import Options as LatencyOptions
from loadtest.latency.whole import latency
from loadtest.scaling import Options as ScalingOptions
from loadtest.scaling import scaling
from loadtest.soak import Options as SoakOptions
from loadtest.soak import soak
from loadtest.start import Options as StartOptions
from loadtest.start import start
from streamsel.adapters.local_kafka import LocalKafka
from tests.servers import GivenKafka

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(600)]


def test_latency_counts_every_event_from_its_intended_time(kafka: LocalKafka | GivenKafka) -> None:
    """Selector and echo answer every event once; at the share of the maximum the selector runs alone."""
    figures = latency(
        LatencyOptions(
            rates=(200.0,), rounds=1, seconds=1.0, maximum_events=2_000, broker=kafka.bootstrap_servers
        )
    )
    assert (figures["lost"], figures["doubled"]) == (0, 0)
    both = figures["rates"]["200"]
    assert both["streamsel"]["events"] == both["echo"]["events"] == 200
    ratio = both["streamsel"]["p99_ms"] / both["echo"]["p99_ms"]
    assert figures["vs_echo_p99"]["200"] == pytest.approx(ratio, rel=0.01)
    assert 0.0 < figures["p50_ms"] <= figures["p99_ms"]
    assert figures["valid"] is not bool(figures["why"])
    highest = round(0.7 * figures["maximum_events_per_second"])
    assert [*figures["series"]["percentiles"]] == ["200", *(one for one in figures["rates"] if one != "200")]
    assert any(abs(int(rate) - highest) <= 1 for rate in figures["rates"])
    for points in figures["series"]["percentiles"].values():
        assert [ms for _, ms in points] == sorted(ms for _, ms in points)


def test_a_burst_loses_nothing_and_keeps_the_backlog_within_its_cap(
    kafka: LocalKafka | GivenKafka,
) -> None:
    """Ten times the events for two seconds, with two reviewers who answer some of what is asked."""
    figures = burst(
        BurstOptions(
            per_second=50.0,
            quiet_seconds=2.0,
            burst_seconds=2.0,
            reviewers=2,
            broker=kafka.bootstrap_servers,
        )
    )
    assert figures["events"] == 1_200
    assert (figures["lost"], figures["doubled"]) == (0, 0)
    assert figures["backlog_within_cap"]
    assert figures["labels"] > 0
    assert len(figures["series"]["latency"]) == 12
    assert max(count for _, count in figures["series"]["backlog"]) == figures["backlog_max"]


def test_latency_is_back_once_it_stays_within_the_bound() -> None:
    """One calm moment among rough ones does not count, and none at all is said to be none."""
    bins = [(0.0, 9.0), (0.5, 50.0), (1.0, 2.0), (1.5, 50.0), *((2.0 + 0.5 * n, 2.0) for n in range(5))]
    assert seconds_until_back(bins, 0.5, 10.0) == 1.5
    assert seconds_until_back(bins, 2.0, 10.0) == 0.0
    assert seconds_until_back(bins, 0.5, 1.0) is None


def test_a_soak_decides_every_event_and_follows_the_memory(kafka: LocalKafka | GivenKafka) -> None:
    """Thirty thousand events: each has its decision, and memory is known from the first to the last."""
    figures = soak(SoakOptions(events=30_000, broker=kafka.bootstrap_servers))
    assert (figures["events"], figures["lost"]) == (30_000, 0)
    memory = figures["series"]["memory"]
    assert memory[-1][0] == 30_000
    assert memory[-1][1] == figures["mib_end"] > 0.0


def test_scaling_gives_each_worker_its_partition(kafka: LocalKafka | GivenKafka) -> None:
    """One worker on one partition and two on two decide all events; the ratio is that of the two."""
    figures = scaling(ScalingOptions(events=2_000, rounds=1, broker=kafka.bootstrap_servers))
    cpu = figures["cpu_us_per_event"]
    assert figures["cpu_ratio"] == pytest.approx(cpu["2"] / cpu["1"], rel=0.01)


def test_starts_end_with_a_decision(kafka: LocalKafka | GivenKafka) -> None:
    """On an empty log, and after a kill with labels in the log."""
    figures = start(StartOptions(labels=200, rounds=1, broker=kafka.bootstrap_servers))
    assert figures["labels"] == 200
    assert figures["cold_seconds"] > 0.0
    assert figures["after_kill_seconds"] > 0.0
