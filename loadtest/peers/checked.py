"""Whether a contestant did the whole work: every event decided, once, by the right probability."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np
import orjson
from confluent_kafka import Consumer, TopicPartition
from numpy.typing import NDArray

from loadtest.peers.work import is_unsure

TOLERANCE = 1e-6
"""Between probabilities by the same weights: floating point adds up in any order."""
_SECONDS = 60.0

Read: TypeAlias = Callable[[dict[str, Any]], tuple[str, float]]
"""The event's id and the probability of fraud, of a decision."""


class WorkNotDone(RuntimeError):
    """A run that does not count, with what is wrong about it."""


def read_peers(decision: dict[str, Any]) -> tuple[str, float]:
    """Raises ``WorkNotDone`` when it was not decided by the threshold."""
    probability: float = decision["probability"]
    if decision["ask"] is not is_unsure(probability):
        raise WorkNotDone(f"{decision} is not what the threshold says")
    return decision["id"], probability


def read_ours(decision: dict[str, Any]) -> tuple[str, float]:
    return decision["event_id"], decision["probabilities"]["fraud"]


def check(decisions: Iterator[bytes], first: int, expected: NDArray[np.float64], read: Read) -> None:
    """``expected``: the probability of each event, by its number from ``first``. Raises ``WorkNotDone``."""
    found = np.full(len(expected), np.nan)
    doubled = 0
    for content in decisions:
        try:
            event_id, probability = read(orjson.loads(content))
            number = int(event_id.removeprefix("transaction-")) - first
        except (KeyError, TypeError, ValueError) as error:
            raise WorkNotDone(f"{content[:200]!r} is no decision") from error
        if not 0 <= number < len(expected):
            raise WorkNotDone(f"{event_id} is none of the {len(expected)} events")
        doubled += not np.isnan(found[number])
        found[number] = probability
    if undecided := int(np.isnan(found).sum()):
        raise WorkNotDone(f"{undecided} of {len(expected)} events undecided")
    if doubled:
        raise WorkNotDone(f"{doubled} events decided more than once")
    if (off := float(np.abs(found - expected).max())) > TOLERANCE:
        raise WorkNotDone(f"a probability is off by {off:.2g}")


def written(bootstrap_servers: str, topic: str) -> Iterator[bytes]:
    """All that a topic of one partition holds. Raises ``WorkNotDone`` when it can't be read to its end."""
    consumer = Consumer({"bootstrap.servers": bootstrap_servers, "group.id": "checked"})
    place = TopicPartition(topic, 0, 0)
    try:
        _, end = consumer.get_watermark_offsets(place, timeout=_SECONDS)
        consumer.assign([place])
        read = 0
        while read < end:
            messages = consumer.consume(min(10_000, end - read), timeout=_SECONDS)
            if not messages:
                raise WorkNotDone(f"{read} of {end} decisions read, and no more come")
            for message in messages:
                yield message.value()
            read += len(messages)
    finally:
        consumer.close()
