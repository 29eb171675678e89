"""What reviewers and leads are shown of an event, and that none of it is ever markup."""

from __future__ import annotations

import httpx
import pytest
from fastapi import FastAPI

from streamsel.records import Query, Value
from tests.api.reviewing import Reviewing, query

MARKER = "NUR-FUER-LEITUNG"
LEAD_ONLY = ("name", "customer.name", "region", "cards.number")
MARKUP = '<img src=x onerror="alert(1)"></script><script>alert(1)</script>'


def marked(number: int) -> Query:
    """A query with the marker in every field that only leads may see, wherever a field can lie."""
    asked = query(
        number,
        features={"amount": 1.0, "name": MARKER, "customer.name": MARKER, "customer.name.last": MARKER},
        context={"cards": f'[[{{"number":"{MARKER}","kind":"visa"}}]]', "customer.age": 40},
    )
    return Query(
        **{field: getattr(asked, field) for field in Query.__slots__}
        | {"segments": {"region": MARKER}, "rules": (f"quota:fair:{MARKER}", "large amounts")}
        | {"contributions": {"amount": 0.5, "customer.name": 0.25}}
    )


@pytest.fixture
def app(desk: Reviewing) -> FastAPI:
    """The API where some fields are for leads only."""
    return desk.app_with(lead_only=LEAD_ONLY)


async def test_what_only_leads_may_see_never_leaves_the_server_for_others(
    desk: Reviewing, app: FastAPI
) -> None:
    """Not by a claim, an extension or a look at a query, before the answer or after; the rest does."""
    await desk.queue.offer([marked(1)])
    async with desk.caller("ana", app) as ana:
        claiming = await ana.post("/v1/claims", json={})
        (claim,) = claiming.json()
        place, body = f"/v1/claims/{claim['query_id']}", {"fence": claim["fence"]}
        seen = [claiming, await ana.post(f"{place}/extend", json=body)]
        seen.append(await ana.get(f"/v1/queries/{claim['query_id']}"))
        answer = {"label": "fraud", **body}
        seen.append(await ana.put(f"{place}/label", json=answer, headers={"Idempotency-Key": "1"}))
        seen.append(await ana.get(f"/v1/queries/{claim['query_id']}"))
    assert [response.status_code for response in seen] == [200, 200, 200, 201, 200]
    assert not [response.url for response in seen if MARKER in response.text]
    shown = seen[-1].json()["query"]
    assert shown["features"] == {"amount": 1.0}
    assert shown["context"] == {"cards": '[[{"kind":"visa"}]]', "customer.age": 40}
    assert shown["segments"] == {}
    assert shown["rules"] == ["quota:fair", "large amounts"]
    assert shown["contributions"] == {"amount": 0.5}


@pytest.mark.parametrize("name", ["lea", "root"])
async def test_leads_and_admins_see_it(desk: Reviewing, app: FastAPI, name: str) -> None:
    """All of it, as it is."""
    await desk.queue.offer([marked(1)])
    async with desk.caller(name, app) as lead:
        (claim,) = (await lead.post("/v1/claims", json={})).json()
    assert claim["query"]["features"] == marked(1).features
    assert claim["query"]["context"] == marked(1).context
    assert claim["query"]["segments"] == {"region": MARKER}
    assert claim["query"]["rules"] == list(marked(1).rules)


async def test_content_is_json_that_no_browser_takes_for_a_page(
    desk: Reviewing, ana: httpx.AsyncClient
) -> None:
    """Markup in every field comes back as it is, in JSON that is not to be sniffed, under a policy that runs
    nothing."""
    hostile: dict[str, Value] = {MARKUP: MARKUP, "amount": 1.0}
    await desk.queue.offer([query(1, features=hostile, context={f"x{MARKUP}": MARKUP})])
    response = await ana.post("/v1/claims", json={})
    assert response.json()[0]["query"]["features"] == hostile
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-content-type-options"] == "nosniff"
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
