"""A configuration to everything that labels are erased from."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from streamsel.adapters.kafka_epochs import KafkaEpochs
from streamsel.adapters.kafka_erasure import KafkaErasableLog
from streamsel.adapters.kafka_topics import KafkaTopics, ensure_topics
from streamsel.adapters.redis_epochs import RedisEpochs
from streamsel.adapters.redis_erasure import RedisErasableLog, RedisErasure
from streamsel.adapters.redis_streams import RedisStreams, ensure_streams
from streamsel.adapters.snapshot_store import FileSnapshotStore
from streamsel.config import Config
from streamsel.config.servers import Kafka
from streamsel.ports.epochs import Epochs
from streamsel.ports.erasure import ErasableLog
from streamsel.services.erasing import Erasure, Places
from streamsel.services.standing import Watch
from streamsel.services.subjects import Criterion
from streamsel.wiring.desk import desk_settings, routing
from streamsel.wiring.logs import kafka_cluster
from streamsel.wiring.opening import desk_client, redis_url
from streamsel.wiring.presence import erasing, using_logs


@asynccontextmanager
async def opened_erasure(
    config: Config, criterion: Criterion, watch: Watch, *, dry_run: bool
) -> AsyncIterator[Erasure]:
    """All places at hand, and nobody else at them; ``dry_run``: others may be. Raises ``InUse``."""
    async with AsyncExitStack() as stack:
        url = await redis_url(config, stack, share=True)
        client = desk_client(url, stack)
        lease = await (using_logs if dry_run else erasing)(config, client, stack)
        if config.kafka.bootstrap_servers is None:
            epochs, logs = await _on_redis(RedisStreams(url, config.redis.prefix), config.kafka.partitions)
        else:
            epochs, logs = await _on_kafka(config.kafka)
        for log in logs.values():
            stack.push_async_callback(log.close)
        stack.push_async_callback(epochs.close)
        store = RedisErasure(client, config.redis.prefix, desk_settings(config), routing(config))
        kept_at = config.snapshots.url
        snapshots = None if kept_at is None else FileSnapshotStore(kept_at)
        yield Erasure(Places(epochs, logs, store, store, snapshots, store), criterion, lease, watch)


async def _on_redis(streams: RedisStreams, partitions: int) -> tuple[Epochs, Mapping[str, ErasableLog]]:
    await ensure_streams(streams, partitions=partitions)
    names = [f"{name}:{part}" for name in ("decisions", "events") for part in range(partitions)]
    names += ["outcomes:0", "dead-letters", "summaries"]
    return RedisEpochs(streams), {name: RedisErasableLog(streams, streams.key(name)) for name in names}


async def _on_kafka(settings: Kafka) -> tuple[Epochs, Mapping[str, ErasableLog]]:
    """Events and outcomes are not ours."""
    cluster = kafka_cluster(settings)
    epochs = KafkaEpochs(cluster, settings.prefix, replication_factor=settings.replication_factor)
    topics = KafkaTopics.under(settings.prefix, await epochs.current())
    partitions = await ensure_topics(
        cluster, topics, partitions=settings.partitions, replication_factor=settings.replication_factor
    )
    logs = {
        f"decisions:{part}": KafkaErasableLog(cluster, topics.decisions, part) for part in range(partitions)
    }
    others = {"dead-letters": topics.dead_letters, "summaries": topics.summaries}
    return epochs, {**logs, **{name: KafkaErasableLog(cluster, topic) for name, topic in others.items()}}
