"""How good the model is, for leads."""

from __future__ import annotations

import httpx

from tests.api.evaluated_desk import EVENTS, LABELLED, evaluated
from tests.api.reviewing import Reviewing


async def test_a_lead_is_told_how_good_the_model_is(desk: Reviewing) -> None:
    """Over all events, with intervals, beside what the labels alone would say."""
    async with evaluated(desk), desk.caller("lea") as lea:
        response = await lea.get("/v1/evaluation")
    assert response.status_code == 200
    told = response.json()
    assert set(told["windows"]) == {"hour", "day", "labels", "start"}
    window = told["windows"]["start"]
    whole = window["whole"]
    assert (whole["events"], whole["asked"], whole["answered"]) == (EVENTS, LABELLED, LABELLED)
    accuracy = whole["measures"]["accuracy"]
    assert 0.8 < accuracy["low"] < accuracy["value"] < accuracy["high"] <= 1.0
    assert set(window["labels"]) == {"legitimate", "fraud"}
    assert window["prequential"]["accuracy"] == 0.95
    assert window["segments"]["country=PT"]["answered"] == LABELLED / 2


async def test_a_lead_is_told_what_labelling_brings_and_what_changed(desk: Reviewing) -> None:
    """Each hundred labels or so, in reviewers' hours as well; and drift with its time and place."""
    async with evaluated(desk), desk.caller("lea") as lea:
        told = (await lea.get("/v1/evaluation")).json()
    first, second = told["rounds"]
    assert (first["labels"], second["labels"]) == (120, 120)
    assert first["until"] == second["since"] == first["since"] + 120.0
    assert first["gain_per_hundred_labels"] is None
    assert second["gain_per_hundred_labels"] is not None
    assert first["reviewer_hours"] == 120 * 20.0 / 3600.0
    assert (first["mistakes_random"], first["mistakes_chosen"]) == (0.05, None)
    assert {(drift["kind"], drift["segment"]) for drift in told["drifts"]} == {
        ("predictions", name) for name in ("", "country=<b>BR</b>", "country=PT")
    }


async def test_before_anything_is_settled_there_is_nothing_to_tell(desk: Reviewing) -> None:
    """No window, and no figure."""
    async with desk.caller("lea") as lea:
        assert (await lea.get("/v1/evaluation")).json()["windows"] == {}


async def test_reviewers_are_not_told(ana: httpx.AsyncClient) -> None:
    """It is the leads'."""
    assert (await ana.get("/v1/evaluation")).status_code == 403
