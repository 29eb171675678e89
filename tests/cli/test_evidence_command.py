"""``streamsel evidence`` as a person types it, beside a service that decided, asked and was answered."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest

from streamsel import config
from streamsel.api.keys import new_key
from streamsel.codec import decode_decision
from streamsel.records import Decision
from streamsel.wiring.service import running
from tests.cli.typed import object_of, streamsel

EVENTS = 40


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path, for the embedded server's socket."""
    with TemporaryDirectory(prefix="cli-") as directory:
        yield Path(directory)


def configured(folder: Path) -> str:
    """Writes the configuration; the secret of ana's key."""
    secret, sha256 = new_key()
    (folder / "streamsel.toml").write_text(
        f"""
[stream]
redact = ["card"]
lead_only = ["name"]
[labels]
names = ["fine", "fraud"]
guideline_version = "2026-11"
guideline = {{ fraud = "The cardholder did not make it." }}
[select]
strategy = "entropy"
budget = 1.0
window = 100
[[select.rules]]
name = "large"
field = "amount"
op = ">"
value = 30
ask = "always"
[desk]
port = 0
[redis]
data_dir = "{folder}/.streamsel"
[auth]
keys = [{{ name = "ana", scope = "reviewer", sha256 = "{sha256}" }}]
""",
        encoding="utf-8",
    )
    return secret


async def one_answered(folder: Path, secret: str) -> tuple[str, list[Decision]]:
    """Runs a service until one of its queries is answered; which one, and the decisions to ask."""
    settings = config.load(folder / "streamsel.toml", {})
    async with running(settings, frozenset({"selector", "desk"})) as service:
        await service.wait_ready()
        await service.intake.append(
            [json.dumps({"id": f"tx-{n}", "amount": n, "card": "s3cret"}).encode() for n in range(EVENTS)]
        )
        headers = {"Authorization": f"Bearer {secret}"}
        async with httpx.AsyncClient(base_url=service.url, headers=headers, timeout=60.0) as ana:
            (claim,) = (await ana.post("/v1/claims", json={"count": 1, "wait_seconds": 30})).json()
            response = await ana.put(
                f"/v1/claims/{claim['query_id']}/label",
                json={"label": "fraud", "fence": claim["fence"]},
                headers={"Idempotency-Key": "key-1"},
            )
            assert response.status_code == httpx.codes.CREATED, response.text
        lines = await service.decision_log.read(0, EVENTS, 1.0)
        decided = [decode_decision(content) for _, content in lines]
    return claim["query_id"], [one for one in decided if one.query is not None]


def test_everything_about_a_query_is_told(folder: Path) -> None:
    """From the logs alone, when the service is gone; of one nobody answered as much as there is."""
    name, asked = asyncio.run(one_answered(folder, configured(folder)))
    queries = {one.query.query_id: one for one in asked if one.query is not None}
    decision = queries.pop(name)
    one = object_of(streamsel(folder, "evidence", name, "--json"))
    assert one["unknown"] == {"traceparent": "its event came without one"}
    assert one["event_id"] == decision.event_id
    assert (one["threshold"], one["utility"], one["propensity"]) == (
        decision.threshold,
        decision.utility,
        decision.propensity,
    )
    assert (one["acquisition_function"], one["window"], one["model"]["preset"]) == (
        "entropy",
        100,
        "logistic",
    )
    assert one["capacity"]["live_reviewers"] >= 0
    assert one["budget"]["affordable"] == 1.0
    assert one["privacy"] == {"redacted": ["card"], "hashed": [], "lead_only": ["name"], "excluded": []}
    assert one["guideline"]["version"] == "2026-11"
    (given,) = one["answers"]
    assert (given["by"], given["role"], given["label"], given["stands"]) == ("ana", "reviewer", "fraud", True)
    assert one["used_for"]["training"] is True
    assert "s3cret" not in json.dumps(one)

    waiting = object_of(streamsel(folder, "evidence", next(iter(queries)), "--json"))
    assert (waiting["answers"], waiting["used_for"]["training"]) == ([], False)
    assert waiting["unknown"] == {
        "traceparent": "its event came without one",
        "guideline": "no answer is known",
    }

    shown = streamsel(folder, "evidence", name)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert 'acquisition function  "entropy"' in shown.stdout
    assert 'resolution: "one reviewer\'s answer"' in shown.stdout


def test_a_query_nobody_knows(folder: Path) -> None:
    """One line, and exit status 1."""
    configured(folder)
    refused = streamsel(folder, "evidence", "never")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert (
        refused.stderr == "streamsel: no label, audit entry or retained decision is about a query 'never'\n"
    )
