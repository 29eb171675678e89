"""The bare loop: librdkafka consumes, River scores event by event, librdkafka produces. Nothing else."""

from __future__ import annotations

import sys

import orjson
from confluent_kafka import Consumer, Producer
from river import linear_model, preprocessing

from loadtest.events import labelled
from loadtest.measure import Stopwatch, report

BARE_DECISIONS = "bare-decisions"


def main(bootstrap_servers: str, prefix: str, group: str, events: int, labels: int) -> None:
    """Scores ``events`` events, trained on ``labels`` labels as ours is."""
    model = preprocessing.StandardScaler() | linear_model.LogisticRegression()
    for event, label in labelled(labels):
        del event["id"]
        model.learn_one(dict(sorted(event.items())), label == "fraud")
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap_servers,
            "group.id": group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    consumer.subscribe([f"{prefix}events"])
    producer = Producer(
        {"bootstrap.servers": bootstrap_servers, "linger.ms": 5, "queue.buffering.max.messages": 1_000_000}
    )
    topic = f"{prefix}{BARE_DECISIONS}"
    watch = Stopwatch(events)
    seen = 0
    while seen < events:
        for message in consumer.consume(500, timeout=1.0):
            event = orjson.loads(message.value())
            event_id = event.pop("id")
            probability = model.predict_proba_one(event)[True]
            decision = {"id": event_id, "probability": probability, "ask": 0.4 < probability < 0.6}
            producer.produce(topic, orjson.dumps(decision))
            seen += 1
        producer.poll(0)
        watch.saw(seen)
    if left := producer.flush(60.0):
        raise RuntimeError(f"{left} decisions were not delivered")
    consumer.commit(asynchronous=False)
    report(watch.finished())
    consumer.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
