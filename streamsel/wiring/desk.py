"""A configuration to a review desk: where queries wait, what reviewers bear, and what is asked of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from streamsel.adapters.kafka_topics import KafkaTopics
from streamsel.adapters.label_file import BadFile, rows
from streamsel.adapters.redis_streams import RedisStreams
from streamsel.config import Config, ConfigurationError
from streamsel.config.constraints import ConditionTable
from streamsel.metrics import Metrics
from streamsel.ports import Clock, GoldQuery, LabelLog, ReviewQueue
from streamsel.records import FeatureTable, Query
from streamsel.review.quality import Floor
from streamsel.review.routing import Overlap, QueueRule, Routing
from streamsel.review.settings import DeskSettings
from streamsel.selection.fields import Fields
from streamsel.services.desk import Desk
from streamsel.services.gold import gold_queries
from streamsel.services.seeding import BadRow
from streamsel.wiring.layout import layout

RECORDING_SECONDS = 30.0
"""How long a label may be on its way into the label log; longer than either log's own time limit."""


def desk_settings(config: Config) -> DeskSettings:
    """What the store goes by."""
    capacity, desk = config.capacity, config.desk
    return DeskSettings(
        lease_seconds=capacity.lease_seconds,
        expire_seconds=capacity.expire_seconds,
        recording_seconds=RECORDING_SECONDS,
        attempts=capacity.attempts,
        retain_seconds=capacity.retain_seconds,
        window_seconds=capacity.window_seconds,
        skips=desk.skips,
        most_held=desk.most_held,
        most_sensitive=desk.most_sensitive,
        work_seconds=desk.work_seconds,
        break_seconds=desk.break_seconds,
        gold_share=desk.gold.share if desk.gold.file else 0.0,
    )


def routing(config: Config) -> Routing:
    """Where a query waits."""
    desk = config.desk
    return Routing(
        [
            *_oracle_queues(config),
            *(
                QueueRule(
                    name=name,
                    where=_holds(queue.where),
                    tier=queue.least_tier(name),
                    escalates_to=queue.escalates_to,
                    sla_seconds=queue.sla_seconds,
                )
                for name, queue in desk.queues.items()
            ),
        ],
        Overlap(desk.overlap.share, desk.overlap.reviewers),
        _holds(desk.sensitive),
    )


def desk_of(config: Config, queue: ReviewQueue, log: LabelLog, clock: Clock, metrics: Metrics) -> Desk:
    """The desk, without its gold."""
    floor = config.desk.floor
    return Desk(
        queue,
        log,
        config.labels.names,
        clock,
        metrics,
        consensus=config.desk.overlap.consensus,
        floor=None if floor is None else Floor(floor.accuracy, floor.least),
    )


def gold(config: Config, clock: Clock) -> list[GoldQuery]:
    """The questions whose answers are known. Raises ``ConfigurationError`` for a file that is none."""
    table = config.desk.gold
    if table.file is None:
        return []
    try:
        return gold_queries(
            rows(table.file),
            layout=layout(config),
            column=table.column,
            names=config.labels.names,
            clock=clock,
            topic=_events_topic(config),
        )
    except (BadFile, OSError) as error:
        raise ConfigurationError(f"desk.gold.file: {error}") from None
    except BadRow as error:
        raise ConfigurationError(f"desk.gold.file: {table.file}: {error}") from None


def _oracle_queues(config: Config) -> Iterator[QueueRule]:
    for _, name, table in config.oracles.asked:
        yield QueueRule(
            name=name,
            where=_holds(table.where) or _always,
            tier=table.tier,
            escalates_to=table.passes_to,
            for_oracle=True,
        )


def _always(_: Query) -> bool:
    return True


def _events_topic(config: Config) -> str:
    """What events say they came from."""
    if config.kafka.bootstrap_servers is None:
        return RedisStreams("", config.redis.prefix).topic
    return KafkaTopics.under(config.kafka.prefix).events


def _holds(table: ConditionTable | None) -> Callable[[Query], bool] | None:
    """A condition of one query: over its features, what else its reviewer is shown, and its segments."""
    if table is None:
        return None
    condition = table.condition()

    def holds(query: Query) -> bool:
        labels = tuple(sorted(query.probabilities))
        probabilities = np.array([[query.probabilities[label] for label in labels]], np.float64)
        table_of_one = FeatureTable.of([{**query.context, **query.features}])
        return bool(condition.holds(Fields(table_of_one, [query.segments], labels, probabilities))[0])

    return holds
