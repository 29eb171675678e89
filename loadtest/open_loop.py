"""An open-loop load generator: events go out at times fixed beforehand, whatever becomes of them.

A generator that waits for answers slows down with what it measures, and hides the waiting ("coordinated
omission": Tene, "How NOT to measure latency", 2013). Here every event has an intended time, drawn from a
seeded schedule, and latency counts from it. A generator that could not keep its own schedule measures itself:
its run is invalid.

Run as a module it is a process of its own; it prints when it began, by the machine's monotonic clock, and how
late it sent, and ends with 1 when it fell behind.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
from confluent_kafka import KafkaException, Producer
from numpy.typing import NDArray

from loadtest.events import payloads
from loadtest.latencies import percentile_ms

FELL_BEHIND_MS = 5.0
"""A run is invalid when one event in a hundred was sent later than this after its time."""
LEAD_SECONDS = 0.2
"""From being ready to the schedule's beginning."""
_SHORTEST_SLEEP = 0.0005
_DELIVERY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of the schedule at one rate."""

    seconds: float
    per_second: float


@dataclass(frozen=True, slots=True)
class Schedule:
    """When events are to be sent: evenly spaced, or by chance as independent callers would (Poisson)."""

    phases: Sequence[Phase]
    arrivals: Literal["constant", "poisson"] = "poisson"
    seed: int = 1

    def times(self) -> NDArray[np.float64]:
        """Seconds from the beginning, one an event, ascending. Shape (events,)."""
        rng, start, found = np.random.default_rng(self.seed), 0.0, []
        for phase in self.phases:
            events = round(phase.seconds * phase.per_second)
            # Given their number, the times of a Poisson process are independent and uniform.
            spread = rng.random(events) if self.arrivals == "poisson" else np.arange(events) / max(events, 1)
            found.append(start + np.sort(spread) * phase.seconds)
            start += phase.seconds
        return np.concatenate(found)

    def encoded(self) -> str:
        """As a command-line argument."""
        return json.dumps(asdict(self))

    @classmethod
    def decoded(cls, text: str) -> Schedule:
        fields = json.loads(text)
        return cls([Phase(**phase) for phase in fields["phases"]], fields["arrivals"], fields["seed"])


@dataclass(frozen=True, slots=True)
class Sent:
    """What the generator says of its own run."""

    began: float
    """By ``time.monotonic``, which all processes of a machine share: the schedule's beginning."""
    events: int
    late_p99_ms: float
    late_max_ms: float

    @property
    def fell_behind(self) -> str:
        """Why the run is invalid; empty when it is valid."""
        if self.late_p99_ms <= FELL_BEHIND_MS:
            return ""
        return (
            f"the generator fell behind its own schedule: 1 % of events were sent {self.late_p99_ms} ms late "
            f"or later, and {FELL_BEHIND_MS} ms is the bound"
        )


def send(
    servers: str, topic: str, partitions: int, values: Iterator[bytes], times: NDArray[np.float64]
) -> Sent:
    """Sends one value at each time, over the partitions in turn; returns once all are acknowledged by all.

    Raises ``RuntimeError`` when some could not be delivered.
    """
    refused: list[str] = []
    producer = Producer(
        {
            "bootstrap.servers": servers,
            "acks": "all",
            "linger.ms": 0,
            "queue.buffering.max.messages": 2_000_000,
            "queue.buffering.max.kbytes": 1_048_576,
            "error_cb": lambda error: refused.append(str(error)),
        }
    )
    producer.list_topics(topic, timeout=_DELIVERY_SECONDS)  # connected before the clock runs
    late = np.zeros(len(times))
    gc.collect()
    gc.disable()
    began = time.monotonic() + LEAD_SECONDS
    number = 0
    while number < len(times):
        now = time.monotonic() - began
        due = int(np.searchsorted(times, now, side="right"))
        if due == number:
            time.sleep(max(min(times[number] - now, 0.05), _SHORTEST_SLEEP))
            continue
        for index in range(number, due):
            _produce(producer, topic, next(values), index % partitions)
            late[index] = time.monotonic() - began - times[index]
        producer.poll(0)
        number = due
    gc.enable()
    if left := producer.flush(_DELIVERY_SECONDS):
        raise RuntimeError(f"{left} events were not delivered to {topic}: {refused[-1:]}")
    return Sent(began, len(times), percentile_ms(late, 99.0), round(float(late.max(initial=0.0)) * 1e3, 3))


def _produce(producer: Producer, topic: str, value: bytes, partition: int) -> None:
    while True:
        try:
            producer.produce(topic, value, partition=partition)
        except BufferError:
            producer.poll(0.01)  # the lateness tells of this
        else:
            return


def main(servers: str, topic: str, partitions: str, first: str, schedule: str) -> int:
    """Sends transactions whose numbers begin with ``first``; the exit status."""
    times = Schedule.decoded(schedule).times()
    try:
        sent = send(servers, topic, int(partitions), payloads(len(times), first=int(first)), times)
    except (KafkaException, RuntimeError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    print(json.dumps({**asdict(sent), "valid": not sent.fell_behind, "why": sent.fell_behind}))
    return 1 if sent.fell_behind else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
