"""When the decision, or the echo, of each event arrived: a reader in a process of its own.

It says ``ready`` once it stands at the topic's end, reads until every event has been heard of or nothing came
for long, and writes the arrival times to a file.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np
from confluent_kafka import Consumer, TopicPartition

ID = b"transaction-"
ID_DIGITS = 12


def main(
    servers: str, topic: str, partitions: str, first: str, events: str, patience: str, file: str
) -> None:
    """Reads what is written from now on about events ``first`` to ``first + events - 1``.

    ``patience``: seconds without any arrival after which the rest counts as lost. The file holds an array of
    shape (events,): the first arrival of each by ``time.monotonic``, NaN for none.
    """
    consumer = Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": "loadtest-arrivals",  # required, and not used: partitions are assigned
            "enable.auto.commit": False,
            "fetch.wait.max.ms": 10,
        }
    )
    places = [TopicPartition(topic, partition) for partition in range(int(partitions))]
    for place in places:
        place.offset = consumer.get_watermark_offsets(place, timeout=30.0)[1]
    consumer.assign(places)
    consumer.poll(0.1)
    print("ready", flush=True)
    arrived = np.full(int(events), np.nan)
    doubled = _read(consumer, int(first), arrived, float(patience))
    consumer.close()
    np.save(Path(file), arrived)
    print(json.dumps({"lost": int(np.isnan(arrived).sum()), "doubled": doubled}))


def _read(consumer: Consumer, first: int, arrived: np.ndarray, patience: float) -> int:
    """Fills in the arrivals; returns how many came again."""
    left, doubled, last = len(arrived), 0, time.monotonic()
    while left and time.monotonic() < last + patience:
        message = consumer.poll(0.1)
        if message is None or message.error() is not None:
            continue
        last = time.monotonic()
        number = int(message.value().partition(ID)[2][:ID_DIGITS]) - first
        if not 0 <= number < len(arrived):
            continue  # of a run before
        if np.isnan(arrived[number]):
            arrived[number] = last
            left -= 1
        else:
            doubled += 1
    return doubled


if __name__ == "__main__":
    main(*sys.argv[1:])
