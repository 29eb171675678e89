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
    assert window["prequential"]["accuracy"] == (LABELLED - 3) / LABELLED
    assert window["segments"]["country=PT"]["answered"] == LABELLED / 2


async def test_before_anything_is_settled_there_is_nothing_to_tell(desk: Reviewing) -> None:
    """No window, and no figure."""
    async with desk.caller("lea") as lea:
        assert (await lea.get("/v1/evaluation")).json()["windows"] == {}


async def test_reviewers_are_not_told(ana: httpx.AsyncClient) -> None:
    """It is the leads'."""
    assert (await ana.get("/v1/evaluation")).status_code == 403
