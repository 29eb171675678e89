"""The description of the API: complete, consistent, with an example for everything."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi.openapi.models import OpenAPI

from streamsel.api import problems
from streamsel.api.problems import MEDIA_TYPE, Kind

Json = dict[str, Any]

LEAD = {
    ("get", "/v1/history"),
    ("get", "/v1/evaluation"),
    ("get", "/v1/oracles"),
    ("get", "/v1/reviewers"),
    ("get", "/v1/disputes"),
    ("get", "/v1/queries/{query_id}/evidence"),
    ("get", "/v1/model/directives"),
    ("post", "/v1/reviewers/{name}/pause"),
    ("post", "/v1/reviewers/{name}/resume"),
    ("post", "/v1/queries/{query_id}/reassign"),
}


@pytest.fixture
async def description(ana: httpx.AsyncClient) -> Json:
    """As served."""
    response = await ana.get("/openapi.json")
    return dict(response.json())


def _operations(description: Json) -> Iterator[tuple[str, str, Json]]:
    for path, item in description["paths"].items():
        for method, operation in item.items():
            yield method, path, operation


def _has_example(description: Json, schema: Json) -> bool:
    """Its own, or one for each of its parts."""
    if "examples" in schema or "const" in schema or "default" in schema:
        return True
    if "$ref" in schema:
        return _has_example(
            description, description["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
        )
    if "items" in schema:
        return _has_example(description, schema["items"])
    if "anyOf" in schema:
        return any(_has_example(description, one) for one in schema["anyOf"])
    fields: Json = schema.get("properties", {})
    return bool(fields) and all(_has_example(description, one) for one in fields.values())


async def test_it_is_openapi_3_1(description: Json) -> None:
    """It has the shape, every reference leads somewhere, and every operation has a name of its own."""
    assert description["openapi"] == "3.1.0"
    OpenAPI.model_validate(description)
    schemas = description["components"]["schemas"]
    for reference in re.findall(r'"\$ref": "([^"]*)"', json.dumps(description)):
        assert reference.removeprefix("#/components/schemas/") in schemas
    names = [operation["operationId"] for _, _, operation in _operations(description)]
    assert len(set(names)) == len(names)
    for _, path, operation in _operations(description):
        declared = {one["name"] for one in operation.get("parameters", []) if one["in"] == "path"}
        assert declared == set(re.findall(r"{(\w+)}", path))


async def test_it_names_the_routes_others_build_on(description: Json) -> None:
    """These names are fixed."""
    assert {(method.upper(), path) for method, path, _ in _operations(description)} == {
        ("POST", "/v1/claims"),
        ("PUT", "/v1/claims/{query_id}/label"),
        ("POST", "/v1/claims/{query_id}/extend"),
        ("POST", "/v1/claims/{query_id}/release"),
        ("POST", "/v1/claims/{query_id}/escalate"),
        ("GET", "/v1/queue"),
        ("GET", "/v1/queue/live"),
        ("GET", "/v1/queries/{query_id}"),
        ("GET", "/v1/queries"),
        ("POST", "/v1/claims/{query_id}/skip"),
        ("GET", "/v1/answers"),
        ("PUT", "/v1/queries/{query_id}/label"),
        ("DELETE", "/v1/queries/{query_id}/label"),
        ("POST", "/v1/labels"),
        ("GET", "/v1/history"),
        ("GET", "/v1/evaluation"),
        ("GET", "/v1/oracles"),
        ("GET", "/v1/reviewers"),
        ("GET", "/v1/disputes"),
        ("GET", "/v1/queries/{query_id}/evidence"),
        ("POST", "/v1/reviewers/{name}/pause"),
        ("POST", "/v1/reviewers/{name}/resume"),
        ("POST", "/v1/queries/{query_id}/reassign"),
        ("GET", "/v1/labels"),
        ("GET", "/v1/model"),
        ("GET", "/v1/model/directives"),
        ("POST", "/v1/model/directives"),
        ("POST", "/v1/events"),
        ("POST", "/v1/session"),
        ("GET", "/v1/session"),
        ("DELETE", "/v1/session"),
        ("GET", "/healthz"),
        ("GET", "/readyz"),
        ("GET", "/metrics"),
    }


async def test_everything_sent_or_received_has_an_example(description: Json) -> None:
    """Bodies, parameters and responses, those of errors included."""
    for method, path, operation in _operations(description):
        where = f"{method} {path}"
        contents = [operation["requestBody"]] if "requestBody" in operation else []
        contents += [one for one in operation["responses"].values() if "content" in one]
        for content in contents:
            for media_type, media in content["content"].items():
                found = (
                    "example" in media or "examples" in media or _has_example(description, media["schema"])
                )
                assert found, f"{where} {media_type}"
        for parameter in operation.get("parameters", []):
            assert _has_example(description, parameter["schema"]), f"{where} {parameter['name']}"
        assert operation["summary"]
        assert operation["description"], where


async def test_every_route_says_which_scope_it_needs(description: Json) -> None:
    """By the one security scheme; the open ones need none."""
    assert description["components"]["securitySchemes"]["apiKey"]["scheme"] == "bearer"
    for method, path, operation in _operations(description):
        security = operation.get("security")
        if path == "/v1/events":
            assert security == [{"apiKey": ["producer"]}]
        elif (method, path) == ("post", "/v1/model/directives"):
            assert security == [{"apiKey": ["admin"]}]
        elif (method, path) in LEAD:
            assert security == [{"apiKey": ["lead"]}]
        elif path in ("/healthz", "/readyz", "/metrics") or (method, path) == ("post", "/v1/session"):
            assert security is None, path
        else:
            assert security == [{"apiKey": ["reviewer"]}], path


async def test_problems_are_described_as_problems(description: Json) -> None:
    """With their media type, schema and Retry-After; nothing is left of the framework's own errors."""
    assert "HTTPValidationError" not in description["components"]["schemas"]
    for _, _, operation in _operations(description):
        for status, response in operation["responses"].items():
            if int(status) < 400:
                continue
            (media_type,) = response["content"]
            assert media_type == MEDIA_TYPE
            for example in response["content"][MEDIA_TYPE]["examples"].values():
                assert str(example["value"]["status"]) == status
            assert ("Retry-After" in response.get("headers", {})) == (status in ("429", "503"))


def test_types_of_problems_are_distinct() -> None:
    """A client tells them apart by the type alone."""
    kinds = [kind for kind in vars(problems).values() if isinstance(kind, Kind)]
    assert len(kinds) > 15
    assert len({kind.type for kind in kinds}) == len(kinds)
    assert all(re.fullmatch(r"/problems/[a-z-]+", kind.type) for kind in kinds)
