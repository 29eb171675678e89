"""Webhooks: from the configuration to deliveries that run."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import AsyncExitStack

from redis.asyncio import Redis

from streamsel.adapters.redis_positions import RedisDeliveryPositions
from streamsel.config import Config
from streamsel.config.webhooks import WebhookTable
from streamsel.metrics import Metrics
from streamsel.ports import Clock, LogReader
from streamsel.services.webhooks.delivery import Delivery
from streamsel.services.webhooks.messages import Reading, of_decisions, of_label_log
from streamsel.wiring.logs import Logs


def webhook_deliveries(
    config: Config, logs: Logs, client: Redis, clock: Clock, metrics: Metrics, stack: AsyncExitStack
) -> Iterator[Delivery]:
    """One for each endpoint and log it is told of; the endpoints' connections end with the stack."""
    if not config.desk.webhooks:
        return
    # Brings an HTTP client, which few need.
    from streamsel.adapters.http_endpoint import HttpEndpoint

    positions = RedisDeliveryPositions(client, config.redis.prefix)
    for webhook in config.desk.webhooks:
        endpoint = HttpEndpoint(webhook.url)
        stack.push_async_callback(endpoint.close)
        # The address may hold a token, and the store is no place for it.
        digest = hashlib.sha256(webhook.url.encode()).hexdigest()[:16]
        for name, log, reading in _sources(webhook, logs):
            yield Delivery(
                f"{digest}:{name}",
                log,
                reading,
                endpoint,
                webhook.secret.get_secret_value(),
                positions,
                clock,
                metrics,
            )


def _sources(webhook: WebhookTable, logs: Logs) -> Iterator[tuple[str, LogReader, Reading]]:
    if {"label.recorded", "label.retracted"} & {*webhook.events}:
        name = "labels" if logs.epoch == 1 else f"labels.{logs.epoch}"
        yield name, logs.labels, of_label_log(webhook.events)
    if "query.offered" in webhook.events:
        for partition, reader in enumerate(logs.decision_readers):
            yield f"decisions:{partition}", reader, of_decisions
