"""What leads are told about how a query came about, under ``/v1``."""

from __future__ import annotations

from pydantic import ConfigDict, RootModel
from pydantic.config import JsonDict

from streamsel.services.evidence.evidence import Evidence

_EXAMPLE: JsonDict = {
    "query_id": "9f2c4e1ab3d05c77",
    "event_id": "tx-20931",
    "source": "events:0:20931",
    "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "decided_at": 1767225601.25,
    "lane": "uncertain",
    "propensity": 0.25,
    "utility": 0.92,
    "threshold": 0.88,
    "probabilities": {"fraud": 0.46, "legitimate": 0.54},
    "model_version": 412,
    "model": {"preset": "logistic", "factory": None, "seed": 1, "copies": 0, "screen": 1.0},
    "acquisition_function": "hybrid",
    "window": 500,
    "candidates": 500,
    "rules": [{"name": "duplicate", "configured": None}],
    "budget": {"query_fraction": 0.01, "affordable": 0.05, "limited_by": "capacity"},
    "capacity": {
        "backlog": 17,
        "oldest_seconds": 38.5,
        "live_reviewers": 5,
        "completions_per_second": 0.21,
    },
    "privacy": {"redacted": ["card.number"], "hashed": ["email"], "lead_only": [], "excluded": []},
    "configuration": "6sdj3xzqgbyx5m2a4hwq7c5e2y",
    "guideline": {"version": "2026-11", "url": None, "labels": {"fraud": "The cardholder did not make it."}},
    "answers": [
        {
            "offset": 431,
            "kind": "label",
            "source": "reviewer",
            "label": "fraud",
            "by": "ana",
            "role": "reviewer",
            "at": 1767225644.5,
            "seconds": 21.5,
            "revision": 1,
            "stands": True,
            "configuration": "6sdj3xzqgbyx5m2a4hwq7c5e2y",
            "guideline_version": "2026-11",
        }
    ],
    "quality": {
        "resolution": "one reviewer's answer",
        "opinions": 0,
        "agreeing": 0,
        "reviewers": [
            {
                "name": "ana",
                "answered": 412,
                "median_seconds": 21.5,
                "compared": 20,
                "agreement": 0.93,
                "gold_asked": 20,
                "gold_accuracy": 0.95,
                "gold_interval": [0.76, 0.99],
                "accuracy": 0.92,
            }
        ],
    },
    "used_for": {
        "training": True,
        "evaluation": True,
        "reasons": [
            "training: yes, its label stands at offset 431 of the label log",
            "evaluation: yes, with propensity 0.25 and what was predicted when it was decided",
        ],
    },
    "unknown": {},
}


class EvidenceView(RootModel[Evidence]):
    """Everything on record about one query; ``unknown`` says why a field is null, or more may be there."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [_EXAMPLE]})
