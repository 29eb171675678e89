"""Texts as n-grams, and the classifier that reads them."""

from __future__ import annotations

import pickle
import random
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamsel.learning.features import present
from streamsel.learning.ngrams import LARGEST_STRETCH, LONGEST_TEXT, ngrams, prepared, stretches
from streamsel.learning.scorer import scorer_of
from streamsel.learning.text import TextMixture
from streamsel.records import FeatureTable, Value
from tests.core.learning_strategies import NAMES, mixed_event, rows, table_of

LABELS = ("fine", "fraud", "review", "odd")
texts = st.lists(st.one_of(st.text(max_size=30), st.text("ab 1!é", max_size=30)), max_size=8)


def by_the_definition(text: str) -> Counter[tuple[str, ...]]:
    """Words, pairs of them and pieces of three to five characters, one by one."""
    words = "".join("0" if "0" <= sign <= "9" else sign for sign in text).split(" ")[1:-1]
    words = [word for word in words if word]
    found = Counter[tuple[str, ...]]((word,) for word in words)
    found.update(pairwise(words))
    for word in words:
        padded = f" {word} "
        for length in (3, 4, 5):
            found.update(("piece", padded[at : at + length]) for at in range(len(padded) - length + 1))
    return found


class TestNgrams:
    @settings(max_examples=300, deadline=None)
    @given(texts)
    def test_are_those_of_each_text_as_often_as_they_occur(self, given_texts: list[str]) -> None:
        """Never across two texts, and two that differ fall into different buckets, if there are enough."""
        ready = list(map(prepared, given_texts))
        found = ngrams(ready, 60)
        of_bucket: dict[tuple[str, ...], set[int]] = {}
        for row, text in enumerate(ready):
            buckets = Counter(found.buckets[found.rows == row].tolist())
            expected = by_the_definition(text)
            assert sorted(buckets.values()) == sorted(expected.values())
            for gram in expected:
                alone = set(buckets)
                of_bucket[gram] = of_bucket.get(gram, alone) & alone
        # What all texts with an n-gram share is never nothing: it hashes alike wherever it stands.
        assert all(of_bucket.values())

    @given(texts)
    def test_of_many_texts_are_those_of_each_alone(self, given_texts: list[str]) -> None:
        """In the same order."""
        ready = list(map(prepared, given_texts))
        found = ngrams(ready, 18)
        for row, text in enumerate(ready):
            assert found.buckets[found.rows == row].tolist() == ngrams([text], 18).buckets.tolist()

    def test_fill_the_buckets_evenly(self) -> None:
        """As many buckets are in use as chance leaves, even for words that differ in one letter."""
        letters = "abcdefghijklmnopqrstuvwxyz"
        words = [a + b + c + d for a in letters[:8] for b in letters[:8] for c in letters for d in letters]
        ready = prepared(" ".join(words[:1_000]))
        found = Counter(ngrams([ready], 18).buckets.tolist())
        distinct = len(by_the_definition(ready))
        assert len(found) == pytest.approx(2**18 * (1.0 - np.exp(-distinct / 2**18)), rel=0.02)

    def test_numbers_of_as_many_figures_are_alike(self) -> None:
        """A sender's telephone number is new every time; that there is one is not."""
        one, other = (ngrams([prepared(f"call 0{n} now")], 18).buckets for n in (7700900123, 7700900999))
        assert one.tolist() == other.tolist()

    def test_texts_of_any_length_are_cut_into_stretches_of_bounded_size(self) -> None:
        """In order, each text once; of a book, its beginning counts."""
        ready = [prepared("ab!" * length) for length in (0, 10**6, 3, 2_000, 10**5, 10**5, 10**5, 7)]
        assert max(map(len, ready)) <= 2 * LONGEST_TEXT + 2
        found = stretches(ready)
        assert [text for stretch in found for text in ready[stretch]] == ready
        assert max(sum(map(len, ready[stretch])) for stretch in found) <= LARGEST_STRETCH
        assert len(found) > 1


def mixture_of(learned: Sequence[tuple[dict[str, Value], str]], labels: tuple[str, ...]) -> TextMixture:
    """A mixture that reads ``note`` and has learned these."""
    model = TextMixture(labels, "note")
    for features, label in learned:
        model.learn_one(features, label)
    return model


