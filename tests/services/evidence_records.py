"""A query with everything on record about it, for tests of evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from streamsel.config import Config
from streamsel.config.recorded import recorded
from streamsel.records import Conditions, Decision, Label, Query, Source
from streamsel.review.audit import NO_HASH, Entry
from streamsel.services.configurations import Configuration, configuration_id

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
DECIDED_AT, ANSWERED_AT = 1_800_000_000.25, 1_800_000_060.5

CONTENT: Mapping[str, Any] = recorded(
    Config.model_validate(
        {
            "stream": {
                "redact": ["card"],
                "hash": ["email"],
                "hash_key": "s3cret-s3cret-s3cret",
                "lead_only": ["name"],
                "exclude": ["note"],
                "segments": ["country"],
            },
            "labels": {
                "names": ["fine", "fraud"],
                "guideline": {"fraud": "The cardholder did not make it."},
                "guideline_version": "2026-11",
            },
            "select": {
                "strategy": "entropy",
                "window": 200,
                "rules": [
                    {
                        "name": "large",
                        "ask": "always",
                        "field": "amount",
                        "op": ">",
                        "value": 900,
                    }
                ],
                "quotas": [{"name": "lands", "segment": "country", "least": 0.1}],
            },
        }
    )
)
CONFIGURATION = Configuration(configuration_id(CONTENT), 1_799_999_000.0, 0, CONTENT)
KNOWN = {CONFIGURATION.configuration_id: CONFIGURATION}

QUERY = Query(
    query_id="q1",
    event_id="tx-1",
    lane="rule",
    propensity=0.25,
    utility=0.75,
    probabilities={"fine": 0.75, "fraud": 0.25},
    model_version=12,
    decided_at=DECIDED_AT,
    features={"amount": 950.0},
    segments={"country": "PT"},
    rules=("large", "quota:lands:PT", "duplicate"),
    traceparent=TRACE,
)
DECISION = Decision(
    event_id="tx-1",
    source=Source("events", 0, 20),
    decided_at=DECIDED_AT,
    model_version=12,
    probabilities=QUERY.probabilities,
    utility=0.75,
    threshold=0.5,
    query_fraction=0.02,
    lane="rule",
    propensity=0.25,
    segments=QUERY.segments,
    query=QUERY,
    rules=QUERY.rules,
    conditions=Conditions(CONFIGURATION.configuration_id, 180, 0.05, 7, 12.5, 3, 0.25),
    traceparent=TRACE,
)
LABEL = Label(
    label_id="q1",
    revision=1,
    event_id="tx-1",
    label="fraud",
    source="reviewer",
    labelled_by="ana",
    labelled_at=ANSWERED_AT,
    features=QUERY.features,
    query_id="q1",
    lane="rule",
    propensity=0.25,
    probabilities=QUERY.probabilities,
    model_version=12,
    decided_at=DECIDED_AT,
    segments=QUERY.segments,
    seconds=21.5,
    traceparent=TRACE,
)


def entry(by: str, label: str, at: float, role: str = "reviewer", query_id: str = "q1") -> Entry:
    """Of the audit log, for an answer given then."""
    return Entry.sealed(
        chain="c",
        sequence=1,
        previous=NO_HASH,
        at=datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds"),
        who=by,
        role=role,
        action="labelled",
        query_id=query_id,
        detail={"label": label, "configuration": CONFIGURATION.configuration_id},
    )


def held_out() -> Label:
    """The label as one that is never learned from."""
    return replace(LABEL, lane="holdout")
