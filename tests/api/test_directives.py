"""Changing the model over HTTP: by whom, how, and what is told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from streamsel.records import Directive, ModelChoice, PromotionRule
from tests.api.reviewing import Reviewing

PATH = "/v1/model/directives"
CHALLENGE: dict[str, Any] = {
    "action": "challenge",
    "reason": "Trees may suit the new merchants.",
    "model": {"preset": "tree", "seed": 7},
    "rule": {"metric": "accuracy", "least_labels": 50, "margin": 0.01},
}


@pytest.fixture
async def root(desk: Reviewing) -> AsyncIterator[httpx.AsyncClient]:
    """An admin."""
    async with desk.caller("root") as client:
        yield client


async def test_a_directive_is_in_the_label_log_and_in_force(desk: Reviewing, root: httpx.AsyncClient) -> None:
    """Issued by whoever holds the key; the audit says so as well."""
    given = await root.post(PATH, json=CHALLENGE)
    assert given.status_code == 201, given.text
    told = given.json()
    (record,) = await desk.logged()
    assert isinstance(record, Directive)
    assert (record.action, record.issued_by, record.reason) == ("challenge", "root", CHALLENGE["reason"])
    assert record.model == ModelChoice("tree", seed=7)
    assert record.rule == PromotionRule("accuracy", 50, 0.01)
    assert (told["directive_id"], told["offset"], told["refused"]) == (record.directive_id, 0, "")
    course = (await root.get(PATH)).json()
    assert course["champion"]["preset"] == "logistic"
    challenger = course["challengers"][record.directive_id]
    assert (challenger["preset"], challenger["least_labels"], challenger["since"]) == ("tree", 50, 1)
    assert course["directives"] == [told]
    noted = [(one.who, one.action, one.detail.get("offset")) for one in await desk.noted()]
    assert ("root", "directed", 0) in noted


async def test_sent_again_under_its_key_it_is_given_once(desk: Reviewing, root: httpx.AsyncClient) -> None:
    """A program may repeat a call whose answer was lost."""
    for _ in range(2):
        given = await root.post(PATH, json=CHALLENGE, headers={"Idempotency-Key": "k1"})
        assert (given.status_code, given.json()["offset"]) == (201, 0)
    assert len(await desk.logged()) == 1


async def test_what_cannot_be_obeyed_is_refused_before_it_is_in_the_log(
    desk: Reviewing, root: httpx.AsyncClient
) -> None:
    """With the field, its value and what would be right."""
    refused = await root.post(PATH, json={"action": "promote", "reason": "better", "challenge": "x"})
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/directive-refused")
    assert refused.json()["detail"] == "challenge is 'x'; open ones are: none"
    assert await desk.logged() == []


@pytest.mark.parametrize("caller", ["ana", "lea", "shop"])
async def test_only_admins_change_the_model(desk: Reviewing, caller: str) -> None:
    """Whatever they call themselves in the body."""
    async with desk.caller(caller) as client:
        forged = await client.post(PATH, json=CHALLENGE | {"issued_by": "root"})
    assert forged.status_code == 403
    assert await desk.logged() == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"action": "explode"}, "action"),
        ({"reason": ""}, "reason"),
        ({"reason": None}, "reason"),
        ({"issued_by": "ana"}, "issued_by"),
        ({"model": {"preset": "tree", "factory": "os:system"}}, "model.factory"),
        ({"model": {"preset": "tree", "copies": 11}}, "model.copies"),
        ({"rule": {"error_rate": 0.0}}, "rule.error_rate"),
        ({"rule": {"metric": "luck"}}, "rule.metric"),
        ({"version": -1}, "version"),
    ],
)
async def test_a_mistake_is_named_by_its_field(
    desk: Reviewing, root: httpx.AsyncClient, change: dict[str, Any], field: str
) -> None:
    """And nothing is changed."""
    refused = await root.post(PATH, json=CHALLENGE | change)
    assert refused.status_code == 422
    assert [error["field"] for error in refused.json()["errors"]] == [field]
    assert await desk.logged() == []
