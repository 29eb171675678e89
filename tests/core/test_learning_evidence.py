"""Categories and words as numbers."""

import math
import pickle

import pytest

from streamsel.learning import evidence
from streamsel.learning.evidence import Evidence
from streamsel.learning.features import parts

LABELS = ("fine", "fraud")


def learned(*pairs: tuple[str, int]) -> Evidence:
    subject = Evidence(LABELS, None)
    for country, label in pairs:
        subject.learn(parts({"country": country}, None), label)
    return subject


def evidence_for_fraud(subject: Evidence, country: str) -> float:
    return subject.of(parts({"country": country}, None))["country=fraud"]


def test_is_the_log_odds_given_the_category_less_those_overall() -> None:
    """With two labels' worth of the overall shares mixed in; nothing for a category never seen."""
    subject = learned(("SE", 1), ("SE", 1), ("DE", 0), ("DE", 0), ("DE", 1))
    share = (3 + 1) / (5 + 2)
    own = (2 + 2 * share) / (2 + 2)
    assert evidence_for_fraud(subject, "SE") == pytest.approx(
        math.log(own / (1 - own)) - math.log(share / (1 - share))
    )
    assert evidence_for_fraud(subject, "DE") < 0.0 == evidence_for_fraud(subject, "FR")


def test_forgets_what_was_not_labelled_for_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound; what was labelled again since stays."""
    monkeypatch.setattr(evidence, "MOST_MEMBERS", 3)
    subject = learned(("a", 1), ("b", 1), ("c", 1), ("a", 1), ("x", 0), ("y", 0))
    known = [name for name in "abcxy" if evidence_for_fraud(subject, name) != 0.0]
    assert known == ["a", "x", "y"]


def test_many_labels_leave_room_for_fewer_categories(monkeypatch: pytest.MonkeyPatch) -> None:
    """What counts is memory; it stops growing."""
    monkeypatch.setattr(evidence, "MOST_COUNTS", 1_000)
    subject = Evidence(tuple(map(str, range(100))), None)
    sizes = []
    for index in range(60):
        subject.learn(parts({"terminal": f"{index:04}"}, None), index)
        sizes.append(len(pickle.dumps(subject)))
    assert sizes[59] - sizes[19] < 0.1 * (sizes[9] - sizes[0])
