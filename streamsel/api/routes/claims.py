"""The queue API: claim a query, then label, extend, release, skip or escalate it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Request, Response

from streamsel.api.auth import ACCESS_PROBLEMS, Reviewer
from streamsel.api.bodies import (
    IDEMPOTENCY_KEY,
    QUERY_ID,
    ClaimRequest,
    FenceRequest,
    LabelRequest,
    ReasonRequest,
)
from streamsel.api.labelling import Labelling
from streamsel.api.media import json_only
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
    documented,
)
from streamsel.api.views import AnswerView, ClaimView, etag_of, unseen_by
from streamsel.api.waiting import while_heard
from streamsel.ports import Claim
from streamsel.review.refusals import QueryRefusal
from streamsel.services.audit import Audit, Unaudited
from streamsel.services.desk import Desk

BODY_PROBLEMS = (
    *ACCESS_PROBLEMS,
    CROSS_SITE,
    TOO_LARGE,
    WRONG_MEDIA_TYPE,
    MALFORMED,
    INVALID,
    DESK_UNREACHABLE,
    UNAUDITED,
)
"""What any call with a body may meet."""

_CLAIM_PROBLEMS = (*BODY_PROBLEMS, UNKNOWN_QUERY, SUPERSEDED)

QueryId = Annotated[str, Path(pattern=QUERY_ID, description="Of the query.", examples=["9f2c4e1ab3d05c77"])]
IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        pattern=IDEMPOTENCY_KEY,
        description="Any text that is new for each answer and the same for its repetitions.",
        examples=["4b8a2c1e-1"],
    ),
]


async def _give_back(desk: Desk, claims: Sequence[Claim], reviewer: str) -> None:
    for one in claims:
        # Not theirs any more if the lease has ended meanwhile.
        with suppress(QueryRefusal):
            await desk.release(one.query.query_id, one.fence, reviewer)


def claim_routes(
    desk: Desk, labelling: Labelling, audit: Audit, closing: asyncio.Event, lead_only: Sequence[str]
) -> APIRouter:
    """``/v1/claims``; long polls end early once ``closing`` is set."""
    router = APIRouter(prefix="/v1/claims", tags=["claims"], dependencies=[Depends(json_only)])

    @router.post(
        "",
        summary="Claim queries",
        responses=documented(*BODY_PROBLEMS, UNKNOWN_QUEUE, NOT_PERMITTED, PAUSED, ON_BREAK),
    )
    async def claim(request: Request, reviewer: Reviewer, body: ClaimRequest) -> list[ClaimView]:
        """Claims the most useful queries of the caller's queues, or of the one named. With ``wait_seconds``,
        waits for the first one; the list may still be empty. Each claim is held until its lease ends: extend,
        release, skip, escalate or label it before."""
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
            await _give_back(desk, claims, reviewer.name)
            raise
        if claims and await request.is_disconnected():
            # Whoever asked gave up at the moment something came, and would hold it unknowingly.
            await _give_back(desk, claims, reviewer.name)
            return []
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
        answer, replayed = await labelling.label(reviewer, query_id, body.fence, body.label, idempotency_key)
        if replayed:
            response.status_code = 200
        response.headers["ETag"] = etag_of(answer.revision)
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
        "/{query_id}/skip",
        summary="Leave a query to others",
        status_code=204,
        responses=documented(*_CLAIM_PROBLEMS),
    )
    async def skip(query_id: QueryId, reviewer: Reviewer, body: ReasonRequest) -> None:
        """For whoever is unsure: it is never shown to them again. When enough have skipped it, it is
        escalated."""
        await desk.skip(query_id, body.fence, reviewer.name, body.reason)
        await audit.note(reviewer, "skipped", query_id)

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
