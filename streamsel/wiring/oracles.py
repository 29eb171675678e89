"""Oracles other than people: from the configuration to what runs."""

from __future__ import annotations

from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack
from functools import partial
from typing import Protocol

from redis.asyncio import Redis

from streamsel.adapters.redis_positions import RedisDeliveryPositions
from streamsel.codec.outcomes import OutcomeDecoder
from streamsel.config import Config
from streamsel.config.oracles import OUTCOMES, ModelTable, OracleTable, RuleOracleTable
from streamsel.config.select import Select
from streamsel.metrics import Metrics
from streamsel.ports import Clock, ReviewQueue
from streamsel.ports.oracles import Answerer
from streamsel.review.oracles import Accounts, Terms
from streamsel.selection.draws import may_be_held_out
from streamsel.services.oracles.answering import Answering, Duty
from streamsel.services.oracles.following import AccountsFollower
from streamsel.services.oracles.outcomes import OutcomesConsumer
from streamsel.services.oracles.ruling import OneAnswer
from streamsel.wiring.layout import layout
from streamsel.wiring.logs import Logs

_RULES_AT_ONCE = 100
_RULE_SECONDS = 10.0
"""A round of a rule's takes no longer, or the store and the log are away."""


class Part(Protocol):
    """What runs until it is cancelled."""

    def run(self) -> Coroutine[object, object, None]: ...


def oracle_parts(
    config: Config,
    accounts: Accounts,
    logs: Logs,
    queue: ReviewQueue,
    client: Redis,
    clock: Clock,
    metrics: Metrics,
    stack: AsyncExitStack,
) -> Iterator[Part]:
    """All there is to run for the oracles, which keeps their ``accounts``; nothing where none are configured.
    Their connections end with the stack."""
    if not accounts.terms:
        return
    outcomes = config.oracles.outcomes
    follower = AccountsFollower(logs.labels, accounts, metrics, clock, indexed=outcomes is not None)
    yield follower
    if outcomes is not None:
        yield OutcomesConsumer(
            accounts.terms[OUTCOMES],
            logs.outcomes,
            OutcomeDecoder(layout(config), config.labels.names, config.stream.max_bytes),
            queue,
            logs.labels,
            follower,
            logs.dead_letters,
            clock,
            metrics,
            partial(may_be_held_out, seed=config.select.seed, share=_largest_holdout(config.select)),
        )
    positions = RedisDeliveryPositions(client, config.redis.prefix)
    for _, name, table in config.oracles.asked:
        answerer = _answerer(config, table)
        stack.push_async_callback(answerer.close)
        duty = _duty(name, table)
        yield Answering(duty, answerer, queue, logs.labels, follower, positions, clock, metrics)


def _largest_holdout(select: Select) -> float:
    """The share of events, where all are of the cheapest kind."""
    return select.holdout / select.costs.costs().least


def oracle_accounts(config: Config) -> Accounts:
    """Of all oracles, by what each is held to; before the first record."""
    outcomes = config.oracles.outcomes
    terms = [_terms(name, table) for _, name, table in config.oracles.asked]
    return Accounts(terms if outcomes is None else [_terms(OUTCOMES, outcomes), *terms])


def _terms(name: str, table: OracleTable) -> Terms:
    return Terms(name, table.authority, table.cap, table.check, table.floor, table.least)


def _duty(name: str, table: ModelTable | RuleOracleTable) -> Duty:
    if isinstance(table, RuleOracleTable):
        return Duty(name, "rule", table.tier, _RULES_AT_ONCE)
    return Duty(
        name,
        "model",
        table.tier,
        table.concurrency,
        an_hour=table.answers_per_hour,
        a_day=None if table.money_per_day is None else table.money_per_day / table.cost,
        hold_seconds=table.answer_seconds + 2 * _RULE_SECONDS,
    )


def _answerer(config: Config, table: ModelTable | RuleOracleTable) -> Answerer:
    if isinstance(table, RuleOracleTable):
        return OneAnswer(table.label)
    # Takes its time to import, and few need it.
    from streamsel.adapters.chat_oracle import ChatOracle

    return ChatOracle(
        table.base_url,
        table.model,
        config.labels.names,
        guideline=config.labels.guideline,
        hidden=[*config.stream.lead_only, *table.withhold],
        api_key=None if table.api_key is None else table.api_key.get_secret_value(),
        temperature=table.temperature,
        answer_seconds=table.answer_seconds,
    )
