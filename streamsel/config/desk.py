"""The section ``[desk]``: the queues, what reviewers bear and how they are checked; and where it listens."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Self

from pydantic import Field, field_validator, model_validator

from streamsel.config.addresses import host_alone
from streamsel.config.base import Positive, Seconds, Section, Share, nearest
from streamsel.config.constraints import ConditionTable
from streamsel.config.webhooks import WebhookTable
from streamsel.review.consensus import Rule
from streamsel.review.routing import DEFAULT_QUEUE, ESCALATED_QUEUE, ESCALATED_TIER
from streamsel.selection.fields import PREDICTED_CLASS

MOST_OPINIONS = 9


class QueueTable(Section):
    """``[desk.queues.NAME]``: which queries wait there, and who may claim them."""

    where: ConditionTable | None = Field(
        None,
        description="What a query must be like, over features, context, segments, predicted_class and "
        "confidence; the first queue in order takes it. Without it, only what is escalated comes here.",
    )
    tier: Positive | None = Field(
        None, description="Least tier of those who may claim from it; 1, of the escalated queue 2."
    )
    escalates_to: str = Field(ESCALATED_QUEUE, description="Queue in which an escalated query waits.")
    sla_seconds: Seconds | None = Field(None, description="A query is due so long after it came here.")

    def least_tier(self, name: str) -> int:
        """Of the queue of this name."""
        return self.tier or (ESCALATED_TIER if name == ESCALATED_QUEUE else 1)


class OverlapTable(Section):
    """``[desk.overlap]``: queries answered by several reviewers, each for themselves."""

    share: Share = Field(0.0, description="Of the queries.")
    reviewers: int = Field(2, ge=2, le=MOST_OPINIONS, description="Who give their opinion on each of them.")
    consensus: Rule = Field(
        "majority", description="When their opinions make a label; else somebody else decides."
    )


class GoldTable(Section):
    """``[desk.gold]``: questions whose answers are known, asked among the others."""

    file: Path | None = Field(None, description="Labelled events: .csv, .jsonl, either .gz, or .parquet.")
    column: str = Field("label", min_length=1, description="Column of the file with the known answer.")
    share: Share = Field(0.05, description="Of each reviewer's claims.")


class FloorTable(Section):
    """``[desk.floor]``: below it a reviewer is paused."""

    accuracy: Share = Field(description="On questions whose answers are known.")
    least: Positive = Field(20, description="So many of them are answered before anybody is judged.")


class Desk(Section):
    """The review desk: its queues and rules, and the HTTP server with queue API, page, health and metrics."""

    host: str = "127.0.0.1"
    port: int = Field(8080, ge=0, le=65_535, description="0 picks a free one.")
    webhooks: list[WebhookTable] = Field([], description="Whom to tell what happens at the desk.")
    queues: dict[str, QueueTable] = Field(
        {}, description="Queues beside 'default' and 'escalated', or those two with other settings."
    )
    skips: Positive = Field(3, description="Reviewers who skip a query before it is escalated.")
    most_held: Positive = Field(200, description="Claims that one reviewer may hold at once.")
    sensitive: ConditionTable | None = Field(
        None, description="Which queries are sensitive: veiled on the page, and limited in a row."
    )
    most_sensitive: Positive | None = Field(
        None, description="Sensitive queries that one reviewer gets in a row."
    )
    work_seconds: Seconds | None = Field(
        None, description="Work without a rest after which a break is enforced."
    )
    break_seconds: Seconds = Field(
        300.0, description="How long that break is; whoever does nothing for so long has rested."
    )
    overlap: OverlapTable = OverlapTable()
    gold: GoldTable = GoldTable()
    floor: FloorTable | None = Field(None, description="Nobody is paused without it.")

    @field_validator("webhooks")
    @classmethod
    def _one_an_address(cls, webhooks: list[WebhookTable]) -> list[WebhookTable]:
        urls = [webhook.url for webhook in webhooks]
        for url in urls:
            if urls.count(url) > 1:
                raise ValueError(f"an address at {host_alone(url)} stands twice; list all its events at once")
        return webhooks

    @model_validator(mode="after")
    def _leading_somewhere(self) -> Self:
        for name in self.queues:
            if not name.replace("-", "").replace("_", "").isalnum() or not name.isascii() or len(name) > 64:
                raise ValueError(f"queues: '{name}' must be letters, digits, - and _, 64 at most")
        if DEFAULT_QUEUE in self.queues and self.queues[DEFAULT_QUEUE].where is not None:
            raise ValueError("queues: 'default' takes what no other queue does; it has no where")
        known = [*self.queues, DEFAULT_QUEUE, ESCALATED_QUEUE]
        for name, queue in self.queues.items():
            if queue.escalates_to not in known:
                end = nearest(queue.escalates_to, known)
                raise ValueError(f"queues.{name}: escalates_to names no queue '{queue.escalates_to}'{end}")
            self._check_end(name)
        return self

    def _check_end(self, name: str) -> None:
        passed = [name]
        while (above := self._above(passed[-1])) != passed[-1]:
            if above in passed:
                raise ValueError(f"queues: escalation goes in a circle, {' to '.join([*passed, above])}")
            passed.append(above)

    def _above(self, name: str) -> str:
        return self.queues[name].escalates_to if name in self.queues else ESCALATED_QUEUE

    def check(self, unseen: Sequence[str], labels: Collection[str]) -> None:
        """Raises ``ValueError`` when a condition is about what no query can have: one of the ``unseen``
        fields, or a label there is not."""
        for place, table in self._conditions():
            check_condition(table, f"desk.{place}", unseen, labels)

    def _conditions(self) -> list[tuple[str, ConditionTable]]:
        named = [(f"queues.{name}.where", queue.where) for name, queue in self.queues.items()]
        return [
            (place, table) for place, table in [*named, ("sensitive", self.sensitive)] if table is not None
        ]


def check_condition(
    table: ConditionTable, place: str, unseen: Sequence[str], labels: Collection[str]
) -> None:
    """Raises ``ValueError`` for a condition on queries, at ``place``, about what no query can have."""
    for comparison in table.comparisons():
        field, value = comparison.field, comparison.value
        if any(field == path or field.startswith(f"{path}.") for path in unseen):
            raise ValueError(f"{place}: field '{field}' is in no query")
        if field == PREDICTED_CLASS and value is not None:
            for one in value if isinstance(value, tuple) else (value,):
                if one not in labels:
                    raise ValueError(f"{place}: value '{one}' is no label{nearest(str(one), labels)}")
