"""What leads are told about how a query came about."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import numpy as np
import pytest

from streamsel.adapters.clock import SystemClock
from streamsel.adapters.embedded import EmbeddedValkey
from streamsel.adapters.redis_streams import RedisStreams
from streamsel.adapters.redis_streams_log import RedisKeptLog
from streamsel.adapters.redis_streams_sinks import RedisDecisionSink
from streamsel.codec import DecisionColumns, encode_decisions
from streamsel.config import Config
from streamsel.config.recorded import recorded
from streamsel.ports import OutgoingDecisions
from streamsel.records import Conditions, Query
from streamsel.services.configurations import record
from tests.api.acting import answer
from tests.api.reviewing import LABELS, Reviewing, claimed, query

PATH = f"/v1/queries/{query(1).query_id}/evidence"


@pytest.fixture
async def lea(desk: Reviewing) -> AsyncIterator[httpx.AsyncClient]:
    """A lead."""
    async with desk.caller("lea") as client:
        yield client


async def decide(valkey: EmbeddedValkey, prefix: str, asked: Query, configuration: str) -> None:
    """Its decision is in the decisions, as the only one."""
    sink = RedisDecisionSink(RedisStreams(valkey.url, prefix))
    columns = DecisionColumns(
        topic="events",
        partition=0,
        offsets=[20],
        event_ids=[asked.event_id],
        decided_at=asked.decided_at,
        model_version=asked.model_version,
        labels=tuple(asked.probabilities),
        probabilities=np.array([list(asked.probabilities.values())]),
        utilities=np.array([asked.utility]),
        threshold=0.75,
        query_fraction=0.05,
        lanes=[1],
        propensities=np.array([asked.propensity]),
        queries={0: asked},
        conditions=Conditions(configuration, 400, 0.05, 7, 12.5, 3, 0.25),
    )
    await (await sink.send([OutgoingDecisions(0, [20], encode_decisions(columns))]))
    await sink.close()


async def test_a_lead_is_told_everything_about_a_query(
    desk: Reviewing, lea: httpx.AsyncClient, valkey: EmbeddedValkey, prefix: str
) -> None:
    """Decision, configuration, answer with role and guideline, and use; and that is audited."""
    streams = RedisStreams(valkey.url, prefix)
    log = RedisKeptLog(streams, streams.configurations)
    config = Config(labels=LABELS)
    configuration = await record(log, desk.label_log, recorded(config), SystemClock())
    await log.close()
    await decide(valkey, prefix, query(1), configuration)
    await desk.queue.offer([query(1)])
    async with desk.caller("ana", desk.app_with(configuration=configuration)) as client:
        assert (await answer(client, await claimed(client), "fraud")).status_code == 201
    await desk.tallied(1)
    response = await lea.get(PATH)
    assert response.status_code == 200, response.text
    told = response.json()
    assert told["unknown"].keys() == {"answers", "traceparent"}
    assert (told["event_id"], told["source"]) == ("tx-1", "events:0:20")
    assert (told["threshold"], told["candidates"], told["window"]) == (0.75, 400, 500)
    assert told["budget"] == {"query_fraction": 0.05, "affordable": 0.05, "limited_by": "budget"}
    assert told["capacity"]["live_reviewers"] == 3
    assert told["acquisition_function"] == "hybrid"
    assert told["guideline"]["version"] == "2026-11"
    (given,) = told["answers"]
    assert (given["by"], given["role"], given["label"]) == ("ana", "reviewer", "fraud")
    assert given["guideline_version"] == "2026-11"
    assert [one["name"] for one in told["quality"]["reviewers"]] == ["ana"]
    assert (told["used_for"]["training"], told["used_for"]["evaluation"]) == (True, True)
    assert "912.5" not in response.text
    seen = [(one.who, one.action, one.query_id) for one in await desk.noted()]
    assert seen[-1] == ("lea", "viewed", query(1).query_id)


async def test_what_is_not_on_record_is_said_to_be_unknown(
    desk: Reviewing, ana: httpx.AsyncClient, lea: httpx.AsyncClient
) -> None:
    """Of a query whose decision is retained no more; the desk's own knowledge stays."""
    await desk.queue.offer([query(1)])
    told = (await lea.get(PATH)).json()
    assert told["threshold"] is None
    assert told["unknown"]["threshold"].startswith("its decision was not found at the time it was made")
    assert (told["utility"], told["propensity"], told["answers"]) == (query(1).utility, 0.25, [])
    assert told["used_for"]["training"] is False
    assert (await answer(ana, await claimed(ana), "fraud")).status_code == 201
    told = (await lea.get(PATH)).json()
    assert told["unknown"]["guideline"] == "no answer that stands names a configuration that is known"
    assert told["answers"][0]["configuration"] == "a configuration"


async def test_reviewers_are_not_told(desk: Reviewing, ana: httpx.AsyncClient) -> None:
    """403, before or after they answered: it has others' answers and what the model thinks."""
    await desk.queue.offer([query(1)])
    refused = await ana.get(PATH)
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/forbidden")


async def test_a_query_that_the_desk_does_not_have(lea: httpx.AsyncClient) -> None:
    """404, as a problem."""
    refused = await lea.get("/v1/queries/never/evidence")
    assert (refused.status_code, refused.json()["type"]) == (404, "/problems/unknown-query")
    assert refused.headers["Content-Type"] == "application/problem+json"


async def test_a_decision_of_another_time_is_not_taken_for_it(
    desk: Reviewing, lea: httpx.AsyncClient, valkey: EmbeddedValkey, prefix: str
) -> None:
    """An event that was decided again later has one evidence: that of the query at the desk."""
    await decide(valkey, prefix, replace(query(1), decided_at=query(1).decided_at + 60.0), "x")
    await desk.queue.offer([query(1)])
    assert (await lea.get(PATH)).json()["threshold"] is None
