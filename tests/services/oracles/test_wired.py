"""Oracles as configured, in a whole desk: on the embedded server, and outcomes on Kafka."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import orjson
import pytest

from streamsel.adapters.embedded import EmbeddedValkey
from streamsel.adapters.kafka import KafkaCluster
from streamsel.adapters.kafka_sinks import KafkaEventIntake
from streamsel.adapters.local_kafka import LocalKafka
from streamsel.adapters.redis_outcomes import OutcomeStreams
from streamsel.adapters.redis_streams_sinks import RedisEventIntake
from streamsel.codec import decode_log_record, query_id_of
from streamsel.config import Config
from streamsel.ports import EventIntake, LabelLog
from streamsel.records import Label, LogRecord, Opinion, Query
from streamsel.wiring import opened_review_queue
from streamsel.wiring.service import Service, running
from tests.contracts.review_queue.stores import query
from tests.servers import GivenKafka
from tests.services.desk.desks import until
from tests.services.oracles.chat_server import chat_server, labelled

LARGE = {"field": "amount", "op": ">", "value": 1_000}


def of_event(number: int, **changes: Any) -> Query:
    """A query whose id is its event's."""
    made = replace(query(number), **changes)
    return replace(made, query_id=query_id_of(made.event_id))


def configured(valkey: EmbeddedValkey, prefix: str, oracles: dict[str, Any], **more: Any) -> Config:
    return Config.model_validate(
        {
            "redis": {"url": valkey.url, "prefix": prefix},
            "desk": {"port": 0},
            "stream": {"lead_only": ["note"]},
            "labels": {"names": ["fraud", "legitimate"]},
            "oracles": oracles,
            **more,
        }
    )


@asynccontextmanager
async def desk(config: Config, *queries: Query) -> AsyncIterator[Service]:
    """A desk with oracles, to which these are offered."""
    async with opened_review_queue(config) as queue, running(config, frozenset({"desk"})) as service:
        await queue.offer(queries)
        yield service


async def logged(log: LabelLog) -> Sequence[LogRecord]:
    return [decode_log_record(content) for _, content in await log.read(0, 100, 0.5)]


async def until_logged(log: LabelLog, enough: Callable[[Sequence[LogRecord]], bool]) -> None:
    async def reached() -> bool:
        return enough(await logged(log))

    await until(reached)


async def until_counted(service: Service, name: str, labels: dict[str, str], value: float) -> None:
    """An answer is counted after it is in the log."""

    async def reached() -> bool:
        return service.metrics.registry.get_sample_value(name, labels) == value

    await until(reached)


async def test_each_oracle_answers_what_is_its(valkey: EmbeddedValkey, prefix: str) -> None:
    """A rule, a model, and what happened in the end; what is drawn at random stays with people."""
    drawn_at_random = of_event(3, lane="explore")
    queries = [of_event(1, features={"amount": 5_000.0}), of_event(2), drawn_at_random]
    async with chat_server(labelled("legitimate")) as chat:
        model = {"base_url": chat.base_url, "model": "large", "api_key": "sk", "cap": 1.0, "check": 0.0}
        model["withhold"] = ["country"]
        rule = {"where": LARGE, "label": "fraud", "cap": 1.0, "check": 0.0}
        oracles = {"models": {"gpt": model}, "rules": {"large": rule}, "outcomes": {}}
        async with desk(configured(valkey, prefix, oracles), *queries) as service:
            await until_logged(service.label_log, lambda records: len(records) == 2)
            assert service.desk is not None
            assert (await service.desk.view(drawn_at_random.query_id)).queue == "default"
            intake = RedisEventIntake(OutcomeStreams(valkey.url, prefix), 1)
            await _tell(intake, {"id": "transaction-3", "label": "fraud"})
            await until_logged(service.label_log, lambda records: len(records) == 3)
            records = await logged(service.label_log)
            answered = {"oracle": "gpt", "outcome": "label"}
            await until_counted(service, "streamsel_oracle_answers_total", answered, 1.0)
            metrics = service.metrics.exposition().decode()
    labels = [record for record in records if isinstance(record, Label)]
    assert {(one.event_id, one.label, one.source, one.labelled_by, one.lane) for one in labels} == {
        ("transaction-1", "fraud", "rule", "large", "none"),
        ("transaction-2", "legitimate", "model", "gpt", "none"),
    }
    (opinion,) = [record for record in records if isinstance(record, Opinion)]
    assert (opinion.event_id, opinion.labelled_by) == ("transaction-3", "outcomes")
    assert 'streamsel_oracle_cut_off{oracle="large"} 0.0' in metrics
    (body,) = chat.bodies
    assert b"quoted" not in body  # of the note, which is for leads
    assert b"country" not in body
    assert b"amount" in body


async def test_without_oracles_there_is_nothing_to_run(valkey: EmbeddedValkey, prefix: str) -> None:
    """Nor a queue or a metric of theirs."""
    async with desk(configured(valkey, prefix, {})) as service:
        assert service.desk is not None
        assert list((await service.desk.status()).queues) == ["default", "escalated"]
        assert "streamsel_oracle_cut_off{" not in service.metrics.exposition().decode()


@pytest.mark.kafka
async def test_outcomes_come_from_a_kafka_topic_once(
    kafka: LocalKafka | GivenKafka, valkey: EmbeddedValkey, prefix: str
) -> None:
    """Committed after their effect: a desk that starts anew goes on behind them."""
    where = {"bootstrap_servers": kafka.bootstrap_servers, "prefix": f"{prefix}.", "group": prefix}
    config = configured(valkey, prefix, {"outcomes": {}}, kafka=where)
    intake = KafkaEventIntake(KafkaCluster(kafka.bootstrap_servers), f"{prefix}.outcomes")
    told = {"id": "transaction-1", "label": "fraud"}
    unasked = {"id": "x", "label": "legitimate", "features": {"amount": 1.0}}
    async with desk(config, of_event(1)) as service:
        for one in (told, b"poison", told, unasked):
            await intake.append([one if isinstance(one, bytes) else orjson.dumps(one)])
        await until_logged(service.label_log, lambda records: len(records) == 2)
        appealed = {**unasked, "label": "fraud"}
        await intake.append([orjson.dumps(appealed)])
        await until_logged(service.label_log, lambda records: len(records) == 3)
        dead_letters = "streamsel_dead_letters_total"
        assert service.metrics.registry.get_sample_value(dead_letters, {"reason": "not_json"}) == 1
    async with desk(config) as service:
        await intake.append([orjson.dumps({**unasked, "label": "legitimate"})])
        await until_logged(service.label_log, lambda records: len(records) == 4)
        records = await logged(service.label_log)
    await intake.close()
    assert [(one.event_id, one.revision, one.label) for one in records if isinstance(one, Label)] == [
        ("transaction-1", 1, "fraud"),
        ("x", 1, "legitimate"),
        ("x", 2, "fraud"),
        ("x", 3, "legitimate"),
    ]


async def _tell(intake: EventIntake, outcome: dict[str, Any]) -> None:
    await intake.append([orjson.dumps(outcome)])
    await intake.close()
