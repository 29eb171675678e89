"""What models may be given, as Hypothesis strategies, and streams to learn from."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from hypothesis import strategies as st

from streamsel.records import Directive, FeatureTable, Label, Opinion, Retraction, Value

NAMES = ("amount", "country", "country=SE", "flag", "note", "zero")
"""One of them is what a category of another would be called."""

numbers = st.one_of(
    st.floats(-1e100, 1e100, allow_nan=False),
    st.floats(-100.0, 100.0),
    st.integers(-(10**99), 10**99),
    st.integers(-3, 3),
)
values: st.SearchStrategy[Value] = st.one_of(
    st.none(), numbers, st.booleans(), st.sampled_from(("SE", "DE", "", "1")), st.text(max_size=20)
)
rows: st.SearchStrategy[tuple[Value, ...]] = st.tuples(*([values] * len(NAMES)))


def table_of(rows: Sequence[tuple[Value, ...]], names: tuple[str, ...] = NAMES) -> FeatureTable:
    """Rows as the selector decodes them when they are not all numbers."""
    return FeatureTable(names, rows)


def mixed_event(draw: random.Random) -> tuple[dict[str, Value], str]:
    """Features of every kind and one of three labels that follows from them."""
    country = draw.choice(("SE", "DE", "FR", "PT"))
    amount = draw.lognormvariate(3.0, 2.0)
    words = draw.choices(("win", "cash", "hello", "meeting", "now", "prize"), k=4)
    label = "fraud" if "cash" in words else "review" if country == "PT" or amount > 100.0 else "fine"
    features: dict[str, Value] = {"amount": amount, "country": country, "note": " ".join(words)}
    features["night"] = draw.random() < 0.3
    if draw.random() < 0.3:
        features["age"] = draw.choice((draw.gauss(40.0, 10.0), "unknown"))
    return dict(sorted(features.items())), label


def label_record(
    label_id: str, revision: int = 1, label: str = "fine", features: Mapping[str, Value] | None = None
) -> Label:
    """A reviewer's label with only what learning looks at filled in."""
    return Label(
        label_id=label_id,
        revision=revision,
        event_id=f"event of {label_id}",
        label=label,
        source="reviewer",
        labelled_by="ada",
        labelled_at=1.0,
        features={"x": 1.0} if features is None else features,
    )


def mixed_record(draw: random.Random, label_id: str, revision: int = 1) -> Label:
    """A label for the next mixed event."""
    features, label = mixed_event(draw)
    return label_record(label_id, revision, label, features)


def retraction_record(label_id: str, revision: int) -> Retraction:
    """A retraction with only what learning looks at filled in."""
    return Retraction(label_id, revision, "mistaken", "ada", 2.0)


def directive_record(directive_id: str) -> Directive:
    """One that changes nothing by itself."""
    return Directive(directive_id, "freeze", "ada", 1.0)


def opinion_record(query_id: str, revision: int = 1, label: str = "fine", slot: int = 1) -> Opinion:
    """One of two answers to a query, with only what learning could look at filled in."""
    return Opinion(
        query_id, f"event of {query_id}", label, "ada", 1.0, "overlap", slot, slots=2, revision=revision
    )
