"""A report as two documents, each with the sections of its pattern: a sheet for the dataset (T. Gebru et al.,
Datasheets for Datasets, Communications of the ACM 64, 2021), and a card for the model (M. Mitchell et al.,
Model Cards for Model Reporting, FAT* 2019)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from streamsel.services.report.markdown import bullets, facts, share, shown, table, text

Report = dict[str, Any]


def dataset_sheet(report: Report) -> str:
    """Markdown."""
    return "\n".join(_dataset_lines(report))


def model_card(report: Report) -> str:
    """Markdown."""
    return "\n".join(_model_lines(report))


def _dataset_lines(report: Report) -> Iterator[str]:
    dataset = report["dataset"]
    composition, collection, labelling = dataset["composition"], dataset["collection"], dataset["labelling"]
    yield from ("# Dataset sheet", "", f"Of the label log before offset {report['at']}.", "")
    yield from ("## Motivation", "", "What no log can tell, and people have to write:", "")
    yield from bullets(report["not_recorded"])
    yield from ("## Composition", "")
    yield from facts(
        {name: composition[name] for name in ("labels", "first_labelled_at", "last_labelled_at")}
    )
    yield from ("### Classes", "", *_shares("class", composition["classes"]))
    yield from ("### Segments", "")
    for name, one in composition["segments"].items():
        rows = ((text(value), str(count)) for value, count in one["values"].items())
        yield from table((text(name), "labels"), [*rows, *_others(one["others"])])
    yield from ("### Features", "", f"{composition['features']} in all.", "")
    yield from table(
        ("feature", "missing", "kinds"),
        (
            (text(name), f"{one['share']:.1%}", shown(one["kinds"]))
            for name, one in composition["missing"].items()
        ),
    )
    yield from ("## Collection process", "", *_selection(collection["selection"]))
    yield from ("### Lanes", "", *_shares("lane", collection["lanes"]))
    yield from ("### Propensity", "", *facts(collection["propensity"]))
    yield from ("### Seed set", "", *_seed(collection["seed"]))
    yield from ("## Labelling", "", "### Oracles", "", *_oracles(labelling["oracles"]))
    yield from ("### Quality of the labels", "", *facts(labelling["quality"]))
    yield from ("### Guidelines", "", *facts(labelling["guidelines"]))
    yield from ("### Privacy", "", *facts(dataset["privacy"] or {}))
    yield from ("## Uses", "", "The model card says what the labels were used for.", "")
    yield from ("## Maintenance", "", *facts(dataset["maintenance"]["records"]))
    yield from table(
        ("configuration", "recorded at", "label log then ended at"),
        (
            (text(one["id"]), str(one["recorded_at"]), str(one["labels_end"]))
            for one in dataset["maintenance"]["configurations"]
        ),
    )
    yield from _end(report, "dataset")


def _model_lines(report: Report) -> Iterator[str]:
    model = report["model"]
    evaluation = model["evaluation"]
    yield from ("# Model card", "", f"Of the model at offset {report['at']} of the label log.", "")
    yield from ("## Model details", "", *facts(model["details"]))
    yield from ("### Changes", "", *facts(model["changes"]))
    yield from ("## Intended use", "", "What no log can tell, and people have to write:", "")
    yield from bullets(report["not_recorded"])
    yield from ("## Factors", "")
    yield from bullets(f"Segment {name}: {len(one)} values" for name, one in model["by_segment"].items())
    yield from ("## Metrics and evaluation data", "", text(evaluation["protocol"]), "")
    yield from ("## Training data", "", "The dataset sheet describes the labels.", "")
    yield from ("## Quantitative analyses", "")
    yield from (f"{evaluation['judged']} labels can be judged.", "")
    yield from facts({"share of the most frequent class": evaluation["most_frequent_class"]})
    ways = ("whole_stream", "random_lane", "as_labelled")
    yield from table(_SCORES, (_scores(way.replace("_", " "), evaluation[way]) for way in ways))
    yield from ("### By class", "")
    yield from table(
        ("class", "share of the stream", "rare", "recall", "precision", "labels"),
        (
            (
                text(name),
                shown(one["estimated_share"]),
                shown(one["rare"]),
                share(one["recall"]),
                share(one["precision"]),
                str(one["recall"]["labels"]),
            )
            for name, one in model["by_class"].items()
        ),
    )
    yield from ("### By subgroup", "")
    for name, values in model["by_segment"].items():
        titles = (text(name), *_SCORES[1:])
        yield from table(titles, (_scores(text(value), one) for value, one in values.items()))
    yield from (
        "## Ethical considerations",
        "",
        "For people to write; the figures by subgroup are above.",
        "",
    )
    yield from _end(report, "model")


_SCORES = ("", "accuracy", "log loss", "labels", "effective")


def _scores(title: str, one: dict[str, Any]) -> tuple[str, ...]:
    accuracy = one["accuracy"]
    effective = f"{accuracy['effective']:.0f}"
    return title, share(accuracy), share(one["log_loss"]), str(accuracy["labels"]), effective


def _shares(title: str, counts: dict[str, Any]) -> list[str]:
    rows = ((text(name), str(one["labels"]), f"{one['share']:.1%}") for name, one in counts.items())
    return table((title, "labels", "share"), rows)


def _others(count: int) -> list[tuple[str, str]]:
    return [("all others", str(count))] if count else []


def _selection(selection: dict[str, Any] | None) -> list[str]:
    if selection is None:
        return ["Not recorded.", ""]
    tables = ("rules", "quotas", "costs")
    settings = {name: value for name, value in selection.items() if name not in tables}
    lines = [*facts(settings), "### Rules, quotas and costs", ""]
    named = [(kind, one) for kind in ("rules", "quotas") for one in selection[kind]]
    lines += table(
        ("", "name", "says"),
        (
            (kind, text(one["name"]), shown({key: one[key] for key in one if key != "name" and one[key]}))
            for kind, one in named
        ),
    )
    return [*lines, *facts(selection["costs"])]


def _seed(seed: dict[str, Any]) -> list[str]:
    dates = {name: seed[name] for name in ("labels", "first_at", "last_at")}
    return [*facts(dates), *_shares("class", seed["classes"])]


def _oracles(oracles: dict[str, Any]) -> list[str]:
    lines = _shares("source", oracles["sources"])
    lines += facts({name: oracles[name] for name in ("reviewers", "largest_reviewer_share", "mean_seconds")})
    rows = (
        (text(one["source"]), text(one["name"]), str(one["labels"]), f"{one['share']:.1%}")
        for one in oracles["others"]
    )
    return [*lines, "Oracles other than people:", "", *table(("source", "name", "labels", "share"), rows)]


def _end(report: Report, part: str) -> Iterator[str]:
    """Gaps, and what this document documents."""
    yield from ("## Known gaps", "", *bullets(report["gaps"]))
    yield from ("## Where the EU AI Act and the NIST AI RMF look", "", text(report["mapping"]["notice"]), "")
    yield from table(
        ("field", "tells", "Regulation (EU) 2024/1689, Article", "NIST AI RMF 1.0"),
        (
            (f"`{one['field']}`", text(one["tells"]), one["ai_act"], one["nist"])
            for one in report["mapping"]["fields"]
            if one["field"].partition(".")[0] in (part, "gaps", "not_recorded")
        ),
    )
