"""The sections of ``streamsel.toml``.

Every key is also an environment variable, ``STREAMSEL_SECTION__KEY``.
"""

from __future__ import annotations

import re
from typing import Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from streamsel.config.auth import Auth
from streamsel.config.base import Positive, Seconds, Section
from streamsel.config.desk import Desk
from streamsel.config.evaluation import Evaluation
from streamsel.config.oracles import Oracles
from streamsel.config.select import Known, Select
from streamsel.config.servers import Kafka, Redis
from streamsel.config.snapshots import Snapshots
from streamsel.learning.spec import COMMITTEES, MOST_COPIES


class Stream(Section):
    """Which fields of an event are what. Nested fields are named by dotted path."""

    id: str = Field(
        "id",
        min_length=1,
        description="Field with the event's id. Without it an event is named by topic:partition:offset.",
    )
    features: Literal["*"] | list[str] = Field(
        "*",
        description="Fields the model learns from; '*' for all but the id, the timestamp and excluded ones.",
    )
    exclude: list[str] = Field([], description="Fields the model must not see; reviewers still see them.")
    text: str | None = Field(None, description="Feature that holds free text; learned from word by word.")
    timestamp: str | None = Field(
        None, description="Field with the time of the event: seconds or milliseconds since 1970, or ISO 8601."
    )
    segments: list[str] = Field(
        [], description="Fields by which the stream is told apart in decisions and reports."
    )
    redact: list[str] = Field(
        [],
        description="Fields taken out at admission, also from within objects and arrays: neither learned "
        "from, nor kept, nor shown to anyone.",
    )
    hash: list[str] = Field(
        [],
        description="Fields replaced at admission by a keyed hash: equal values stay equal, and are learned "
        "from as categories.",
    )
    hash_key: SecretStr | None = Field(
        None,
        min_length=16,
        description="Secret behind the hashes. Every process needs the same; with another one, all hashes "
        "are others.",
    )
    lead_only: list[str] = Field([], description="Fields that only leads and admins are shown.")
    max_bytes: int = Field(
        1_000_000, ge=1, le=1_000_000, description="A larger event goes to the dead letters, cut to this."
    )

    @field_validator("features")
    @classmethod
    def _some_feature(cls, features: str | list[str]) -> str | list[str]:
        if features == []:
            raise ValueError("must name at least one field, or be '*'")
        return features

    @model_validator(mode="after")
    def _without_contradiction(self) -> Self:
        learned = {*(self.features if isinstance(self.features, list) else ()), self.text}
        told = {self.id, self.timestamp, *self.segments}
        for key, paths, used in (
            ("exclude", self.exclude, learned),
            ("redact", self.redact, learned | told | {*self.hash}),
            ("hash", self.hash, {self.id, self.timestamp, self.text}),
            ("lead_only", self.lead_only, {self.id, self.timestamp}),
        ):
            for field in filter(None, used):
                if any(field == path or field.startswith(f"{path}.") for path in paths):
                    raise ValueError(f"'{field}' is in use, and {key} forbids it")
        for field in filter(None, learned | told):
            if any(field.startswith(f"{path}.") for path in self.hash):
                raise ValueError(f"'{field}' is in use, and lies in an object that hash makes a text of")
        if self.hash and self.hash_key is None:
            raise ValueError("hash needs a hash_key; make one with: openssl rand -base64 32")
        return self


class Labels(Section):
    """The answers a reviewer can give."""

    names: list[str] = Field(
        ["negative", "positive"],
        min_length=2,
        description="Two or more; the order is the order of the buttons.",
    )
    guideline: dict[str, str] = Field({}, description="What each label means, shown beside its button.")
    examples: dict[str, list[str]] = Field({}, description="Examples for each label.")
    guideline_url: str | None = Field(
        None, pattern=r"^https?://", description="Where the whole guideline is; the page links to it."
    )
    guideline_version: str | None = Field(
        None, min_length=1, description="Of the guideline in force, shown beside the link."
    )
    manifest_key: SecretStr | None = Field(
        None,
        min_length=16,
        description="Secret that signs the manifests of exported labels, and without whose signature none "
        "are imported.",
    )

    retain_days: float | None = Field(
        None,
        gt=0,
        description="'streamsel labels erase --expired' erases labels, opinions and what led to them after "
        "so many days.",
    )

    @property
    def signing_key(self) -> bytes | None:
        """The secret as it is used."""
        return None if self.manifest_key is None else self.manifest_key.get_secret_value().encode()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(set(self.names)) != len(self.names) or not all(self.names):
            raise ValueError(f"names must be distinct and not empty, not {self.names}")
        for where, given in (("guideline", self.guideline), ("examples", self.examples)):
            for name in given:
                if name not in self.names:
                    raise ValueError(f"{where} names '{name}', which is none of the labels {self.names}")
        return self


