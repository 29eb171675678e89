"""Many answers in one call."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.api.acting import act
from tests.api.reviewing import Reviewing, query


async def _claims(desk: Reviewing, client: httpx.AsyncClient, count: int) -> list[dict[str, Any]]:
    await desk.queue.offer([query(number) for number in range(count)])
    return list((await client.post("/v1/claims", json={"count": count})).json())


def _answer(claim: dict[str, Any], label: str = "fraud", **changes: object) -> dict[str, Any]:
    named = {"query_id": claim["query_id"], "fence": claim["fence"]}
    return {**named, "label": label, "idempotency_key": f"key-{claim['query_id']}", **changes}


async def _send(client: httpx.AsyncClient, *answers: dict[str, Any]) -> httpx.Response:
    return await client.post("/v1/labels", json={"answers": list(answers)})


async def test_a_hundred_answers_are_recorded_in_one_call(desk: Reviewing, ana: httpx.AsyncClient) -> None:
    """Each once, in the order they were sent; repeated, they are replays."""
    claims = await _claims(desk, ana, 100)
    answers = [_answer(claim) for claim in claims]
    recorded: list[dict[str, Any]] = []
    for status in (201, 200):
        response = await _send(ana, *answers)
        assert response.status_code == 200
        recorded = response.json()["answers"]
        assert [one["query_id"] for one in recorded] == [claim["query_id"] for claim in claims]
        assert {one["status"] for one in recorded} == {status}
        assert all(one["problem"] is None for one in recorded)
    assert sorted(one["answer"]["offset"] for one in recorded) == list(range(100))
    assert len(await desk.logged()) == 100
    assert sum(entry.action == "labelled" for entry in await desk.noted()) == 200


async def test_what_is_wrong_with_one_does_not_touch_the_others(
    desk: Reviewing, ana: httpx.AsyncClient, ben: httpx.AsyncClient
) -> None:
    """Each is answered by its own status and problem."""
    right, stale, wrong, foreign = await _claims(desk, ana, 4)
    assert (await act(ana, stale, "release")).status_code == 204
    held_by_ben = (await ben.post("/v1/claims", json={})).json()[0]
    assert held_by_ben["query_id"] == stale["query_id"]
    response = await _send(
        ana,
        _answer(right),
        _answer(stale),
        _answer(wrong, "neither"),
        _answer(foreign, query_id="never"),
        _answer(held_by_ben),
    )
    assert response.status_code == 200
    recorded = response.json()["answers"]
    assert [one["status"] for one in recorded] == [201, 409, 422, 404, 409]
    assert recorded[0]["answer"]["label"] == "fraud"
    assert [one["problem"]["type"] for one in recorded[1:]] == [
        "/problems/superseded",
        "/problems/not-a-label",
        "/problems/unknown-query",
        "/problems/superseded",
    ]
    assert recorded[2]["problem"]["errors"][0]["field"] == "label"
    assert all(one["answer"] is None for one in recorded[1:])
    labelled = [entry.query_id for entry in await desk.noted() if entry.action == "labelled"]
    assert labelled == [right["query_id"]]


@pytest.mark.parametrize(
    ("answers", "field"),
    [
        ([], "answers"),
        ([{"query_id": "1", "fence": 1, "label": "fraud", "idempotency_key": "k"}] * 101, "answers"),
        ([{"query_id": "1", "fence": 1, "label": "fraud"}], "answers.0.idempotency_key"),
        (
            [{"query_id": "1", "fence": 1, "label": "fraud", "idempotency_key": "k", "labelled_by": "ben"}],
            "answers.0.labelled_by",
        ),
        ([{"query_id": "a b", "fence": 1, "label": "fraud", "idempotency_key": "k"}], "answers.0.query_id"),
        ([{"query_id": "1", "fence": "1", "label": "fraud", "idempotency_key": "k"}], "answers.0.fence"),
    ],
)
async def test_what_is_not_as_it_must_be_is_refused_as_a_whole(
    ana: httpx.AsyncClient, answers: list[dict[str, Any]], field: str
) -> None:
    """Before any answer is recorded; a forged reviewer's name among it."""
    response = await _send(ana, *answers)
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == [field]
