"""Queries in lists, a page at a time."""

from __future__ import annotations

import httpx
import pytest

from tests.api.acting import act, answer
from tests.api.reviewing import Reviewing, claimed, query


async def test_pages_hold_every_query_once(desk: Reviewing, ana: httpx.AsyncClient) -> None:
    """Turned by the cursor of the page before; the last one has none."""
    await desk.queue.offer([query(number) for number in range(25)])
    found: list[str] = []
    cursor: str | None = None
    pages = 0
    while cursor is not None or pages == 0:
        given = {} if cursor is None else {"cursor": cursor}
        response = await ana.get("/v1/queries", params={"state": "waiting", "limit": 10, **given})
        assert response.status_code == 200
        found += [item["query_id"] for item in response.json()["items"]]
        cursor = response.json()["next_cursor"]
        pages += 1
    assert sorted(found) == [query(number).query_id for number in range(25)]
    assert pages <= 4


async def test_a_listed_query_shows_who_has_it_and_nothing_of_its_event(
    desk: Reviewing, ana: httpx.AsyncClient
) -> None:
    """Fields are for those who hold it, or ask for it by its id, which is noted."""
    await desk.queue.offer([query(1)])
    await claimed(ana)
    await desk.queue.offer([query(2, lane="holdout"), query(3)])
    response = await ana.get("/v1/queries")
    listed = {item["query_id"]: item for item in response.json()["items"]}
    held = listed[query(1).query_id]
    assert (held["state"], held["holders"], held["queue"]) == ("leased", ["ana"], "default")
    assert held["query"] == {"event_id": "tx-1", "lane": "uncertain", "rules": ["large amounts"]}
    waiting = listed[query(2).query_id]
    assert (waiting["state"], waiting["holders"], waiting["query"]["rules"]) == ("waiting", [], None)
    assert waiting["query"]["lane"] == "explore"
    for value in ("912.5", "second try", "0.46"):
        assert value not in response.text


async def test_a_list_is_of_one_state_or_queue(desk: Reviewing, ana: httpx.AsyncClient) -> None:
    """Or of both."""
    await desk.queue.offer([query(number) for number in range(4)])
    assert (await answer(ana, await claimed(ana), "fraud")).status_code == 201
    await act(ana, await claimed(ana), "escalate", reason="beyond me")

    async def listed(**asked: str) -> list[str]:
        response = await ana.get("/v1/queries", params=asked)
        return sorted(item["query"]["event_id"] for item in response.json()["items"])

    assert await listed(state="labelled") == ["tx-0"]
    assert await listed(queue="escalated") == ["tx-1"]
    assert await listed(state="waiting", queue="default") == ["tx-2", "tx-3"]
    assert await listed(state="leased", queue="escalated") == []
    assert await listed() == ["tx-0", "tx-1", "tx-2", "tx-3"]


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"state": "lost"}, "state"),
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"queue": "no name"}, "queue"),
        ({"cursor": "<script>"}, "cursor"),
    ],
)
async def test_what_cannot_be_listed_is_refused(
    ana: httpx.AsyncClient, asked: dict[str, str], field: str
) -> None:
    """422, with the parameter's name."""
    response = await ana.get("/v1/queries", params=asked)
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == [field]


@pytest.mark.parametrize("cursor", ["AAAA", "bm8gc3VjaCBrZXk", "d2FpdGluZzpkZWZhdWx0IG5hbiAx"])
async def test_a_cursor_that_was_not_given_here_leads_nowhere(ana: httpx.AsyncClient, cursor: str) -> None:
    """404, whatever is in it."""
    response = await ana.get("/v1/queries", params={"cursor": cursor, "state": "labelled"})
    assert (response.status_code, response.json()["type"]) == (404, "/problems/unknown-cursor")
