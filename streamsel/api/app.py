"""Puts the API together."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI

import streamsel
from streamsel.api.auth import Gatekeeper
from streamsel.api.bodies import LABELLING
from streamsel.api.counted import Counted
from streamsel.api.cut_short import CutShort
from streamsel.api.handlers import HANDLERS
from streamsel.api.headers import SecurityHeaders
from streamsel.api.labelling import Labelling
from streamsel.api.limits import BodyLimit, HeaderLimit
from streamsel.api.parts import ApiParts
from streamsel.api.problems import ProblemDetails
from streamsel.api.refusals import Refusals
from streamsel.api.routes.answers import answer_routes
from streamsel.api.routes.bulk import BULK_PATH, MAX_BULK_BYTES, bulk_routes
from streamsel.api.routes.claims import claim_routes
from streamsel.api.routes.directives import directive_routes
from streamsel.api.routes.evaluation import evaluation_routes
from streamsel.api.routes.events import EVENTS_PATH, event_routes
from streamsel.api.routes.evidence import evidence_routes
from streamsel.api.routes.health import OPEN_PATHS, health_routes
from streamsel.api.routes.history import history_routes
from streamsel.api.routes.leading import leading_routes
from streamsel.api.routes.live import live_routes
from streamsel.api.routes.model import model_routes
from streamsel.api.routes.oracles import oracle_routes
from streamsel.api.routes.page import page_routes
from streamsel.api.routes.queue import queue_routes
from streamsel.api.routes.session import SESSION_PATH, session_routes
from streamsel.api.sessions import OneTimeLink, Sessions
from streamsel.api.signing_in import SigningIn
from streamsel.api.traced import Traced

MAX_EVENTS_BYTES = 8_000_000
"""Of one call with many events."""


def create_app(parts: ApiParts) -> FastAPI:
    """The API over ``parts``. Setting the event ``app.state.closing`` ends long polls and streams."""
    app = _Api(
        parts.labels.names,
        title="streamsel",
        version=streamsel.__version__,
        summary="Ask about the few events whose label teaches the model most.",
        description="All errors are RFC 9457 problem details; their ``type`` is stable.",
        docs_url=None,  # these pages would load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        exception_handlers=HANDLERS,
    )
    app.state.closing = closing = asyncio.Event()
    auth, audit = parts.auth, parts.audit
    sessions = Sessions(parts.sessions, auth.session_seconds, auth.idle_seconds, time.time)
    app.state.refusals = refusals = Refusals(audit)
    open_calls = {("GET", path) for path in OPEN_PATHS}
    sign_in: str | None = None

    app.include_router(health_routes(parts.health, parts.metrics))
    if parts.model is not None:
        app.include_router(model_routes(parts.model))
    if parts.directing is not None:
        app.include_router(directive_routes(parts.directing, audit, time.time))
    if parts.intake is not None:
        app.include_router(event_routes(parts.intake, parts.max_event_bytes))
    if parts.desk is not None:
        labelling = Labelling(parts.desk, parts.labels, audit, parts.configuration)
        app.include_router(claim_routes(parts.desk, labelling, audit, closing, parts.lead_only))
        app.include_router(answer_routes(parts.desk, labelling, audit, parts.lead_only))
        app.include_router(bulk_routes(labelling))
        app.include_router(leading_routes(parts.desk, audit))
        app.include_router(
            queue_routes(parts.desk, parts.labels, parts.target_backlog, audit, parts.lead_only)
        )
        if parts.evidence is not None:
            app.include_router(evidence_routes(parts.evidence, audit))
        app.include_router(history_routes(parts.history, parts.target_backlog))
        if parts.evaluating is not None:
            app.include_router(evaluation_routes(parts.evaluating))
        if parts.oracles is not None:
            app.include_router(oracle_routes(parts.oracles))
        app.include_router(live_routes(parts.desk, parts.target_backlog, closing))
        link = None if parts.one_time_token is None else OneTimeLink(parts.one_time_token)
        signing_in = SigningIn(sessions, audit)
        app.include_router(session_routes(sessions, signing_in, audit, refusals, link))
        if auth.oidc is not None:
            # It brings Authlib, which takes a third of a second.
            from streamsel.api.oidc import Provider
            from streamsel.api.routes.sign_in import CALLBACK_PATH, LOGIN_PATH, sign_in_routes

            provider, taken = Provider(auth.oidc), {key.name for key in auth.keys}
            sign_in = LOGIN_PATH
            app.include_router(
                sign_in_routes(provider, parts.sessions, sessions, signing_in, refusals, taken)
            )
            open_calls |= {("GET", LOGIN_PATH), ("GET", CALLBACK_PATH)}
        page = page_routes()
        app.router.routes.extend(page)
        open_calls |= {(method, route.path) for route in page for method in route.methods or ()}
        if link is not None:
            open_calls.add(("POST", SESSION_PATH))

    # The last one added is the outermost: trace and headers for everything, then who calls, then how much.
    limits = {EVENTS_PATH: max(parts.max_event_bytes, MAX_EVENTS_BYTES), BULK_PATH: MAX_BULK_BYTES}
    app.add_middleware(BodyLimit, exceptions=limits)
    app.add_middleware(
        Gatekeeper,
        auth=auth,
        sessions=sessions,
        refusals=refusals,
        open_calls=frozenset(open_calls),
        sign_in=sign_in,
    )
    app.add_middleware(HeaderLimit)
    app.add_middleware(CutShort)
    app.add_middleware(Counted, calls=parts.metrics.calls, uncounted=OPEN_PATHS)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(Traced)
    return app


class _Api(FastAPI):
    def __init__(self, label_names: Sequence[str], **options: Any) -> None:
        super().__init__(**options)
        self._label_names = label_names

    def openapi(self) -> dict[str, Any]:
        schema = super().openapi()
        # Routes refer to it under another media type than FastAPI would give a model.
        problem = ProblemDetails.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas = schema["components"]["schemas"]
        schemas |= {**problem.pop("$defs"), "ProblemDetails": problem}
        for name in LABELLING & schemas.keys():
            schemas[name]["properties"]["label"]["enum"] = list(self._label_names)
        return schema
