"""What is scarce or missing, as sentences, from the figures alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

FEW = 50
"""With fewer labels the 95 % interval of a share reaches 14 points to either side, or further."""
MOST_OF_ONE = 0.8
"""Share of the answers beyond which one reviewer's habits are the labels'."""
MISSING = 0.05
"""Share of the labels without a feature beyond which it is told."""
_MOST_LISTED = 20


def gaps(dataset: Mapping[str, Any], model: Mapping[str, Any]) -> list[str]:
    """In the order of the report's parts."""
    if not dataset["composition"]["labels"]:
        return ["There is no label."]
    return [*_composition(dataset), *_collection(dataset), *_labelling(dataset), *_model(model)]


def _composition(dataset: Mapping[str, Any]) -> Iterator[str]:
    composition = dataset["composition"]
    for name in dataset["labelling"]["guidelines"]["labels"]:
        if name not in composition["classes"]:
            yield f"Class {_quoted(name)} has no label."
    for name, one in composition["classes"].items():
        if one["labels"] < FEW:
            yield f"Class {_quoted(name)} has {_labels(one['labels'])}; {FEW} are few."
    if not composition["segments"]:
        yield "No label has a segment: quality by subgroup is not known."
    for name, one in composition["segments"].items():
        few = [value for value, count in one["values"].items() if count < FEW]
        if few:
            listed = ", ".join(_quoted(value) for value in few[:_MOST_LISTED])
            more = f" and {len(few) - _MOST_LISTED} more" if len(few) > _MOST_LISTED else ""
            yield f"Segment {_quoted(name)}: fewer than {FEW} labels of {listed}{more}."
    sparse = [name for name, one in composition["missing"].items() if one["share"] > MISSING]
    if sparse:
        listed = ", ".join(_quoted(name) for name in sparse[:_MOST_LISTED])
        more = f" and {len(sparse) - _MOST_LISTED} more" if len(sparse) > _MOST_LISTED else ""
        yield f"Features missing in more than {MISSING:.0%} of the labels: {listed}{more}."


def _collection(dataset: Mapping[str, Any]) -> Iterator[str]:
    collection, labels = dataset["collection"], dataset["composition"]["labels"]
    if collection["selection"] is None:
        yield "No configuration is recorded for these labels: how events were selected is not known."
    asked = labels - collection["seed"]["labels"]
    unknown = asked - collection["propensity"]["known"]
    if unknown:
        yield (
            f"{unknown / asked:.0%} of the labels that are no seeds have no propensity: they say nothing "
            "about the stream as a whole."
        )
    explored = collection["lanes"].get("explore", {"labels": 0})["labels"]
    if explored < FEW:
        yield f"{_labels(explored)} of the random lane: hardly a baseline."
    yield "How many queries nobody answered is not in the label log; the estimates take answers for granted."


def _labelling(dataset: Mapping[str, Any]) -> Iterator[str]:
    labelling = dataset["labelling"]
    largest, quality = labelling["oracles"]["largest_reviewer_share"], labelling["quality"]
    if largest is not None and largest > MOST_OF_ONE:
        yield f"One reviewer gave {largest:.0%} of the answers."
    if not quality["overlapping"]:
        yield "No query was answered by several: how well reviewers agree is not known."
    if quality["disputed"]:
        yield f"{quality['disputed']} queries wait for somebody to settle what reviewers disagree about."
    if not quality["gold_asked"]:
        yield "No question with a known answer was asked: how often reviewers are right is not known."
    guidelines = labelling["guidelines"]
    if not any(guidelines["labels"].values()) and not guidelines["url"]:
        yield "No guideline is configured: what the labels mean is not written down."
    versions = guidelines["versions"]
    if versions == [None]:
        yield "The guideline has no version."
    elif len(versions) > 1:
        yield f"The labels were given under {len(versions)} versions of the guideline."


def _model(model: Mapping[str, Any]) -> Iterator[str]:
    if not model["evaluation"]["judged"]:
        yield "No label has a prediction made before it: quality is not known."
    accuracy = model["evaluation"]["whole_stream"]["accuracy"]["value"]
    most_frequent = model["evaluation"]["most_frequent_class"]
    if accuracy is not None and most_frequent is not None and accuracy < most_frequent:
        yield "Always naming the most frequent class would be right more often than the model was."
    for name, one in model["by_class"].items():
        if one["rare"] and one["recall"]["labels"] < FEW:
            yield f"Of the rare class {_quoted(name)}, {_labels(one['recall']['labels'])} can be judged by."


def _labels(count: int) -> str:
    return f"{count} label" if count == 1 else f"{count} labels"


def _quoted(name: str) -> str:
    return f"“{name}”"
