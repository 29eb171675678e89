"""What callers get under ``/v1``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from streamsel.api.callers import Caller
from streamsel.api.problems import ProblemDetails
from streamsel.codec.privacy import without
from streamsel.ports import Answer, Claim, PastAnswer, QueryView
from streamsel.records import Lane, Query, Value
from streamsel.review.disclosure import is_hidden, lane_shown
from streamsel.review.lifecycle import State
from streamsel.review.roles import Role, includes


class View(BaseModel):
    """Base of all answers."""

    model_config = ConfigDict(frozen=True)


def unseen_by(caller: Caller, lead_only: Sequence[str]) -> Sequence[str]:
    """The fields this caller is not shown: what only leads may see never leaves the server for others."""
    return () if includes(caller.role, "lead") else lead_only


class SessionView(View):
    """Who is calling."""

    name: str = Field(description="Under this name labels are recorded.", examples=["ana"])
    role: Role = Field(examples=["reviewer"])
    tier: int = Field(description="Queues up to this tier may be claimed from.", examples=[1])
    queues: list[str] | None = Field(description="The only queues; null for all.", examples=[None])

    @classmethod
    def of(cls, caller: Caller) -> Self:
        """As it was admitted."""
        queues = None if caller.queues is None else list(caller.queues)
        return cls(name=caller.name, role=caller.role, tier=caller.tier, queues=queues)


class QueryContent(View):
    """The event asked about, as a reviewer sees it."""

    event_id: str = Field(examples=["tx-20931"])
    lane: Lane = Field(
        description="Why it is asked about. What is held out shows as explore wherever what the model thinks "
        "is hidden.",
        examples=["uncertain"],
    )
    timestamp: float | None = Field(
        description="When the event happened, in seconds since 1970.", examples=[1767225600.0]
    )
    decided_at: float | None = Field(
        description="When it was asked about. Hidden along with what the model thinks.",
        examples=[1767225601.25],
    )
    features: dict[str, Value] = Field(
        description="What the model learns from.", examples=[{"amount": 912.5, "country": "PT"}]
    )
    context: dict[str, Value] = Field(
        description="What only the reviewer sees.", examples=[{"note": "second try"}]
    )
    segments: dict[str, str] = Field(examples=[{"country": "PT"}])
    probabilities: dict[str, float] | None = Field(
        description="What the model thinks. Hidden of what was drawn at random: from leads until it is"
        " answered, so as not to sway, from others always, since a question whose answer is known could be"
        " told by it.",
        examples=[{"fraud": 0.46, "legitimate": 0.54}],
    )
    utility: float | None = Field(
        description="What its label was worth when it was sent. Hidden along with what the model thinks.",
        examples=[0.92],
    )
    propensity: float | None = Field(
        description="How likely it was to be sent. Hidden along with what the model thinks.", examples=[0.25]
    )
    contributions: dict[str, float] | None = Field(
        description="What moved the prediction most, by feature, in log odds of the predicted label, where "
        "the model is linear. Hidden along with what the model thinks.",
        examples=[{"amount": 1.31, "country": -0.4}],
    )
    traceparent: str | None = Field(
        description="The trace that the event came with, as W3C Trace Context writes it. Hidden along with "
        "what the model thinks.",
        examples=["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"],
    )
    rules: list[str] | None = Field(
        description="Rules and quotas that had a say. Hidden along with what the model thinks: a quota by "
        "predicted class would tell.",
        examples=[["large amounts"]],
    )

    @classmethod
    def of(cls, query: Query, unseen: Sequence[str], *, told: bool = False) -> Self:
        """As shown to somebody who may not see the fields ``unseen``, and who may be ``told`` what would sway
        an answer."""
        hidden = is_hidden(query) and not told
        return cls(
            event_id=query.event_id,
            lane=query.lane if told else lane_shown(query),
            timestamp=query.timestamp,
            decided_at=None if hidden else query.decided_at,
            features=without(query.features, unseen),
            context=without(query.context, unseen),
            segments=without(query.segments, unseen),
            probabilities=None if hidden else dict(query.probabilities),
            utility=None if hidden else query.utility,
            propensity=None if hidden else query.propensity,
            contributions=None if hidden else without(query.contributions, unseen),
            traceparent=None if hidden else query.traceparent,
            rules=shown_rules(query, unseen, told=told),
        )


def _rule(name: str, unseen: Sequence[str]) -> str:
    """Where some fields are not seen by all, less the group of a quota: that is the value of a field."""
    return ":".join(name.split(":", 2)[:2]) if unseen and name.startswith("quota:") else name


def shown_rules(query: Query, unseen: Sequence[str], *, told: bool) -> list[str] | None:
    """The rules of a query; ``None`` for one who must not be told."""
    if is_hidden(query) and not told:
        return None
    return [_rule(name, unseen) for name in query.rules]


_QUERY_ID = "9f2c4e1ab3d05c77"


def etag_of(revision: int) -> str:
    """Of an answer: a strong one, for revisions only grow (RFC 9110 §8.8.3)."""
    return f'"{revision}"'


class ClaimView(View):
    """A query in the caller's hands until the lease ends."""

    query_id: str = Field(examples=[_QUERY_ID])
    fence: int = Field(description="To be named in every call about this claim.", examples=[42])
    queue: str = Field(examples=["default"])
    attempt: int = Field(description="1 the first time it is claimed.", examples=[1])
    lease_seconds: float = Field(examples=[120.0])
    lease_expires_at: float = Field(
        description="By the desk's clock, in seconds since 1970.", examples=[1767225720.0]
    )
    due_at: float | None = Field(
        description="When it should have been answered, if its queue says.", examples=[1767226500.0]
    )
    sensitive: bool = Field(description="To be shown only when asked for.", examples=[False])
    query: QueryContent

    @classmethod
    def of(cls, claim: Claim, unseen: Sequence[str]) -> Self:
        """As its holder sees it, who may not see the fields ``unseen``."""
        return cls(
            query_id=claim.query.query_id,
            fence=claim.fence,
            queue=claim.queue,
            attempt=claim.attempt,
            lease_seconds=claim.lease_seconds,
            lease_expires_at=claim.lease_expires_at,
            due_at=claim.due_at,
            sensitive=claim.sensitive,
            query=QueryContent.of(claim.query, unseen),
        )


