"""The section ``[oracles]``: who else answers than people, and on what terms."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from pydantic import Field, SecretStr

from streamsel.config.auth import Auth, SafeAddress
from streamsel.config.base import Positive, Seconds, Section, Share, nearest
from streamsel.config.constraints import ConditionTable
from streamsel.config.desk import Desk, check_condition
from streamsel.review.oracles import JUDGED, PEOPLE_AUTHORITY
from streamsel.review.routing import DEFAULT_QUEUE, ESCALATED_QUEUE

OUTCOMES = "outcomes"
"""The name under which they answer."""


class OracleTable(Section):
    """What every oracle is held to."""

    authority: int = Field(
        ge=0, description=f"Its label replaces one of less; a person's has {PEOPLE_AUTHORITY}."
    )
    cap: Share = Field(1.0, description="Largest share of the last 1,000 events labelled.")
    check: Share = Field(0.0, description="Share of its answers that people are asked for instead.")
    floor: Share = Field(0.0, description="Agreement with people, surely below which it is cut off.")
    least: int = Field(20, ge=1, le=JUDGED, description="So many checks before it is judged.")


class OutcomesTable(OracleTable):
    """``[oracles.outcomes]``: what happened in the end, from the topic ``outcomes``."""

    authority: int = Field(
        50, ge=0, description=f"Over {PEOPLE_AUTHORITY} they are the truth, and correct people's labels."
    )


class AskedTable(OracleTable):
    """A model or rule: it has a queue of its own, by its name, before all others."""

    check: Share = Field(0.1, description="Share of its answers that people are asked for instead.")
    floor: Share = Field(0.9, description="Agreement with people, surely below which it is cut off.")
    tier: Positive = Field(100, description="Least tier of people who may claim from its queue as well.")
    passes_to: str = Field(DEFAULT_QUEUE, description="Queue in which waits what it does not answer.")


class ModelTable(AskedTable):
    """``[oracles.models.NAME]``: a stronger model behind an OpenAI-compatible HTTP endpoint."""

    authority: int = Field(10, ge=0, description="Its label is replaced by one of more.")
    cap: Share = Field(0.5, description="Largest share of the last 1,000 events labelled.")
    where: ConditionTable | None = Field(None, description="Which queries it is asked; all without it.")
    base_url: SafeAddress = Field(description="Before /chat/completions, e.g. https://llm.example.com/v1")
    model: str = Field(min_length=1, description="Its name there.")
    api_key: SecretStr | None = Field(None, description="Sent as a bearer token.")
    withhold: list[str] = Field(
        [], description="Fields it is not sent, besides those that are redacted or for leads only."
    )
    temperature: float | None = Field(None, ge=0.0, le=2.0, description="The endpoint's own without it.")
    answer_seconds: Seconds = Field(
        30.0, description="An answer may take so long, repetitions included; less than a lease."
    )
    concurrency: int = Field(4, ge=1, le=100, description="Queries it is asked at once.")
    answers_per_hour: Positive | None = Field(None, description="Calls for an answer, at most.")
    cost: float = Field(0.0, ge=0.0, description="Money for an answer.")
    money_per_day: float | None = Field(None, gt=0.0, description="At most, by its cost.")


class RuleOracleTable(AskedTable):
    """``[oracles.rules.NAME]``: one label for all queries of which a condition holds."""

    authority: int = Field(20, ge=0, description="Its label is replaced by one of more.")
    cap: Share = Field(0.5, description="Largest share of the last 1,000 events labelled.")
    where: ConditionTable = Field(description="Which queries it answers.")
    label: str = Field(description="What it says of them.")


class Oracles(Section):
    """Oracles other than people."""

    outcomes: OutcomesTable | None = Field(None, description="Chargebacks, appeals; not read without it.")
    models: dict[str, ModelTable] = Field({}, description="By name, in the order in which they take queries.")
    rules: dict[str, RuleOracleTable] = Field({}, description="By name; before the models.")

    @property
    def asked(self) -> Iterator[tuple[str, str, ModelTable | RuleOracleTable]]:
        """Key, name and table of those with a queue, in the order in which they take queries."""
        yield from (("rules", name, table) for name, table in self.rules.items())
        yield from (("models", name, table) for name, table in self.models.items())

    def check(
        self, desk: Desk, auth: Auth, unseen: Sequence[str], labels: Collection[str], lease_seconds: float
    ) -> None:
        """Raises ``ValueError`` for what cannot work together with the other sections."""
        queues = [*desk.queues, DEFAULT_QUEUE, ESCALATED_QUEUE]
        taken = [*queues, OUTCOMES, *(key.name for key in auth.keys)]
        for kind, name, table in self.asked:
            place = f"oracles.{kind}.{name}"
            if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name):
                raise ValueError(f"{place}: a name must be letters, digits, - and _, 64 at most")
            if name in taken:
                raise ValueError(f"{place}: the name is taken, by a queue, a caller or another oracle")
            taken.append(name)
            if table.passes_to not in queues:
                end = nearest(table.passes_to, queues)
                raise ValueError(f"{place}: passes_to names no queue of people's '{table.passes_to}'{end}")
            if table.where is not None:
                check_condition(table.where, f"{place}.where", unseen, labels)
        for name, rule in self.rules.items():
            if rule.label not in labels:
                end = nearest(rule.label, labels)
                raise ValueError(f"oracles.rules.{name}: label '{rule.label}' is no label{end}")
        for name, model in self.models.items():
            place = f"oracles.models.{name}"
            if model.answer_seconds >= lease_seconds:
                raise ValueError(f"{place}: answer_seconds must be less than capacity.lease_seconds")
            if model.money_per_day is not None and not model.cost:
                raise ValueError(f"{place}: money_per_day needs a cost")
