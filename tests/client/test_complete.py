"""The client beside the description of the API: which routes it calls, and which fields it reads."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Iterator, Mapping
from typing import Any

from streamsel.client import calls, figures, leading, listed, records
from streamsel.client.calls import Call
from streamsel.client.records import PastAnswer, Record
from tests.api.reviewing import Reviewing

LEFT_OUT: Mapping[tuple[str, str], str] = {
    ("GET", "/healthz"): "read by probes",
    ("GET", "/readyz"): "read by probes",
    ("GET", "/metrics"): "read by Prometheus",
    ("POST", "/v1/session"): "the page's way in; a program has a key",
    ("DELETE", "/v1/session"): "the page's way out",
    ("GET", "/v1/evaluation"): "drawn on the page; programs read the metrics",
    ("GET", "/v1/oracles"): "drawn on the page; programs read the metrics",
    ("GET", "/v1/model/directives"): "streamsel model",
    ("POST", "/v1/model/directives"): "streamsel model",
}
"""Routes that the client has no call for, and who uses them instead."""

CLAIM = records.Claim("q", 1, "default", 1, 60.0, 1.0, None, sensitive=False, query=None)  # type: ignore[arg-type]
PAST = PastAnswer("q", "tx-1", "fraud", 1.0, 1)
ARGUMENTS: Mapping[str, tuple[Any, ...]] = {
    "claim": (None, 1, 0.0),
    "label": (CLAIM, "fraud", None),
    "label_many": ([(CLAIM, "fraud")],),
    "extend": (CLAIM,),
    "release": (CLAIM,),
    "skip": (CLAIM, "why"),
    "escalate": (CLAIM, "why"),
    "correct": (PAST, "fraud"),
    "undo": (PAST,),
    "query": ("q",),
    "page": ("waiting", None, None),
    "pause": ("ana", "why"),
    "resume": ("ana",),
    "reassign": ("q",),
    "evidence": ("q",),
    "history": (8.0,),
    "send": ([{"id": 1}],),
}
"""Of the calls that need any."""

VIEWS = {
    records.Query: "QueryContent",
    records.Claim: "ClaimView",
    records.Answer: "AnswerView",
    records.Outcome: "RecordedAnswer",
    records.PastAnswer: "PastAnswerView",
    records.QueueFigures: "QueueView",
    records.LabelChoice: "LabelChoice",
    records.LabelChoices: "LabelChoices",
    records.Caller: "SessionView",
    records.Model: "ServingModel",
    listed.QueryState: "QueryState",
    listed.QueryBrief: "QueryBrief",
    listed.ListedQuery: "ListedQuery",
    listed.QueryPage: "QueryPage",
    leading.Reviewer: "ReviewerView",
    leading.Opinion: "OpinionView",
    leading.Dispute: "DisputeView",
    leading.HistoryPoint: "HistoryPoint",
    leading.History: "HistoryView",
}
"""What each record is called in the description."""

DERIVED = {"etag"}
"""Fields that follow from others: the client makes If-Match of the revision."""


def _calls() -> Iterator[Call[Any]]:
    for name, make in inspect.getmembers(calls, inspect.isfunction):
        if make.__module__ == calls.__name__ and not name.startswith("_"):
            yield make(*ARGUMENTS.get(name, ()))


def _of(path: str, routes: list[str]) -> str:
    """The route for a path: one without a parameter before one with."""
    asked = path.partition("?")[0]
    for route in sorted(routes, key=lambda one: one.count("{")):
        if re.fullmatch(re.sub(r"{\w+}", "[^/]+", route), asked):
            return route
    raise AssertionError(f"the API has no route for {path}")


def test_every_route_has_a_call_or_a_reason_why_not(desk: Reviewing) -> None:
    """A new route is added to the client, or named here with who uses it instead."""
    paths = desk.app.openapi()["paths"]
    routes = {(method.upper(), path) for path, item in paths.items() for method in item}
    called = {(call.method, _of(call.path, list(paths))) for call in _calls()} | {("GET", figures.PATH)}
    assert called <= routes
    assert routes - called == LEFT_OUT.keys()


def test_every_record_is_known_by_its_name_in_the_description() -> None:
    """None is forgotten where fields are compared."""
    assert {one.__name__ for one in VIEWS} == {one.__name__ for one in Record.__subclasses__()}


def test_records_have_every_field_that_the_api_tells(desk: Reviewing) -> None:
    """By the same name, and need no other: what is new in the API is not silently dropped."""
    schemas = desk.app.openapi()["components"]["schemas"]
    for record, name in VIEWS.items():
        told = schemas[name]["properties"].keys() - DERIVED
        fields = dataclasses.fields(record)
        assert told <= {field.name for field in fields}, name
        assert {field.name for field in fields if field.default is dataclasses.MISSING} <= told, name
