"""The bare loop: librdkafka consumes, River scores event by event, librdkafka produces. Nothing else.

For throughput: 500 messages a call, decisions handed over without waiting, one commit at the end.
"""

from __future__ import annotations

from confluent_kafka import Consumer, Producer

from loadtest.measure import Stopwatch, report
from loadtest.peers.work import Work, decide_encoded_with


def main(work: Work) -> None:
    """Ends when every decision is delivered."""
    decide = decide_encoded_with(work.labels)
    consumer = Consumer(
        {
            "bootstrap.servers": work.bootstrap_servers,
            "group.id": work.group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    consumer.subscribe([work.events_topic])
    producer = Producer(
        {
            "bootstrap.servers": work.bootstrap_servers,
            "linger.ms": 5,
            "queue.buffering.max.messages": 1_000_000,
        }
    )
    watch = Stopwatch(work.events)
    seen = 0
    while seen < work.events:
        for message in consumer.consume(500, timeout=1.0):
            producer.produce(work.decisions_topic, decide(message.value()))
            seen += 1
        producer.poll(0)
        watch.saw(seen)
    if left := producer.flush(60.0):
        raise RuntimeError(f"{left} decisions were not delivered")
    consumer.commit(asynchronous=False)
    report(watch.finished())
    consumer.close()


if __name__ == "__main__":
    main(Work.given())