class Model(Section):
    """What learns."""

    preset: Literal["logistic", "tree", "forest", "portfolio", "text"] = Field(
        "logistic",
        description="Scaled logistic regression, Hoeffding adaptive tree, aggregated Mondrian forest, a "
        "mixture of online and refitted models, or a linear model of words for texts.",
    )
    factory: str | None = Field(
        None,
        description="package.module:function that returns your own River classifier; replaces the preset.",
    )
    seed: int = Field(1, ge=0, description="Every replica must use the same.")
    copies: int = Field(
        0,
        ge=0,
        le=MOST_COPIES,
        description="From 2 on, a committee of so many bagged copies of a logistic, tree or factory's model.",
    )
    screen: float = Field(
        1.0,
        gt=0.0,
        le=1.0,
        description="Share of each micro-batch that a portfolio's slow members score: the events that its "
        "quick ones are least sure of. Several times the budget costs hardly any quality.",
    )

    @field_validator("factory")
    @classmethod
    def _importable(cls, factory: str | None) -> str | None:
        if factory is not None and not re.fullmatch(r"[\w.]+:[\w.]+", factory):
            raise ValueError(f"'{factory}' is not of the form package.module:function")
        return factory

    @model_validator(mode="after")
    def _some_copies(self) -> Self:
        if self.copies == 1:
            raise ValueError("copies must be 0, or 2 or more")
        if self.copies and self.factory is None and self.preset in COMMITTEES:
            raise ValueError(f"preset '{self.preset}' is a committee already, leave copies out")
        return self


class Capacity(Section):
    """What the reviewers can bear."""

    target_backlog: Positive = Field(
        20,
        description="Queries waiting or in hand that the control steers to; twice this is the cap. "
        "With fewer than two for each reviewer, some wait for work.",
    )
    lease_seconds: Seconds = Field(
        120.0, description="How long a claimed query is held without a sign of life."
    )
    expire_seconds: Seconds = Field(900.0, description="An unclaimed query expires after this long.")
    attempts: Positive = Field(3, description="Lapsed leases after which a query is given up.")
    window_seconds: Seconds = Field(
        60.0, description="Over which completions and live reviewers are counted."
    )
    fill_seconds: Seconds = Field(10.0, description="How fast an idle queue is filled to its target.")
    retain_seconds: Seconds = Field(
        7 * 86_400.0,
        description="A query is deleted from the desk's store, with all its content, so long after it was "
        "answered, expired or given up. Until then a repetition of its event is not asked about again.",
    )


class Config(Section):
    """All of it."""

    stream: Stream = Stream()
    labels: Labels = Labels()
    model: Model = Model()
    select: Select = Select()
    capacity: Capacity = Capacity()
    kafka: Kafka = Kafka()
    redis: Redis = Redis()
    desk: Desk = Desk()
    oracles: Oracles = Oracles()
    auth: Auth = Auth()
    snapshots: Snapshots = Snapshots()
    evaluation: Evaluation = Evaluation()

    @model_validator(mode="after")
    def _in_agreement(self) -> Self:
        stream, labels = self.stream, self.labels
        features = None if stream.features == "*" else [*stream.features, *filter(None, [stream.text])]
        hidden = filter(None, [stream.id, stream.timestamp, *stream.exclude, *stream.redact])
        self.select.check(Known(features, list(hidden), stream.segments, labels.names))
        self.desk.check(stream.redact, labels.names)
        self.evaluation.check(labels.names)
        if self.snapshots.url is not None and self.model.factory is not None:
            raise ValueError("snapshots are of presets alone: leave snapshots.url or model.factory out")
        self.oracles.check(self.desk, self.auth, stream.redact, labels.names, self.capacity.lease_seconds)
        return self
