"""Second thoughts over HTTP: the last answers, corrected and taken back, on a real store and label log."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from streamsel.records import Label, Retraction
from tests.api.acting import answer, correct, undo
from tests.api.reviewing import Reviewing, claimed, query


async def _answered(desk: Reviewing, client: httpx.AsyncClient, number: int, label: str = "fraud") -> str:
    """The id of a query that this reviewer has just answered."""
    await desk.queue.offer([query(number)])
    claim = await claimed(client)
    assert (await answer(client, claim, label, f"key-{number}")).status_code == 201
    return str(claim["query_id"])


async def test_the_last_ten_answers_are_listed(
    desk: Reviewing, ana: httpx.AsyncClient, ben: httpx.AsyncClient
) -> None:
    """The newest first, with what it takes to change them; they are nobody else's."""
    for number in range(12):
        await _answered(desk, ana, number)
    answers = (await ana.get("/v1/answers")).json()
    assert [one["event_id"] for one in answers] == [f"tx-{number}" for number in range(11, 1, -1)]
    assert {**answers[0], "answered_at": None} == {
        "query_id": query(11).query_id,
        "event_id": "tx-11",
        "label": "fraud",
        "answered_at": None,
        "revision": 1,
        "etag": '"1"',
    }
    assert (await ben.get("/v1/answers")).json() == []


async def test_a_correction_replaces_the_answer(desk: Reviewing, ana: httpx.AsyncClient) -> None:
    """As a newer revision in the label log; a repetition adds none."""
    query_id = await _answered(desk, ana, 1)
    for _ in range(2):
        corrected = await correct(ana, query_id, "legitimate")
        assert corrected.status_code == 200
        assert corrected.headers["ETag"] == corrected.json()["etag"] == '"2"'
        assert (corrected.json()["label"], corrected.json()["revision"]) == ("legitimate", 2)
    assert [
        (record.label, record.revision) for record in await desk.logged() if isinstance(record, Label)
    ] == [("fraud", 1), ("legitimate", 2)]
    assert (await ana.get(f"/v1/queries/{query_id}")).json()["answer"]["label"] == "legitimate"
    assert [one["revision"] for one in (await ana.get("/v1/answers")).json()] == [2]
    corrections = [one for one in await desk.noted() if one.action == "corrected"]
    assert {(one.who, one.query_id) for one in corrections} == {("ana", query_id)}


async def test_an_answer_taken_back_is_the_callers_to_give_anew(
    desk: Reviewing, ana: httpx.AsyncClient, ben: httpx.AsyncClient
) -> None:
    """The log has the retraction, the query is leased to them again, and the new answer counts."""
    query_id = await _answered(desk, ana, 1)
    undone = await undo(ana, query_id)
    assert undone.status_code == 200
    claim = undone.json()
    assert (claim["query_id"], claim["query"]["event_id"]) == (query_id, "tx-1")
    assert isinstance((await desk.logged())[-1], Retraction)
    noted = [(one.who, one.query_id) for one in await desk.noted() if one.action == "retracted"]
    assert noted == [("ana", query_id)]
    assert (await ben.post("/v1/claims", json={})).json() == []
    assert (await ana.get("/v1/answers")).json() == []
    again = await answer(ana, claim, "legitimate", "key-again")
    assert again.status_code == 201
    assert again.json()["revision"] == 3
    assert (await ana.get(f"/v1/queries/{query_id}")).json()["answer"]["label"] == "legitimate"


async def test_a_change_needs_the_etag_of_what_is_changed(desk: Reviewing, ana: httpx.AsyncClient) -> None:
    """428 without, 412 for another one, 422 for what is none; nothing changes."""
    query_id = await _answered(desk, ana, 1)
    for etag, status, kind in (
        (None, 428, "precondition-required"),
        ('"2"', 412, "stale"),
        ("1", 422, "invalid"),
        ("*", 422, "invalid"),
        ('W/"1"', 422, "invalid"),
        ('"0"', 422, "invalid"),
    ):
        for refused in (await correct(ana, query_id, "legitimate", etag), await undo(ana, query_id, etag)):
            assert (refused.status_code, refused.json()["type"]) == (status, f"/problems/{kind}"), etag
            assert refused.headers["Content-Type"] == "application/problem+json"
    assert len(await desk.logged()) == 1
    assert [one["label"] for one in (await ana.get("/v1/answers")).json()] == ["fraud"]


async def test_of_two_tabs_the_second_is_told_that_it_is_stale(
    desk: Reviewing, ana: httpx.AsyncClient
) -> None:
    """It still shows revision 1; what the first has done stands."""
    query_id = await _answered(desk, ana, 1)
    assert (await correct(ana, query_id, "legitimate")).status_code == 200
    for refused in (await undo(ana, query_id), await correct(ana, query_id, "fraud")):
        assert (refused.status_code, refused.json()["type"]) == (412, "/problems/stale")
        assert "revision is 2" in refused.json()["detail"]
    assert len(await desk.logged()) == 2


async def test_of_two_corrections_at_once_one_counts(desk: Reviewing, ana: httpx.AsyncClient) -> None:
    """The other finds the answer changed, or no longer theirs, whatever order they came in."""
    query_id = await _answered(desk, ana, 1)
    async with desk.caller("lea") as lea:
        both = await asyncio.gather(
            correct(ana, query_id, "legitimate"), correct(lea, query_id, "legitimate")
        )
    statuses = sorted(one.status_code for one in both)
    assert statuses in ([200, 412], [200, 409])
    assert (await ana.get(f"/v1/queries/{query_id}")).json()["answer"]["revision"] == 2


async def test_others_answers_are_not_ones_own(
    desk: Reviewing, ana: httpx.AsyncClient, ben: httpx.AsyncClient
) -> None:
    """Neither to correct nor to take back; a lead corrects any."""
    query_id = await _answered(desk, ana, 1)
    for refused in (await correct(ben, query_id, "legitimate"), await undo(ben, query_id)):
        assert (refused.status_code, refused.json()["type"]) == (409, "/problems/not-undoable")
    assert len(await desk.logged()) == 1
    async with desk.caller("lea") as lea:
        corrected = await correct(lea, query_id, "legitimate")
    assert (corrected.status_code, corrected.json()["labelled_by"]) == (200, "lea")


@pytest.mark.parametrize("label", ["other", "", "Fraud", "<b>fraud</b>", "fraud\x00"])
async def test_a_correction_to_what_is_not_a_label_changes_nothing(
    desk: Reviewing, ana: httpx.AsyncClient, label: str
) -> None:
    """422, as for a first answer."""
    query_id = await _answered(desk, ana, 1)
    refused = await correct(ana, query_id, label)
    assert refused.status_code == 422
    assert [error["field"] for error in refused.json()["errors"]] == ["label"]
    assert len(await desk.logged()) == 1


async def test_what_was_never_asked_cannot_be_changed(ana: httpx.AsyncClient) -> None:
    """404."""
    for refused in (await correct(ana, "never", "fraud"), await undo(ana, "never")):
        assert (refused.status_code, refused.json()["type"]) == (404, "/problems/unknown-query")
