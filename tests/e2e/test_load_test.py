"""The load test in a small form: it runs to its end and prints what it promises; no figure is judged here."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from streamsel.adapters.local_kafka import LocalKafka
from tests.servers import GivenKafka


@pytest.mark.kafka
@pytest.mark.slow
def test_throughput_prints_every_figure_it_promises(kafka: LocalKafka | GivenKafka) -> None:
    """Ten thousand events, one run each: all decided by us and by the bare loop, with rates and ratios."""
    assert kafka.bootstrap_servers, "without a broker to be had, this skips; the load test starts its own"
    done = subprocess.run(
        [sys.executable, "-m", "loadtest", "throughput", "--events", "10000", "--rounds", "1", "--json"],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["events"] == 10_000
    ours, bare = figures["events_per_second"], figures["bare"]["events_per_second"]
    assert figures["vs"]["bare"] == pytest.approx(ours / bare, rel=0.01)
    assert figures["cpu_us_per_event"] > 0.0
    assert figures["peak_mib"] > 0.0


def test_desk_prints_every_figure_it_promises() -> None:
    """Two thousand queries, a second each: claimed through the script, then claimed and answered by HTTP."""
    done = subprocess.run(
        [sys.executable, "-m", "loadtest", "desk", "--waiting", "2000", "--seconds", "1", "--json"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert (figures["waiting"], figures["clients"]) == (2_000, 64)
    assert figures["bytes_per_query"] > figures["payload_bytes"] > 0
    for name in ("claims_per_second", "claim_p99_ms", "http_claims_per_second", "http_p99_ms"):
        assert figures[name] > 0.0, name
    assert figures["http_p99_ms"] >= figures["http_p50_ms"]
