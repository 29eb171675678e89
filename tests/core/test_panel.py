"""Answers for estimates over the whole log, and what crowd-kit makes of them."""

from __future__ import annotations

import random
import sys

import pytest

from streamsel.records import LogRecord
from streamsel.review.panel import Panel, PanelAnswer
from streamsel.services.dawid_skene import Estimate, NotInstalled, dawid_skene
from tests.core.review_records import answer, gold, opinion, taken_back

LABELS = ("fine", "fraud")
ACCURACIES = {"ann": {"fine": 0.95, "fraud": 0.9}, "bob": {"fine": 0.9, "fraud": 0.7},
              "cyd": {"fine": 0.7, "fraud": 0.95}, "dan": {"fine": 0.6, "fraud": 0.6}}  # fmt: skip


def panel_of(*log: LogRecord | None) -> Panel:
    panel = Panel()
    for record in log:
        panel.add(record)
    return panel


def simulated(questions: int, known: int) -> tuple[list[PanelAnswer], dict[str, str]]:
    """What the four say where three in ten are fraud, and the truth of the first ``known`` questions."""
    draw = random.Random(7)
    truths = {f"q{number}": "fraud" if draw.random() < 0.3 else "fine" for number in range(questions)}
    answers = [
        PanelAnswer(question, name, truth if draw.random() < right[truth] else LABELS[truth == "fine"])
        for question, truth in truths.items()
        for name, right in ACCURACIES.items()
    ]
    return answers, dict(list(truths.items())[:known])


def test_what_several_were_asked_and_gold_is_taken() -> None:
    """With the label that decided a dispute; not what one reviewer alone was asked, nor what came late."""
    panel = panel_of(
        answer(query_id="alone"),
        opinion("fine", "ann", 1, slots=2),
        opinion("fraud", "bob", 2, slots=2),
        answer("fraud", "cyd"),
        answer("fraud", "cyd"),
        opinion("fraud", "dan", kind="late"),
        gold(right=False, by="ann", number=1),
        None,
    )
    assert list(panel.answers) == [
        ("q1", "ann", "fine"),
        ("q1", "bob", "fraud"),
        ("q1", "cyd", "fraud"),
        ("gold1", "ann", "fraud"),
    ]
    assert panel.truths == {"gold1": "fine"}


def test_what_was_taken_back_is_left_out() -> None:
    """A newer revision stands in its place, and a label by consensus is nobody's answer."""
    panel = panel_of(
        opinion("fine", "ann", 1),
        opinion("fraud", "bob", 2),
        answer("fine", "ann,bob", source="consensus"),
        opinion("fraud", "ann", 1, revision=2),
        taken_back("q1~2", 2),
        taken_back("unheard of", 2),
    )
    assert list(panel.answers) == [("q1", "ann", "fraud")]


@pytest.mark.parametrize("known", [0, 300])
def test_the_estimate_finds_how_simulated_reviewers_err(known: int) -> None:
    """Each of the four, for either truth, within 0.05; with or without gold among the questions."""
    estimate = dawid_skene(*simulated(3_000, known))
    assert estimate.shares == pytest.approx({"fine": 0.7, "fraud": 0.3}, abs=0.03)
    assert sorted(estimate.reviewers) == sorted(ACCURACIES)
    for name, right in ACCURACIES.items():
        errors = estimate.reviewers[name]
        assert {truth: errors.confusion[truth][truth] for truth in LABELS} == pytest.approx(right, abs=0.05)
        assert errors.accuracy == pytest.approx(0.7 * right["fine"] + 0.3 * right["fraud"], abs=0.05)


def test_of_no_answers_there_is_no_estimate() -> None:
    """Nor of a truth that nobody ever named."""
    assert dawid_skene([], {}) == Estimate({}, {})
    estimate = dawid_skene([PanelAnswer("q1", "ann", "fine")], {"q1": "fraud"})
    assert estimate.reviewers["ann"].confusion == {"fine": {"fine": pytest.approx(1.0)}}


def test_without_crowd_kit_one_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra is named."""
    monkeypatch.setitem(sys.modules, "crowdkit.aggregation", None)
    with pytest.raises(NotInstalled, match=r"pip install 'streamsel\[quality\]'"):
        dawid_skene([], {})
