"""A subject erased from Kafka, from one end to the other."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from streamsel.adapters.embedded import EmbeddedValkey
from streamsel.adapters.local_kafka import LocalKafka
from streamsel.adapters.snapshot_store import FileSnapshotStore
from streamsel.codec import decode_decision, encode_dead_letter, encode_log_record, encode_query, query_id_of
from streamsel.codec.layout import Layout
from streamsel.codec.summaries import decode_summary, encode_summary
from streamsel.config import Config
from streamsel.ports import LogReader, OutgoingDecisions
from streamsel.records import DeadLetter, Query, Source
from streamsel.services.subjects import Subject
from streamsel.wiring import opened_logs, opened_review_queue
from streamsel.wiring.erasing import opened_erasure
from tests.contracts.review_queue.stores import query
from tests.core.learning_strategies import mixed_record, opinion_record
from tests.forgetting.world import FIELD, SECRET, THEIRS, fold_of, summary_of_one
from tests.servers import GivenKafka

EVENTS = 12


def asked(number: int) -> Query:
    """A query whose id is its event's; some are the subject's."""
    email = SECRET if number in THEIRS else f"{number}@example.org"
    made = replace(query(number), context={FIELD: email}, segments={FIELD: email}, decided_at=float(number))
    return replace(made, query_id=query_id_of(made.event_id))


def decision(one: Query) -> bytes:
    return (
        b'{"kind":"decision","v":1,"event_id":"%b","source":["events",0,%d],"decided_at":%d,"model_version":0,'
        b'"threshold":0.5,"query_fraction":0.1,"probabilities":{},"utility":1.0,"propensity":0.5,'
        b'"lane":"uncertain","query":%b}'
    ) % (one.event_id.encode(), int(one.decided_at), int(one.decided_at), encode_query(one))


def labels_of(queries: Sequence[Query]) -> list[bytes]:
    """An opinion and a label on each."""
    draw = random.Random(7)
    records: list[bytes] = []
    for one in queries:
        made = mixed_record(draw, one.query_id)
        made = replace(made, event_id=one.event_id, query_id=one.query_id, segments=one.segments)
        opinion = replace(opinion_record(one.query_id), event_id=one.event_id)
        records += [encode_log_record(opinion), encode_log_record(made)]
    return records


async def everything(log: LogReader) -> list[bytes]:
    start, end = await log.beginning(), await log.end()
    found: list[bytes] = []
    while start < end:
        for offset, content in await log.read(start, 500, 5.0):
            found.append(content)
            start = offset + 1
    return found


@pytest.mark.slow
@pytest.mark.kafka
async def test_nothing_of_the_subject_is_left_on_kafka(
    kafka: LocalKafka | GivenKafka, valkey: EmbeddedValkey, prefix: str, tmp_path: Path
) -> None:
    """Not in label log, decisions, dead letters, summaries, queue or snapshots. The label log is in a new
    epoch, whose model is one that never saw them; the other logs begin behind the last that was theirs."""
    config = Config.model_validate(
        {
            "kafka": {"bootstrap_servers": kafka.bootstrap_servers, "prefix": f"{prefix}.", "partitions": 1},
            "redis": {"url": valkey.url, "prefix": prefix},
            "stream": {"segments": [FIELD]},
            "labels": {"names": ["fine", "fraud", "review"]},
            "snapshots": {"url": str(tmp_path), "key": "k" * 32},
        }
    )
    queries = [asked(number) for number in range(1, EVENTS + 1)]
    written = labels_of(queries)
    others = [one for one in queries if one.context[FIELD] != SECRET]
    left = [record for record in written if any(one.query_id.encode() in record for one in others)]
    async with opened_logs(config) as logs, opened_review_queue(config) as desk:
        await logs.labels.append(written)
        decided = OutgoingDecisions(0, range(EVENTS), [decision(one) for one in queries])
        await (await logs.decisions.send([decided]))
        letter = DeadLetter("wrong_type", "", Source("events", 0, 1), SECRET.encode(), 1.0)
        await logs.dead_letters.send([encode_dead_letter(letter)])
        await logs.summaries.append([encode_summary(summary_of_one(one)) for one in queries])
        await desk.offer(queries)
    snapshots = FileSnapshotStore(str(tmp_path))
    await snapshots.write("1.snapshot", [SECRET.encode()])

    subject = Subject(FIELD, SECRET, Layout(segments=(FIELD,)))
    async with opened_erasure(config, subject, lambda _: lambda _: None, dry_run=False) as erasure:
        erased = await erasure.carry_out(await erasure.find())
    assert (erased.epoch, erased.label_records, erased.queries, erased.snapshots) == (2, 6, 3, 1)
    assert await snapshots.names() == []

    async with opened_logs(config) as logs, opened_review_queue(config) as desk:
        assert logs.epoch == 2
        labels = await everything(logs.labels)
        assert labels == left
        assert fold_of(labels).digest() == fold_of(left).digest()
        decisions = [decode_decision(one) for one in await everything(logs.decision_readers[0])]
        assert [one.event_id for one in decisions] == [asked(EVENTS).event_id]
        # Whoever follows the summaries from their beginning goes on where they begin now.
        found = await logs.summaries.read(0, 100, 5.0)
        assert [decode_summary(content).summary_id for _, content in found] == [asked(EVENTS).query_id]
        status = await desk.status()
        assert sum(status.waiting.values()) == EVENTS - len(THEIRS)