class TestTextMixture:
    @settings(max_examples=60, deadline=None)
    @given(
        classes=st.integers(2, 4),
        learned=st.lists(st.tuples(rows, st.integers(0, 3)), max_size=20),
        asked=st.lists(rows, min_size=1, max_size=8),
    )
    def test_a_micro_batch_is_scored_as_event_by_event(
        self, classes: int, learned: list[tuple[tuple[Value, ...], int]], asked: list[tuple[Value, ...]]
    ) -> None:
        """To the last bit, with any mix of features."""
        labels = LABELS[:classes]
        every = [*learned, *((asked[0], index) for index in range(classes))]
        model = mixture_of(
            [(present(dict(zip(NAMES, row, strict=True))), labels[index % classes]) for row, index in every],
            labels,
        )
        table = table_of(asked)
        scored = scorer_of(model, labels).opinions(table).probabilities
        for row, shares in enumerate(scored.tolist()):
            assert model.predict_proba_one(table.row(row)) == dict(zip(labels, shares, strict=True))
        assert model.predict_proba_many([]) == []
        np.testing.assert_allclose(scored.sum(axis=1), 1.0)

    def test_a_table_of_numbers_is_scored_like_any_other(self) -> None:
        """Also by its matrix, of which no number is read."""
        model = mixture_of([({"x": float(n)}, LABELS[n > 5]) for n in range(12)], LABELS[:2])
        events = [(0.0,), (11.0,)]
        scored = model.probabilities(FeatureTable(("x",), events, np.array(events)))
        assert scored[0, 0] > 0.5 > scored[1, 0]

    def test_recognises_words_it_has_not_met(self) -> None:
        """By their pieces: bent to slip through a filter, or in another form."""
        learned: list[tuple[dict[str, Value], str]] = []
        for n in range(10):
            learned.append(({"note": f"congratulations winner, your prize no. {n}"}, "fraud"))
            learned.append(({"note": f"lunch meeting at {n}, see you there"}, "fine"))
        model = mixture_of(learned, LABELS[:2])
        for note, label in (("w1nnerrs of priizes!!", "fraud"), ("meetings, lunches", "fine")):
            assert model.predict_proba_one({"note": note})[label] > 0.5

    def test_goes_by_the_rest_where_there_is_no_text(self) -> None:
        """Absent, empty or not a text; and by the text where there is nothing else."""
        events = random.Random(2)
        learned: list[tuple[dict[str, Value], str]] = []
        for _ in range(200):
            label = events.choice(LABELS[:2])
            note = "cash now" if label == "fraud" else "hello there"
            amount = events.gauss(3.0 if label == "fraud" else 0.0, 1.0)
            learned.append(({"amount": amount, "note": note}, label))
        model = mixture_of(learned, LABELS[:2])
        for silent in ({}, {"note": ""}, {"note": "  "}, {"note": 7}):
            assert model.predict_proba_one({"amount": 5.0, **silent})["fraud"] > 0.8
            assert model.predict_proba_one({"amount": -2.0, **silent})["fraud"] < 0.2
        assert model.predict_proba_one({"note": "cash now"})["fraud"] > 0.9

    def test_an_event_that_is_not_a_number_spoils_no_other(self) -> None:
        """Its text still counts; without one there is no opinion."""
        events = random.Random(3)
        model = mixture_of([mixed_event(events) for _ in range(60)], LABELS)
        row = ((1.0, "SE", "cash now"), (float("nan"), "SE", "cash now"), (float("nan"), "SE", None))
        scored = model.probabilities(FeatureTable(("amount", "country", "note"), row))
        assert np.isnan(scored[2]).all()
        assert np.isfinite(scored[:2]).all()
        alone = model.probabilities(FeatureTable(("amount", "country", "note"), row[:1]))
        assert (alone == scored[:1]).all()

    @pytest.mark.parametrize("classes", [2, 4, 50, 1_000])
    def test_its_memory_is_bounded_whatever_the_classes_and_texts(self, classes: int) -> None:
        """Nothing grows but the seen labels."""
        labels = tuple(f"label {index}" for index in range(classes))
        events = random.Random(4)
        model = TextMixture(labels, "note")
        sizes = []
        for count in (20, 40):
            for _ in range(count):
                note = " ".join(f"{events.getrandbits(40):x}" for _ in range(50))
                model.learn_one({"note": note, f"n{count}": 1.0}, events.choice(labels))
            sizes.append(len(pickle.dumps(model)))
        assert sizes[1] < 40e6
        assert sizes[1] - sizes[0] < 2_000
