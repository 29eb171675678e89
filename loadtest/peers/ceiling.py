"""The ceiling: getmany, orjson, one product over the matrix of a batch, ``send_batch``. Nothing is promised.

For throughput alone: no gate, desk, metrics or commit; a batch's delivery is awaited when the next is ready.
"""

from __future__ import annotations

import asyncio
from itertools import chain
from operator import itemgetter
from typing import Any

import numpy as np
import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from numpy.typing import NDArray

from loadtest.events import FEATURES
from loadtest.measure import Run, Stopwatch, report
from loadtest.peers.work import LEAST_UNSURE, MOST_UNSURE, Work, trained

LARGEST_BATCH = 2_000
BATCH_BYTES = 1_000_000
"""Holds the decisions of the largest batch; the broker takes no more at once."""


class ScaledLogistic:
    """What River learned, as one weight a feature and an intercept over the raw values."""

    def __init__(self, labels: int) -> None:
        model = trained(labels)
        scaler, regression = model["StandardScaler"], model["LogisticRegression"]
        spread = np.array([scaler.vars[name] ** 0.5 for name in FEATURES])
        self._weights = np.array([regression.weights[name] for name in FEATURES]) / spread
        means = np.array([scaler.means[name] for name in FEATURES])
        self._intercept = regression.intercept - means @ self._weights

    def probabilities(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """``rows`` of shape (events, features)."""
        return 1.0 / (1.0 + np.exp(-(rows @ self._weights + self._intercept)))  # type: ignore[no-any-return]


def decisions(payloads: list[bytes], model: ScaledLogistic, values: Any) -> list[bytes]:
    """One JSON object an event, in order."""
    events = [orjson.loads(payload) for payload in payloads]
    flat = np.fromiter(chain.from_iterable(map(values, events)), np.float64)
    probabilities = model.probabilities(flat.reshape(len(events), len(FEATURES)))
    columns = (
        _encoded([event["id"] for event in events]),
        _encoded(probabilities),
        _encoded((probabilities > LEAST_UNSURE) & (probabilities < MOST_UNSURE)),
    )
    return [b'{"id":%b,"probability":%b,"ask":%b}' % row for row in zip(*columns, strict=True)]


def _encoded(column: Any) -> list[bytes]:
    """Each value as JSON; no id of ours holds a comma."""
    return orjson.dumps(column, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1].split(b",")


async def run(work: Work) -> Run:
    """Ends when every decision is delivered."""
    model, values = ScaledLogistic(work.labels), itemgetter(*FEATURES)
    watch = Stopwatch(work.events)
    seen = 0
    sent: asyncio.Future[Any] | None = None
    async with (
        AIOKafkaConsumer(
            work.events_topic,
            bootstrap_servers=work.bootstrap_servers,
            group_id=work.group,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            max_partition_fetch_bytes=4 * 2**20,
        ) as consumer,
        AIOKafkaProducer(
            bootstrap_servers=work.bootstrap_servers, acks="all", max_batch_size=BATCH_BYTES
        ) as producer,
    ):
        while seen < work.events:
            polled = await consumer.getmany(timeout_ms=1_000, max_records=LARGEST_BATCH)
            for messages in polled.values():
                batch = producer.create_batch()
                for decision in decisions([message.value for message in messages], model, values):
                    batch.append(key=None, value=decision, timestamp=None)
                if sent is not None:
                    await sent
                sent = await producer.send_batch(batch, work.decisions_topic, partition=0)
                seen += len(messages)
            watch.saw(seen)
        await producer.flush()
        return watch.finished()


if __name__ == "__main__":
    report(asyncio.run(run(Work.given())))
