"""Which part of a report documents what: Regulation (EU) 2024/1689, Articles 10 and 15, and the NIST AI Risk
Management Framework 1.0 (NIST AI 100-1, 2023)."""

from __future__ import annotations

from dataclasses import dataclass

NOTICE = (
    "A map for whoever writes the documentation. It says where something is addressed; it does not say that "
    "a duty applies or is met, and is no legal advice."
)


@dataclass(frozen=True, slots=True)
class Documents:
    """One part of a report, by dotted path, and what it bears on."""

    field: str
    tells: str
    ai_act: str
    nist: str


MAPPING: tuple[Documents, ...] = (
    Documents(
        "dataset.composition",
        "labels, classes, segments, features and what is missing",
        "10(3), 10(4)",
        "MAP 2.3",
    ),
    Documents(
        "dataset.collection.selection",
        "how events are chosen, budget, rules and quotas",
        "10(2)(a), 10(2)(b)",
        "MAP 2.1, MAP 2.3",
    ),
    Documents(
        "dataset.collection.propensity",
        "how likely each event was to be asked about: what undoes the selection's bias",
        "10(2)(f), 10(2)(g), 15(4)",
        "MAP 2.3, MEASURE 2.11",
    ),
    Documents("dataset.collection.seed", "what was known beforehand", "10(2)(b)", "MAP 2.3"),
    Documents(
        "dataset.labelling.oracles",
        "who answered, people and others, and their shares",
        "10(2)(c)",
        "MAP 2.3, MAP 3.5",
    ),
    Documents(
        "dataset.labelling.quality",
        "agreement and accuracy of reviewers, disputes",
        "10(2)(c), 10(3)",
        "MEASURE 2.1",
    ),
    Documents(
        "dataset.labelling.guidelines",
        "what the labels mean, and when that changed",
        "10(2)(c), 10(2)(d)",
        "MAP 2.3",
    ),
    Documents("dataset.privacy", "fields redacted, hashed or for leads only", "10(2)(c)", "MEASURE 2.10"),
    Documents("dataset.maintenance", "corrections, retractions, configurations", "10(2)(c)", "MANAGE 4.1"),
    Documents("model.details", "what the model is and what it learned from", "15(1)", "MAP 2.1"),
    Documents("model.changes", "what directives did to the model", "15(1), 15(4)", "MANAGE 4.1, MEASURE 2.4"),
    Documents(
        "model.evaluation",
        "accuracy over the stream beside the random lane, with intervals",
        "15(1), 15(3)",
        "MEASURE 2.1, MEASURE 2.3, MEASURE 2.5",
    ),
    Documents("model.by_segment", "the same by subgroup", "10(2)(f), 10(4), 15(3)", "MEASURE 2.11"),
    Documents(
        "model.by_class", "recall and precision of each class, rare ones too", "10(3), 15(3)", "MEASURE 2.3"
    ),
    Documents("gaps", "what is scarce or missing", "10(2)(h)", "MAP 2.2, MEASURE 1.1"),
    Documents(
        "not_recorded",
        "what no log can tell, for people to write",
        "10(2)(a), 10(2)(d), 10(2)(e)",
        "MAP 1.1, MEASURE 1.1",
    ),
)

NOT_RECORDED: tuple[str, ...] = (
    "Intended purpose, intended users, and uses that are out of scope.",
    "Why and for whom the events came to be, and on what legal ground they are processed.",
    "Whom the model's decisions affect, and how one can object.",
    "Whether the segments cover the groups that matter, and the stream is like where the model is used.",
    "Who the reviewers are, how they are trained and what they are paid.",
    "To whom the labels were given, and on what terms.",
    "Security of the systems around it, and who answers for the model.",
)
