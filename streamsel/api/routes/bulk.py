"""Many answers in one call, for programs."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Depends

from streamsel.api.auth import Reviewer
from streamsel.api.bodies import BulkAnswer, BulkRequest
from streamsel.api.callers import Caller
from streamsel.api.desk_problems import problem_of
from streamsel.api.labelling import Labelling
from streamsel.api.media import json_only
from streamsel.api.problems import Problem, documented
from streamsel.api.routes.claims import BODY_PROBLEMS
from streamsel.api.views import AnswerView, RecordedAnswer, RecordedAnswers

BULK_PATH = "/v1/labels"
MAX_BULK_BYTES = 256 * 1024

_AT_ONCE = 16
"""Answers of one call that are under way: each needs a connection to the store."""


def bulk_routes(labelling: Labelling) -> APIRouter:
    """``POST /v1/labels``."""
    router = APIRouter(tags=["claims"], dependencies=[Depends(json_only)])

    @router.post(BULK_PATH, summary="Answer many queries", responses=documented(*BODY_PROBLEMS))
    async def label_many(reviewer: Reviewer, body: BulkRequest) -> RecordedAnswers:
        """Records up to 100 answers, each for itself: what is wrong with one does not touch the others. After
        a 503, of one or of the whole, repeat it with the same keys."""
        at_once = asyncio.Semaphore(_AT_ONCE)

        async def recorded(one: BulkAnswer) -> RecordedAnswer:
            async with at_once:
                return await _recorded(labelling, reviewer, one)

        return RecordedAnswers(answers=await asyncio.gather(*map(recorded, body.answers)))

    return router


async def _recorded(labelling: Labelling, caller: Caller, one: BulkAnswer) -> RecordedAnswer:
    try:
        answer, replayed = await labelling.label(
            caller, one.query_id, one.fence, one.label, one.idempotency_key
        )
    except Exception as error:  # noqa: BLE001 - what is none of the desk's is raised again
        problem = error if isinstance(error, Problem) else problem_of(error)
        return RecordedAnswer(query_id=one.query_id, status=problem.kind.status, problem=problem.details())
    status = 200 if replayed else 201
    return RecordedAnswer(query_id=one.query_id, status=status, answer=AnswerView.of(answer))
