"""What reviewers do over HTTP, for tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx


async def answer(
    client: httpx.AsyncClient, claim: Mapping[str, Any], label: str, key: str = "key-1"
) -> httpx.Response:
    """Answers a claimed query."""
    return await client.put(
        f"/v1/claims/{claim['query_id']}/label",
        json={"label": label, "fence": claim["fence"]},
        headers={"Idempotency-Key": key},
    )


async def act(
    client: httpx.AsyncClient, claim: Mapping[str, Any], action: str, **body: object
) -> httpx.Response:
    """Extends, releases, skips or escalates a claim."""
    return await client.post(
        f"/v1/claims/{claim['query_id']}/{action}", json={"fence": claim["fence"], **body}
    )


async def correct(
    client: httpx.AsyncClient, query_id: object, label: str, etag: str | None = '"1"'
) -> httpx.Response:
    """Puts another label in place of the one given."""
    headers = {} if etag is None else {"If-Match": etag}
    return await client.put(f"/v1/queries/{query_id}/label", json={"label": label}, headers=headers)


async def undo(client: httpx.AsyncClient, query_id: object, etag: str | None = '"1"') -> httpx.Response:
    """Takes an answer back."""
    headers = {} if etag is None else {"If-Match": etag}
    return await client.delete(f"/v1/queries/{query_id}/label", headers=headers)
