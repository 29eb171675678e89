"""What must hold whatever happened: each function counts one part of a run and asserts it."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from loadtest.outside.counts import answered_twice, became, lost
from loadtest.outside.desk_store import DeskStore
from loadtest.outside.reviewing import Acknowledged
from loadtest.outside.service_process import ServiceProcess, bearer
from loadtest.outside.streams import Streams
from loadtest.outside.waiting import until

_ROOT = Path(__file__).parents[2]


async def all_decided(streams: Streams) -> bool:
    """Whether as many decisions are there as there should be. Events that were sent again for want of an
    answer may be there twice, so what was no event is counted where it ended up."""
    dead = {tuple(record.content["source"]) for record in await streams.records("dead-letters")}
    return await streams.count("decisions") + len(dead) >= await streams.count("events")


async def decided_once(streams: Streams) -> dict[str, set[str]]:
    """Every event has one decision or else a dead letter; returns the query ids asked, with their event ids.

    Of dead letters there may be several for one event: they are written at least once.
    """
    found = became(*[await streams.records(log) for log in ("events", "decisions", "dead-letters")])
    assert not found.doubled, f"decided more than once: {found.doubled[:5]}"
    assert not found.undecided, f"not decided: {found.undecided[:5]}"
    assert not found.contradictory, f"decisions that contradict themselves: {found.contradictory[:5]}"
    assert not found.shared, f"one query for several events: {found.shared}"
    return dict(found.asked)


async def at_the_desk(desk: DeskStore, asked: dict[str, set[str]]) -> dict[str, str]:
    """Every query asked is at the desk once and in one state, and no other is; returns the states."""
    states = await asyncio.to_thread(desk.states)
    missing, unasked = asked.keys() - states.keys(), states.keys() - asked.keys()
    assert not missing, f"{len(missing)} queries were decided and never offered"
    assert not unasked, f"{len(unasked)} queries at the desk are in no decision"
    return states


async def labels_kept(streams: Streams, acknowledged: Sequence[Acknowledged]) -> list[dict[str, Any]]:
    """Every acknowledged label is in the log where the desk said, and no query has two answers; returns the
    labels. What came too late to be an answer is in the log as an opinion."""
    log = [record.content for record in await streams.records("labels")]
    missing = lost(log, acknowledged)
    assert not missing, f"not in a log of {len(log)} records: {missing[:5]}"
    labels = [record for record in log if record["kind"] == "label"]
    assert not answered_twice(labels)
    return labels


def labelled_once(log: Sequence[dict[str, Any]]) -> None:
    """No label is in the log twice."""
    twice = [label_id for label_id, count in Counter(label["label_id"] for label in log).items() if count > 1]
    assert not twice, f"labelled twice: {twice[:5]}"


async def learned(selector: ServiceProcess, secret: str, streams: Streams) -> dict[str, Any]:
    """The model as the selector has it, once it stands at the log's end."""
    url = await selector.ready()
    end = await streams.count("labels")
    async with httpx.AsyncClient(base_url=url, headers=bearer(secret)) as client:

        async def model() -> dict[str, Any] | None:
            serving: dict[str, Any] = (await client.get("/v1/model")).raise_for_status().json()
            return serving if serving["version"] == end else None

        serving = await until(model, what=f"model version {end}")
    return {name: serving[name] for name in ("version", "labels_learned", "digest")}


async def uninterrupted(streams: Streams, configuration: Path) -> dict[str, Any]:
    """Version, labels learned and digest of the same log, folded from nothing by another process."""
    log = b"\n".join([record.value for record in await streams.records("labels")])
    command = (sys.executable, "-m", "loadtest.outside.uninterrupted_fold", str(configuration))
    process = await asyncio.create_subprocess_exec(
        *command, cwd=_ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate(log)
    assert process.returncode == 0
    model: dict[str, Any] = json.loads(output)
    return model
