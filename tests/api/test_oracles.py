"""How other oracles fare, for leads."""

from __future__ import annotations

from dataclasses import replace

import httpx

from streamsel.api.app import create_app
from streamsel.review.oracles import Accounts
from tests.api.reviewing import Reviewing
from tests.core.review_records import answer, opinion


def filled(accounts: Accounts) -> None:
    """The model has labelled one event of four, and people have checked three of its answers."""
    for number, label in enumerate(("fraud", "fraud", "legitimate")):
        accounts.add(opinion("fraud", "large", query_id=f"c{number}", kind="oracle"))
        accounts.add(answer(label, query_id=f"c{number}"))
    accounts.add(answer("fraud", "large", query_id="q1", source="model"))


async def test_a_lead_is_told_what_each_has_said_and_how_often_people_agree(desk: Reviewing) -> None:
    """Beside its terms."""
    assert desk.parts.oracles is not None
    filled(desk.parts.oracles)
    async with desk.caller("lea") as lea:
        (told,) = (await lea.get("/v1/oracles")).json()
    assert (told["name"], told["answers"], told["share"], told["cap"]) == ("large", 4, 0.25, 0.3)
    assert (told["checks"], told["agreement"]) == (3, 2 / 3)
    assert told["agreement_low"] < 2 / 3 < told["agreement_high"]
    assert (told["floor"], told["cut_off"]) == (0.9, False)


async def test_without_oracles_the_list_is_empty(desk: Reviewing) -> None:
    """And of one that nobody has checked there is no agreement."""
    async with desk.caller("lea") as lea:
        assert (await lea.get("/v1/oracles")).json()[0]["agreement"] is None
    app = create_app(replace(desk.parts, oracles=Accounts([])))
    async with desk.caller("lea", app) as lea:
        assert (await lea.get("/v1/oracles")).json() == []


async def test_reviewers_are_not_told(ana: httpx.AsyncClient) -> None:
    """Or they would know which answers are checked."""
    assert (await ana.get("/v1/oracles")).status_code == 403
