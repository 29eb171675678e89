"""What callers send under ``/v1``. Unknown fields are refused, and no value is converted."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

LONGEST_WAIT = 30.0
"""Seconds a claim may wait for work: less than the minute after which proxies give up."""

LARGEST_CLAIM = 100
"""Queries one call may claim."""

QUERY_ID = r"^[A-Za-z0-9_-]{1,64}$"
IDEMPOTENCY_KEY = r"^[!-~]{1,255}$"

_PLAIN_TEXT = r"^[^\x00-\x08\x0b-\x1f\x7f-\x9f]*$"


def _plain(text: str) -> str:
    if not re.fullmatch(_PLAIN_TEXT, text):
        raise ValueError("must not hold control characters")
    return text


def whole(number: Any) -> Any:
    """JSON does not tell 4.0 from 4."""
    return int(number) if isinstance(number, float) and number.is_integer() else number


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


Count = Annotated[int, Field(ge=1, le=LARGEST_CLAIM), BeforeValidator(whole)]
Fence = Annotated[
    int,
    Field(ge=1, lt=2**53, description="The fence of the claim.", examples=[42]),
    BeforeValidator(whole),
]


QueueName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$", examples=["default"])]
Reason = Annotated[
    str,
    Field(
        min_length=1,
        max_length=1000,
        description="Why.",
        examples=["Looks like a refund, not a sale."],
        json_schema_extra={"pattern": _PLAIN_TEXT},
    ),
    AfterValidator(_plain),
]


class ClaimRequest(_Request):
    """What a reviewer wants to work on."""

    queue: QueueName | None = Field(
        None, description="The queue to claim from; without it, all that are the caller's."
    )
    count: Count = Field(1, description="Queries to claim at most.")
    wait_seconds: float = Field(
        0.0, ge=0.0, le=LONGEST_WAIT, description="How long to wait for the first one.", examples=[20.0]
    )


class LabelRequest(_Request):
    """The answer to a claimed query."""

    label: str = Field(min_length=1, description="One of the names.", examples=["fraud"])
    fence: Fence


LABELLING = frozenset({"LabelRequest", "CorrectionRequest"})
"""Bodies whose ``label`` is one of the configured names, which the description of the API lists."""


class CorrectionRequest(_Request):
    """Another label in place of the one given."""

    label: str = Field(min_length=1, description="One of the names.", examples=["legitimate"])


class BulkAnswer(LabelRequest):
    """One of many answers."""

    query_id: str = Field(pattern=QUERY_ID, examples=["9f2c4e1ab3d05c77"])
    idempotency_key: str = Field(
        pattern=IDEMPOTENCY_KEY,
        description="As the header of a single answer.",
        examples=["4b8a2c1e-1"],
    )


class BulkRequest(_Request):
    """Answers to claimed queries."""

    answers: list[BulkAnswer] = Field(min_length=1, max_length=LARGEST_CLAIM)


class FenceRequest(_Request):
    """Names the claim that is meant."""

    fence: Fence


class ReasonRequest(FenceRequest):
    """Gives the query out of one's hands, and says why."""

    reason: Reason


class PauseRequest(_Request):
    """Stops a reviewer's claims, and says why."""

    reason: Reason


class SessionRequest(_Request):
    """The token of the one-time link."""

    token: SecretStr = Field(min_length=1, max_length=200, examples=["the part of the link after #token="])
