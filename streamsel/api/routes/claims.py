"""The queue API: claim a query, then label, extend, release or escalate it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Request, Response

from streamsel.api.auth import ACCESS_PROBLEMS, Reviewer
from streamsel.api.bodies import ClaimRequest, FenceRequest, LabelRequest, ReasonRequest
from streamsel.api.media import json_only
from streamsel.api.mistakes import printable
from streamsel.api.problems import (
    CROSS_SITE,
    DESK_UNREACHABLE,
    INVALID,
    MALFORMED,
    NOT_A_LABEL,
    NOT_PERMITTED,
    ON_BREAK,
    PAUSED,
    SUPERSEDED,
    TOO_LARGE,
    UNAUDITED,
    UNKNOWN_QUERY,
    UNKNOWN_QUEUE,
    UNRECORDED,
    WRONG_MEDIA_TYPE,
    FieldError,
    Problem,
    documented,
)
from streamsel.api.views import AnswerView, ClaimView, unseen_by
from streamsel.api.waiting import while_heard
from streamsel.config.sections import Labels
from streamsel.review.refusals import NotALabel
from streamsel.services.audit import Audit, Unaudited
from streamsel.services.desk import Desk

_BODY_PROBLEMS = (
    *ACCESS_PROBLEMS,
    CROSS_SITE,
    TOO_LARGE,
    WRONG_MEDIA_TYPE,
    MALFORMED,
    INVALID,
    DESK_UNREACHABLE,
    UNAUDITED,
)
_CLAIM_PROBLEMS = (*_BODY_PROBLEMS, UNKNOWN_QUERY, SUPERSEDED)

QueryId = Annotated[
    str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="Of the query.", examples=["9f2c4e1ab3d05c77"])
]
IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[!-~]{1,255}$",
        description="Any text that is new for each answer and the same for its repetitions.",
        examples=["4b8a2c1e-1"],
    ),
]


def claim_routes(
    desk: Desk, labels: Labels, audit: Audit, closing: asyncio.Event, lead_only: Sequence[str]
) -> APIRouter:
    """``/v1/claims``; long polls end early once ``closing`` is set."""
    router = APIRouter(prefix="/v1/claims", tags=["claims"], dependencies=[Depends(json_only)])

    @router.post(
        "",
        summary="Claim queries",
        responses=documented(*_BODY_PROBLEMS, UNKNOWN_QUEUE, NOT_PERMITTED, PAUSED, ON_BREAK),
    )
    async def claim(request: Request, reviewer: Reviewer, body: ClaimRequest) -> list[ClaimView]:
        """Claims the most useful queries of the caller's queues, or of the one named. With ``wait_seconds``,
        waits for the first one; the list may still be empty. Each claim is held until its lease ends: extend,
        release, escalate or label it before."""
        queues = () if body.queue is None else (body.queue,)
        claiming = desk.claim(reviewer.reviewer, queues, body.count, body.wait_seconds)
        unseen = unseen_by(reviewer, lead_only)
        if body.wait_seconds == 0.0:
            claims = await claiming
        else:
            claims = await while_heard(request, closing, claiming) or ()
        try:
            await audit.note_each(reviewer, "claimed", [one.query.query_id for one in claims])
        except Unaudited:
            # Nobody is to see what no one will know they saw.
            for one in claims:
                await desk.release(one.query.query_id, one.fence, reviewer.name)
            raise
        return [ClaimView.of(one, unseen) for one in claims]

    @router.put(
        "/{query_id}/label",
        summary="Answer a query",
        status_code=201,
        response_description="Recorded: the label is in the label log.",
        responses={
            200: {"model": AnswerView, "description": "A repetition: this was recorded before."},
            **documented(*_CLAIM_PROBLEMS, NOT_A_LABEL, UNRECORDED),
        },
    )
    async def label(
        query_id: QueryId,
        reviewer: Reviewer,
        idempotency_key: IdempotencyKey,
        body: LabelRequest,
        response: Response,
    ) -> AnswerView:
        """Records a label; answered only once the label log has it for good. After a 503 or no response at
        all, repeat the call with the same key. 409: the query was claimed again or is already answered;
        the label is kept as an opinion but does not count."""
        try:
            answer, replayed = await desk.label(
                query_id, body.fence, reviewer.name, body.label, idempotency_key
            )
        except NotALabel as refusal:
            expected = "must be one of " + ", ".join(labels.names)
            error = FieldError(field="label", value=printable(body.label), expected=expected)
            raise Problem(NOT_A_LABEL, printable(str(refusal)), [error]) from None
        await audit.note(reviewer, "labelled", query_id, {"label": answer.label})
        if replayed:
            response.status_code = 200
        return AnswerView.of(answer)

    @router.post("/{query_id}/extend", summary="Keep a claim", responses=documented(*_CLAIM_PROBLEMS))
    async def extend(query_id: QueryId, reviewer: Reviewer, body: FenceRequest) -> ClaimView:
        """Starts the lease anew; to be called while a reviewer is still at it."""
        claim = await desk.extend(query_id, body.fence, reviewer.name)
        return ClaimView.of(claim, unseen_by(reviewer, lead_only))

    @router.post(
        "/{query_id}/release",
        summary="Give a claim back",
        status_code=204,
        responses=documented(*_CLAIM_PROBLEMS),
    )
    async def release(query_id: QueryId, reviewer: Reviewer, body: FenceRequest) -> None:
        """Lets somebody else claim it at once."""
        await desk.release(query_id, body.fence, reviewer.name)
        await audit.note(reviewer, "released", query_id)

    @router.post(
        "/{query_id}/escalate",
        summary="Hand a query on",
        status_code=204,
        responses=documented(*_CLAIM_PROBLEMS),
    )
    async def escalate(query_id: QueryId, reviewer: Reviewer, body: ReasonRequest) -> None:
        """Moves it to the queue that its queue escalates to, with the reason."""
        await desk.escalate(query_id, body.fence, reviewer.name, body.reason)
        await audit.note(reviewer, "escalated", query_id)

    return router
