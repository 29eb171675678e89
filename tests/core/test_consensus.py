"""What several opinions come to, by each rule."""

from __future__ import annotations

import itertools
from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsel.records import Opinion
from streamsel.review.consensus import CONFIDENCE, Resolution, Rule, Verdict, resolve, weight
from tests.core.review_records import opinion

LABELS = ("fine", "fraud", "review")
NAMES = ("ann", "bob", "cyd", "dan", "eve")
ALIKE = dict.fromkeys(NAMES, 0.8)
RULES: tuple[Rule, ...] = ("majority", "unanimous", "weighted")


def opinions_of(*labels: str) -> list[Opinion]:
    """One of each reviewer, in slot order."""
    return [
        opinion(label, name, slot)
        for slot, (label, name) in enumerate(zip(labels, NAMES, strict=False), start=1)
    ]


panels = st.lists(st.sampled_from(LABELS), min_size=1, max_size=5).map(lambda labels: opinions_of(*labels))
accuracies = st.fixed_dictionaries(dict.fromkeys(NAMES, st.floats(0.0, 1.0)))


@pytest.mark.parametrize(
    ("rule", "labels", "agreed"),
    [
        ("majority", ["fraud"], "fraud"),
        ("majority", ["fraud", "fraud"], "fraud"),
        ("majority", ["fraud", "fine"], None),
        ("majority", ["fine", "fraud", "fraud"], "fraud"),
        ("majority", ["fine", "fraud", "review"], None),
        ("majority", ["fine", "fine", "fraud", "fraud"], None),
        ("majority", ["fine", "fine", "fraud", "review"], None),
        ("majority", ["fine", "fine", "fine", "fraud", "review"], "fine"),
        ("unanimous", ["fraud"], "fraud"),
        ("unanimous", ["fraud", "fraud", "fraud"], "fraud"),
        ("unanimous", ["fraud", "fraud", "fine"], None),
        ("weighted", ["fraud"], "fraud"),
        ("weighted", ["fraud", "fine"], None),
        ("weighted", ["fraud", "fraud", "fine"], "fraud"),
        ("weighted", ["fine", "fraud", "review"], None),
        ("weighted", ["fine", "fine", "fraud", "fraud"], None),
    ],
)
def test_equals_are_counted(rule: Rule, labels: list[str], agreed: str | None) -> None:
    """Of reviewers as reliable as one another: half is no majority, one voice breaks unanimity."""
    resolution = resolve(opinions_of(*labels), len(labels), rule, ALIKE, len(LABELS))
    assert resolution.label == agreed
    assert resolution.verdict == (Verdict.DISPUTED if agreed is None else Verdict.AGREED)
    assert resolution.labelled_by == ",".join(NAMES[: len(labels)])


@pytest.mark.parametrize(
    ("reliability", "labels", "agreed"),
    [
        ((0.95, 0.6, 0.6), ["fraud", "fine", "fine"], "fraud"),
        ((0.7, 0.6, 0.6), ["fraud", "fine", "fine"], None),
        ((0.95, 0.5), ["fraud", "fine"], "fraud"),
        ((0.5, 0.5, 0.5), ["fine", "fine", "fine"], None),
        ((0.2, 0.2, 0.9), ["fine", "fine", "fraud"], "fraud"),
    ],
)
def test_the_more_reliable_weigh_more(
    reliability: tuple[float, ...], labels: list[str], agreed: str | None
) -> None:
    """One expert outweighs two who barely beat chance; who does not beat it has no weight at all."""
    measured = dict(zip(NAMES, reliability, strict=False))
    assert resolve(opinions_of(*labels), len(labels), "weighted", measured, labels=2).label == agreed


@given(panels, st.sampled_from(RULES), accuracies, st.integers(1, 3))
def test_one_missing_is_not_yet(
    panel: list[Opinion], rule: Rule, measured: dict[str, float], missing: int
) -> None:
    """However clear it is already: reviewers yet to come might be asked in vain otherwise."""
    assert resolve(panel, len(panel) + missing, rule, measured, 3) == Resolution(Verdict.OPEN)


@given(panels, st.sampled_from(RULES), accuracies)
def test_the_order_of_opinions_does_not_matter(
    panel: list[Opinion], rule: Rule, measured: dict[str, float]
) -> None:
    """Not even for the order of names, which is that of the slots."""
    for some in itertools.islice(itertools.permutations(panel), 24):
        assert resolve(some, len(panel), rule, measured, 3) == resolve(panel, len(panel), rule, measured, 3)


@given(panels, accuracies)
def test_the_rules_imply_one_another(panel: list[Opinion], measured: dict[str, float]) -> None:
    """What is unanimous has a majority, and what a majority of equals says is never outweighed."""
    found = {rule: resolve(panel, len(panel), rule, ALIKE, 3).label for rule in RULES}
    assert found["unanimous"] in (None, found["majority"])
    assert found["weighted"] is None or found["majority"] in (None, found["weighted"])
    assert resolve(panel, len(panel), "weighted", measured, 3).label in {None, *(one.label for one in panel)}


@given(panels, accuracies)
def test_weighted_is_bayes_rule(panel: list[Opinion], measured: dict[str, float]) -> None:
    """The agreed label's posterior probability, worked out label by label, reaches the confidence; of no
    other result it does."""
    probability = {name: min(max(p, 1 / 3), 0.99) for name, p in measured.items()}
    likelihoods = []
    for truth in LABELS:
        likelihood = 1.0
        for one in panel:
            p = probability[one.labelled_by]
            likelihood *= p if one.label == truth else (1 - p) / 2
        likelihoods.append(likelihood)
    posterior, label = max(zip(likelihoods, LABELS, strict=True))
    posterior /= sum(likelihoods)
    if abs(posterior - CONFIDENCE) > 1e-9:
        expected = label if posterior > CONFIDENCE else None
        assert resolve(panel, len(panel), "weighted", measured, 3).label == expected


def test_weights_are_log_odds() -> None:
    """Of being right against each wrong label; never negative, and bounded."""
    assert weight(0.8, 2) == pytest.approx(log(4))
    assert weight(0.8, 5) == pytest.approx(log(16))
    assert weight(0.5, 2) == weight(0.1, 2) == weight(0.0, 2) == 0.0
    assert weight(1.0, 2) == weight(0.99, 2) == pytest.approx(log(99))
