"""A report put together from what was read. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from streamsel.learning.course import Course
from streamsel.learning.spec import ModelSpec
from streamsel.review.quality import Tally
from streamsel.services.configurations import Configuration
from streamsel.services.report.contents import Contents, moment
from streamsel.services.report.gaps import gaps
from streamsel.services.report.mapping import MAPPING, NOT_RECORDED, NOTICE
from streamsel.services.report.performance import Performance

PROTOCOL = (
    "Every label is compared with what was predicted when its event was decided, before anybody knew the "
    "label (prequential). Over the whole stream, each label whose propensity is known counts 1 / propensity "
    "times (Hájek's estimator); the random lane counts each of its labels once, as if the share drawn at "
    "random had never changed; as labelled, every label counts once, which is biased, for the model chose "
    "most of them. Intervals are of 95 %; labels corrected since count as corrected, and those taken back "
    "not at all. Missing answers are taken to be missing at random. What the live evaluation under "
    "/v1/evaluation makes of the events nobody was asked about is not in here."
)


@dataclass(frozen=True, slots=True)
class Read:
    """What the logs hold before an offset."""

    at: int
    records: Mapping[str, int]
    """By kind; ``unreadable`` and ``unknown label`` among them."""
    contents: Contents
    performance: Performance
    tally: Tally
    course: Course
    learned: int
    """Labels that the model is made of."""
    configurations: Sequence[Configuration]
    """In force before the last of these records, in their order."""


def assemble(read: Read) -> dict[str, Any]:
    """One JSON object; the same logs before the same offset give the same."""
    dataset, model = _dataset(read), _model(read)
    return {
        "at": read.at,
        "dataset": dataset,
        "model": model,
        "gaps": gaps(dataset, model),
        "not_recorded": list(NOT_RECORDED),
        "mapping": {"notice": NOTICE, "fields": [asdict(one) for one in MAPPING]},
    }


def _dataset(read: Read) -> dict[str, Any]:
    content = read.configurations[-1].content if read.configurations else None
    return {
        "composition": read.contents.composition(),
        "collection": {
            "selection": None if content is None else _selection(content),
            **read.contents.lanes_and_propensities(),
            "seed": read.contents.seed.as_json(),
        },
        "labelling": {
            "oracles": read.contents.oracles(),
            "quality": _quality(read.tally),
            "guidelines": _guidelines(read.configurations, read.course.now.spec),
        },
        "privacy": None if content is None else _privacy(content),
        "maintenance": {
            "records": dict(sorted(read.records.items())),
            "configurations": [
                {
                    "id": one.configuration_id,
                    "recorded_at": moment(one.recorded_at),
                    "labels_end": one.labels_end,
                }
                for one in read.configurations
            ],
        },
    }


def _model(read: Read) -> dict[str, Any]:
    now = read.course.now
    return {
        "details": {
            **asdict(now.spec),
            "labels": list(now.spec.labels),
            "spec_hash": now.spec.spec_hash,
            "model_version": read.at,
            "labels_learned": read.learned,
        },
        "changes": {
            "directives": read.course.directives,
            "frozen": now.frozen,
            "challengers": len(now.challenges),
            "left_out": [[gap.start, gap.stop] for gap in now.gaps],
        },
        "evaluation": {"protocol": PROTOCOL, **read.performance.overall()},
        "by_class": read.performance.by_class(),
        "by_segment": read.performance.by_segment(),
    }


def _selection(content: Mapping[str, Any]) -> dict[str, Any]:
    return {**content["select"], "target_backlog": content["capacity"]["target_backlog"]}


def _quality(tally: Tally) -> dict[str, Any]:
    reviewers = [tally.quality(name) for name in tally.reviewers]
    asked = sum(one.gold_asked for one in reviewers)
    right = sum(one.gold_asked * (one.gold_accuracy or 0.0) for one in reviewers)
    accuracies = [one.accuracy for one in reviewers]
    return {
        "reviewers": len(reviewers),
        "overlapping": tally.overlapping,
        "disputed": sum(1 for _ in tally.disputed()),
        "alpha": tally.alpha,
        "gold_asked": asked,
        "gold_accuracy": right / asked if asked else None,
        "lowest_accuracy": min(accuracies, default=None),
        "highest_accuracy": max(accuracies, default=None),
    }


def _guidelines(configurations: Sequence[Configuration], spec: ModelSpec) -> dict[str, Any]:
    said = [one.content["labels"] for one in configurations]
    latest = said[-1] if said else {"guideline": {}, "guideline_url": None}
    return {
        "labels": {name: latest["guideline"].get(name, "") for name in spec.labels},
        "url": latest["guideline_url"],
        "versions": list(dict.fromkeys(one["guideline_version"] for one in said)),
    }


def _privacy(content: Mapping[str, Any]) -> dict[str, Any]:
    stream = content["stream"]
    return {
        "redacted": stream["redact"],
        "hashed": stream["hash"],
        "lead_only": stream["lead_only"],
        "excluded": stream["exclude"],
    }
