"""The simulated reviewers against a real service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import islice
from pathlib import Path

import httpx
import orjson
import pytest

from streamsel.api.keys import new_key
from streamsel.codec import decode_log_record
from streamsel.config import ApiKey
from streamsel.demo.options import DemoOptions, configuration
from streamsel.demo.reviewers import Habits, SimulatedReviewer
from streamsel.demo.transactions import LABELS, transactions
from streamsel.records import Label
from streamsel.wiring.service import Service
from streamsel.wiring.service import running as service_running

EVENTS = 300
TRUTHS = {str(one.event["id"]): one.truth for one in islice(transactions(1, EVENTS), EVENTS)}
SECRETS, HASHES = zip(*(new_key() for _ in range(2)), strict=True)
PATIENCE_SECONDS = 30.0


@asynccontextmanager
async def service(data_dir: Path, lease_seconds: float) -> AsyncIterator[Service]:
    """A service with two reviewers' keys, some events in its stream."""
    keys = [ApiKey(name=f"reviewer-{n}", scope="reviewer", sha256=sha256) for n, sha256 in enumerate(HASHES)]
    config = configuration(DemoOptions(reviewers=2), data_dir, keys, None)
    capacity = config.capacity.model_copy(update={"lease_seconds": lease_seconds})
    config = config.model_copy(update={"capacity": capacity})
    async with service_running(config, roles=frozenset({"selector", "desk"})) as running:
        await running.wait_ready()
        stream = islice(transactions(1, EVENTS), EVENTS)
        await running.intake.append([orjson.dumps(transaction.event) for transaction in stream])
        yield running


async def labels(running: Service, at_least: int) -> list[Label]:
    """What the label log holds once it holds so many."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        await running.label_log.read(at_least - 1, 1, PATIENCE_SECONDS)
    records = [decode_log_record(content) for _, content in await running.label_log.read(0, 1_000, 0.0)]
    return [record for record in records if isinstance(record, Label)]


async def test_each_answers_under_their_own_name_with_the_truth(tmp_path: Path) -> None:
    """Both take part, no query is answered twice, and without error all answers are true."""
    habits = Habits(mean_seconds=0.01, error=0.0, break_chance=0.0)
    async with (
        service(tmp_path, lease_seconds=30.0) as running,
        httpx.AsyncClient(base_url=running.url) as client,
    ):
        reviewers = [
            SimulatedReviewer(client, secret, TRUTHS.__getitem__, LABELS, habits, seed)
            for seed, secret in enumerate(SECRETS)
        ]
        working = [asyncio.create_task(reviewer.work()) for reviewer in reviewers]
        answers = await labels(running, at_least=8)
        for task in working:
            task.cancel()
        await asyncio.gather(*working, return_exceptions=True)
    assert {answer.labelled_by for answer in answers} == {"reviewer-0", "reviewer-1"}
    assert len({answer.query_id for answer in answers}) == len(answers)
    assert all(answer.label == TRUTHS[answer.event_id] for answer in answers)
    assert all(reviewer.answered > 0 and reviewer.lost == 0 for reviewer in reviewers)


async def test_an_answer_that_comes_too_late_is_lost_and_work_goes_on(tmp_path: Path) -> None:
    """Reviews outlast the lease, so the other one has the query by then: 409 is part of the work."""
    habits = Habits(mean_seconds=0.8, spread=0.4, break_chance=0.0)
    async with (
        service(tmp_path, lease_seconds=0.2) as running,
        httpx.AsyncClient(base_url=running.url) as client,
    ):
        reviewers = [
            SimulatedReviewer(client, secret, TRUTHS.__getitem__, LABELS, habits, seed)
            for seed, secret in enumerate(SECRETS)
        ]
        working = [asyncio.create_task(reviewer.work()) for reviewer in reviewers]
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (sum(one.lost for one in reviewers) and sum(one.answered for one in reviewers)):
                await asyncio.wait(working, timeout=0.05)
                assert not any(task.done() for task in working)
        for task in working:
            task.cancel()
        await asyncio.gather(*working, return_exceptions=True)
        answers = await labels(running, at_least=sum(one.answered for one in reviewers))
    assert len({answer.query_id for answer in answers}) == len(answers)


async def test_a_key_that_is_not_known_ends_the_work(tmp_path: Path) -> None:
    """Nobody goes on claiming in vain."""
    async with (
        service(tmp_path, lease_seconds=30.0) as running,
        httpx.AsyncClient(base_url=running.url) as client,
    ):
        stranger = SimulatedReviewer(client, "ssk_unknown", TRUTHS.__getitem__, LABELS, Habits(), seed=1)
        with pytest.raises(httpx.HTTPStatusError, match="401"):
            await stranger.work()
