"""A Bytewax dataflow: Kafka source, one step, Kafka sink, a single worker.

For throughput: the source's 1,000 messages a poll stay one batch through the step and the sink.
"""

from __future__ import annotations

import bytewax.operators as op
from bytewax.connectors.kafka import KafkaSink, KafkaSinkMessage, KafkaSource, KafkaSourceMessage
from bytewax.dataflow import Dataflow
from bytewax.run import cli_main

from loadtest.measure import Stopwatch, report
from loadtest.peers.work import Work, decide_encoded_with


def main(work: Work) -> None:
    """Ends at the topic's end, when every decision is delivered."""
    decide = decide_encoded_with(work.labels)
    watch = Stopwatch(work.events)
    seen = 0

    def decide_batch(messages: list[KafkaSourceMessage]) -> list[KafkaSinkMessage]:
        nonlocal seen
        decided = [KafkaSinkMessage(None, decide(message.value)) for message in messages]
        seen += len(decided)
        watch.saw(seen)
        return decided

    brokers = [work.bootstrap_servers]
    flow = Dataflow("loadtest")
    events = op.input("events", flow, KafkaSource(brokers, [work.events_topic], tail=False))
    decided = op.flat_map_batch("decide", events, decide_batch)
    op.output("decisions", decided, KafkaSink(brokers, work.decisions_topic))
    cli_main(flow)
    report(watch.finished())


if __name__ == "__main__":
    main(Work.given())