class AnswerView(View):
    """The answer that counts."""

    query_id: str = Field(examples=[_QUERY_ID])
    label: str = Field(examples=["fraud"])
    labelled_by: str = Field(examples=["ana"])
    offset: int = Field(description="In the label log.", examples=[311])
    model_version: int | None = Field(
        description="The first version that has learned it; null for one of several opinions.", examples=[312]
    )
    revision: int = Field(description="1 unless it was corrected.", examples=[1])
    etag: str = Field(description="To be sent as If-Match with a change.", examples=['"1"'])

    @classmethod
    def of(cls, answer: Answer) -> Self:
        """With the model version that follows from the offset."""
        return cls(
            query_id=answer.query_id,
            label=answer.label,
            labelled_by=answer.labelled_by,
            offset=answer.offset,
            # The answer to a question whose answer is known looks like any other.
            model_version=answer.offset + 1 if answer.kind in ("label", "gold") else None,
            revision=answer.revision,
            etag=etag_of(answer.revision),
        )


class PastAnswerView(View):
    """One of the caller's last answers."""

    query_id: str = Field(examples=[_QUERY_ID])
    event_id: str = Field(examples=["tx-20931"])
    label: str = Field(examples=["fraud"])
    answered_at: float = Field(description="In seconds since 1970.", examples=[1767225644.5])
    revision: int = Field(examples=[1])
    etag: str = Field(description="To be sent as If-Match with a change.", examples=['"1"'])

    @classmethod
    def of(cls, past: PastAnswer) -> Self:
        """As it stands."""
        return cls(
            query_id=past.answer.query_id,
            event_id=past.event_id,
            label=past.answer.label,
            answered_at=past.answered_at,
            revision=past.answer.revision,
            etag=etag_of(past.answer.revision),
        )


class RecordedAnswer(View):
    """What came of one of many answers: as of a single one, by its status."""

    query_id: str = Field(examples=[_QUERY_ID])
    status: int = Field(description="201 new, 200 a repetition; otherwise see ``problem``.", examples=[201])
    answer: AnswerView | None = None
    problem: ProblemDetails | None = Field(None, examples=[None])


class RecordedAnswers(View):
    """One for each answer sent, in their order."""

    answers: list[RecordedAnswer]


_AS_USUAL = {State.OPINED: State.LABELLED, State.EXPIRED: State.WAITING}
"""Where a query would stand that was answered or given up as one whose answer is known was."""


class QueryState(View):
    """A query and where it stands."""

    query_id: str = Field(examples=[_QUERY_ID])
    state: State = Field(examples=[State.LABELLED])
    queue: str = Field(examples=["default"])
    fence: int = Field(description="Of the newest claim; 0 before the first.", examples=[42])
    attempts: int = Field(examples=[1])
    offered_at: float | None = Field(
        description="In seconds since 1970. Hidden along with what the model thinks.", examples=[1767225601.5]
    )
    reason: str = Field(description="Of the escalation or the end, if any.", examples=[""])
    answer: AnswerView | None
    opinions: list[dict[str, str]] = Field(description="Labels that came too late to count.", examples=[[]])
    query: QueryContent

    @classmethod
    def of(cls, query_id: str, view: QueryView, unseen: Sequence[str], *, leads: bool) -> Self:
        """To a lead or to another, who may not see the fields ``unseen``."""
        told = leads and view.answer is not None
        return cls(
            query_id=query_id,
            state=_AS_USUAL.get(view.state, view.state) if view.gold else view.state,
            queue=view.queue,
            fence=view.fence,
            attempts=view.attempts,
            offered_at=view.offered_at if told or not is_hidden(view.query) else None,
            reason=view.reason,
            answer=None if view.answer is None else AnswerView.of(view.answer),
            opinions=[dict(opinion) for opinion in view.opinions],
            query=QueryContent.of(view.query, unseen, told=told),
        )
