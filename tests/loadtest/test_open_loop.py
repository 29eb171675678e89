"""The load generator: what it means to send when, and that it owns up to having fallen behind."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from hypothesis import given
from hypothesis import strategies as st

from loadtest.latencies import Latencies
from loadtest.open_loop import FELL_BEHIND_MS, Phase, Schedule, Sent
from streamsel.adapters.local_kafka import LocalKafka
from tests.servers import GivenKafka

PHASES = st.lists(st.builds(Phase, st.floats(0.1, 10.0), st.floats(0.0, 500.0)), min_size=1, max_size=4)


@given(PHASES, st.sampled_from(["constant", "poisson"]), st.integers(0, 9))
def test_a_schedule_has_its_phases_events_in_order(phases: list[Phase], arrivals: str, seed: int) -> None:
    """So many events in each phase as its rate gives, all within it, the same again from the same seed."""
    schedule = Schedule(phases, arrivals, seed)  # type: ignore[arg-type]
    times = schedule.times()
    assert (np.diff(times) >= 0.0).all()
    start = 0.0
    for phase in phases:
        within = (times >= start) & (times < start + phase.seconds)
        # An event drawn at a phase's very end may round into the next one.
        assert within.sum() == pytest.approx(phase.seconds * phase.per_second, abs=2)
        start += phase.seconds
    assert np.array_equal(times, Schedule.decoded(schedule.encoded()).times())


def test_a_constant_schedule_is_evenly_spaced() -> None:
    """A hundred a second: one every ten milliseconds."""
    times = Schedule([Phase(2.0, 100.0)], "constant").times()
    assert np.diff(times) == pytest.approx(0.01)


def test_poisson_arrivals_come_as_irregularly_as_they_should() -> None:
    """The gaps of a Poisson process have as large a standard deviation as mean."""
    gaps = np.diff(Schedule([Phase(100.0, 200.0)]).times())
    assert gaps.std() / gaps.mean() == pytest.approx(1.0, abs=0.05)


def test_a_generator_that_fell_behind_says_so() -> None:
    """A run is invalid from the bound on, and the reason names it."""
    assert Sent(0.0, 1, FELL_BEHIND_MS, 9.0).fell_behind == ""
    assert str(FELL_BEHIND_MS) in Sent(0.0, 1, FELL_BEHIND_MS + 0.1, 9.0).fell_behind


@pytest.mark.kafka
def test_what_cannot_be_sent_in_time_is_sent_late_and_the_run_is_invalid(
    kafka: LocalKafka | GivenKafka, prefix: str
) -> None:
    """A hundred thousand events in a millisecond: all are sent, and the generator ends with 1 and why."""
    topic = f"{prefix}.events"
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers, "log_level": 0})
    admin.create_topics([NewTopic(topic, 2)])[topic].result(30.0)
    schedule = Schedule([Phase(1e-3, 1e8)], "constant").encoded()
    done = subprocess.run(
        [sys.executable, "-m", "loadtest.open_loop", kafka.bootstrap_servers, topic, "2", "7", schedule],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    said = json.loads(done.stdout)
    assert said["events"] == 100_000
    assert not said["valid"]
    assert "fell behind" in said["why"]
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap_servers, "group.id": prefix})
    ends = [consumer.get_watermark_offsets(TopicPartition(topic, one), timeout=30.0)[1] for one in range(2)]
    consumer.close()
    assert ends == [50_000, 50_000]


@given(st.lists(st.floats(1e-6, 50.0), min_size=1, max_size=200), st.sampled_from([0.0, 50.0, 99.0, 100.0]))
def test_percentiles_are_true_to_three_digits(seconds: list[float], percent: float) -> None:
    """What the histogram gives is the value of that rank, within a thousandth."""
    latencies = Latencies()
    latencies.record(np.array(seconds))
    exact = float(np.percentile(np.rint(np.array(seconds) * 1e6), percent, method="inverted_cdf")) / 1e3
    assert latencies.count == len(seconds)
    assert latencies.ms(percent) == pytest.approx(exact, rel=2e-3, abs=1e-3)
