"""Everything looked at and judged."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AsyncExitStack

from streamsel.adapters.kafka_log import KafkaLabelLog
from streamsel.adapters.redis_epochs import RedisEpochs
from streamsel.adapters.redis_streams import RedisStreams
from streamsel.adapters.redis_streams_log import RedisLabelLog
from streamsel.config import Config
from streamsel.doctor.finding import Finding, ok
from streamsel.doctor.judging.access import judge_access
from streamsel.doctor.judging.broker import judge_broker
from streamsel.doctor.judging.clocks import judge_clocks
from streamsel.doctor.judging.disk import judge_disk
from streamsel.doctor.judging.model import LogFacts, judge_log, judge_model, judge_snapshots
from streamsel.doctor.judging.store import judge_store
from streamsel.doctor.looking.access import look_at_access
from streamsel.doctor.looking.broker import SeenBroker, look_at_broker
from streamsel.doctor.looking.disk import directories
from streamsel.doctor.looking.model import look_at_log, look_at_snapshots, why_not_built
from streamsel.doctor.looking.store import SeenStore, look_at_store
from streamsel.doctor.redis_rights import redis_rights
from streamsel.doctor.roles import ProcessRole
from streamsel.ports import LabelLog, SourceUnavailable
from streamsel.wiring.logs import kafka_cluster
from streamsel.wiring.opening import desk_client, redis_url

_CAP = 2
"""Times the target backlog: nothing but exploration enters a desk that holds so much."""


async def examined(config: Config, roles: AbstractSet[ProcessRole]) -> Sequence[Finding]:
    """What a process with these roles needs, in the order in which one would mend it. Changes nothing, but
    that an embedded server which has data is started for the time of it."""
    access, broken = await asyncio.gather(look_at_access(config), why_not_built(config))
    findings = [
        ok("configuration", f"labels {', '.join(config.labels.names)}; no key is unknown or out of range"),
        judge_model(config.model.factory or config.model.preset, broken),
        *judge_disk(list(directories(config))),
    ]
    async with AsyncExitStack() as stack:
        broker = None
        if config.kafka.bootstrap_servers is not None:
            broker = await look_at_broker(config, roles)
            findings += _of_broker(config, broker)
        url = await _server(config, stack)
        if url is None:
            findings.append(ok("redis.reachable", "an embedded Valkey begins with the first start"))
            store = None
        else:
            store = await _store(config, url, roles, stack)
            findings += judge_store(
                store.facts, _CAP * config.capacity.target_backlog, with_logs=broker is None
            )
        findings += judge_clocks(
            None if store is None else store.ahead, {} if broker is None else broker.events_ahead
        )
        findings += await _of_log(config, broker, store, url, stack)
    return [*findings, *judge_access(access)]


def _of_broker(config: Config, broker: SeenBroker) -> Iterator[Finding]:
    kafka = config.kafka
    return judge_broker(
        broker.facts, broker.rights, kafka.partitions, kafka.replication_factor, kafka.session_seconds
    )


async def _server(config: Config, stack: AsyncExitStack) -> str | None:
    """Where it answers; ``None`` for an embedded one that was never started."""
    if config.redis.url is None and not (config.redis.data_dir / "appendonlydir").exists():
        return None
    return await redis_url(config, stack, share=True)


async def _store(
    config: Config, url: str, roles: AbstractSet[ProcessRole], stack: AsyncExitStack
) -> SeenStore:
    with_logs = config.kafka.bootstrap_servers is None
    rights = redis_rights(config.redis.prefix, roles, with_logs=with_logs)
    return await look_at_store(desk_client(url, stack), url, rights)


async def _of_log(
    config: Config, broker: SeenBroker | None, store: SeenStore | None, url: str | None, stack: AsyncExitStack
) -> list[Finding]:
    """The label log wherever it is, and the snapshots beside it."""
    log: LabelLog | None = None
    if broker is not None and broker.labels:
        log = KafkaLabelLog(kafka_cluster(config.kafka), broker.labels)
    elif broker is None and store is not None and not store.facts.unreachable:
        log = await _on_streams(config, url or "")
    if log is None:
        facts = LogFacts() if _is_new(broker, store) else LogFacts(unreachable="it could not be reached")
        return [judge_log(facts)]
    stack.push_async_callback(log.close)
    facts = await look_at_log(log)
    snapshots = None if facts.unreachable else await look_at_snapshots(config, log)
    return [judge_log(facts), *judge_snapshots(snapshots, facts)]


def _is_new(broker: SeenBroker | None, store: SeenStore | None) -> bool:
    """Whether there is no log because nothing was ever started."""
    if broker is None:
        return store is None
    labels: Mapping[str, object] = {
        name: topic for name, topic in broker.facts.topics.items() if name.endswith("labels")
    }
    return bool(labels) and all(topic is None for topic in labels.values())


async def _on_streams(config: Config, url: str) -> LabelLog | None:
    streams = RedisStreams(url, config.redis.prefix)
    epochs = RedisEpochs(streams)
    try:
        return RedisLabelLog(streams, await epochs.current())
    except SourceUnavailable:
        return None
    finally:
        await epochs.close()
