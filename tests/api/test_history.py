"""The desk over the last hours, for leads."""

from __future__ import annotations

import httpx
import pytest

from tests.api.reviewing import Reviewing, query


async def test_a_lead_sees_how_the_desk_was(desk: Reviewing) -> None:
    """Against the target, by the time it was."""
    await desk.queue.offer([query(1), query(2)])
    await desk.parts.history.take()
    async with desk.caller("lea") as lea:
        response = await lea.get("/v1/history", params={"hours": 1})
    assert response.status_code == 200
    told = response.json()
    assert (told["step_seconds"], told["target_backlog"]) == (10, 20)
    (point,) = told["points"]
    assert point["at"] % 10 == 0
    assert point["backlog"] == 2


@pytest.mark.parametrize("hours", ["0", "-1", "25", "nan", "inf", "soon"])
async def test_no_more_than_a_day_is_told(desk: Reviewing, hours: str) -> None:
    """What is no number of hours up to 24 is refused."""
    async with desk.caller("lea") as lea:
        response = await lea.get("/v1/history", params={"hours": hours})
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == ["hours"]


async def test_reviewers_are_not_shown_it(ana: httpx.AsyncClient) -> None:
    """It is the leads'."""
    assert (await ana.get("/v1/history")).status_code == 403
