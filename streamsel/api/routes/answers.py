"""Second thoughts: a caller's last answers, corrected or taken back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Response

from streamsel.api.auth import ACCESS_PROBLEMS, Reviewer
from streamsel.api.bodies import CorrectionRequest
from streamsel.api.labelling import Labelling
from streamsel.api.media import json_only
from streamsel.api.problems import (
    CROSS_SITE,
    DESK_UNREACHABLE,
    INVALID,
    NOT_A_LABEL,
    NOT_UNDOABLE,
    PRECONDITION_REQUIRED,
    STALE,
    UNAUDITED,
    UNKNOWN_QUERY,
    UNRECORDED,
    documented,
)
from streamsel.api.routes.claims import BODY_PROBLEMS, QueryId
from streamsel.api.views import AnswerView, ClaimView, PastAnswerView, etag_of, unseen_by
from streamsel.services.audit import Audit
from streamsel.services.desk import Desk

_CHANGE_PROBLEMS = (UNKNOWN_QUERY, NOT_UNDOABLE, STALE, PRECONDITION_REQUIRED, UNRECORDED)

IfMatch = Annotated[
    str,
    Header(
        alias="If-Match",
        pattern=r'^"[1-9][0-9]{0,8}"$',
        description="The ETag of the answer that is meant.",
        examples=['"1"'],
    ),
]


def answer_routes(desk: Desk, labelling: Labelling, audit: Audit, lead_only: Sequence[str]) -> APIRouter:
    """``/v1/answers`` and ``/v1/queries/{query_id}/label``."""
    router = APIRouter(prefix="/v1", tags=["answers"])

    @router.get(
        "/answers",
        summary="The caller's last answers",
        responses=documented(*ACCESS_PROBLEMS, DESK_UNREACHABLE),
    )
    async def answers(reviewer: Reviewer) -> list[PastAnswerView]:
        """The last ten that stand, the newest first: those that can still be corrected or taken back."""
        return [PastAnswerView.of(past) for past in await desk.answers(reviewer.name)]

    @router.put(
        "/queries/{query_id}/label",
        summary="Correct an answer",
        dependencies=[Depends(json_only)],
        responses=documented(*BODY_PROBLEMS, *_CHANGE_PROBLEMS, NOT_A_LABEL),
    )
    async def correct(
        query_id: QueryId, reviewer: Reviewer, if_match: IfMatch, body: CorrectionRequest, response: Response
    ) -> AnswerView:
        """Puts another label in place of one of the caller's last ten, or of anybody's if the caller leads;
        answered once the label log has it. The model then forgets the former one."""
        answer = await labelling.correct(reviewer, query_id, _revision(if_match), body.label)
        response.headers["ETag"] = etag_of(answer.revision)
        return AnswerView.of(answer)

    @router.delete(
        "/queries/{query_id}/label",
        summary="Take an answer back",
        responses=documented(
            *ACCESS_PROBLEMS, CROSS_SITE, INVALID, DESK_UNREACHABLE, UNAUDITED, *_CHANGE_PROBLEMS
        ),
    )
    async def undo(query_id: QueryId, reviewer: Reviewer, if_match: IfMatch) -> ClaimView:
        """Takes one of the caller's last ten back and gives them the query anew, to answer it again."""
        claim = await desk.undo(query_id, _revision(if_match), reviewer.name)
        await audit.note(reviewer, "retracted", query_id)
        return ClaimView.of(claim, unseen_by(reviewer, lead_only))

    return router


def _revision(etag: str) -> int:
    return int(etag.strip('"'))
