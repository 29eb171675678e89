"""Quotas: each group gets its share of the queries, in the long run exactly and without a draw."""

from __future__ import annotations

from collections import Counter
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsel.records import FeatureTable
from streamsel.selection.fields import Fields
from streamsel.selection.quotas import MOST_GROUPS, RAISED, REST, Quota, QuotaAccounts

LABELS = ("genuine", "fraud")
FRACTION = 0.1


def fields_of(countries: list[str | None]) -> Fields:
    """Events with nothing but a country."""
    segments = [{"country": country} if country else {} for country in countries]
    return Fields(FeatureTable((), [()] * len(segments)), segments, LABELS, np.empty((len(segments), 0)))


def ask(utilities: np.ndarray, raised: dict[int, str], wanted: int) -> np.ndarray:
    """The rows that a gate without exploration would ask about."""
    ranks = np.zeros(len(utilities))
    ranks[[*raised]] = RAISED
    return np.argsort(-(ranks + utilities), kind="stable")[:wanted]


def shares(
    quota: Quota, batch: int, groups: dict[str, float], sure: str, batches: int = 200
) -> dict[str, float]:
    """Of the queries of each group, by its name; the model is sure of all of one group."""
    rng = np.random.default_rng(0)
    accounts = QuotaAccounts(quota, window=500)
    asked: Counter[str] = Counter()
    owed = 0.0
    for _ in range(max(batches, 20_000 // batch)):
        countries = rng.choice([*groups], batch, p=[*groups.values()]).tolist()
        utilities = np.where(np.array(countries) == sure, 0.01, 0.5) * rng.random(batch)
        raised = accounts.raised(fields_of(countries), utilities, np.ones(batch, bool), FRACTION)
        owed += FRACTION * batch
        rows = ask(utilities, raised, int(owed))
        owed -= len(rows)
        accounts.note_asked(rows)
        asked.update(countries[row] for row in rows)
    return {group: asked[group] / asked.total() for group in groups}


@pytest.mark.parametrize("batch", [10, 100, 500, 2000])
@pytest.mark.parametrize("least", [0.04, 0.2, 0.3])
def test_a_group_the_model_is_sure_of_gets_its_share(batch: int, least: float) -> None:
    """Whatever the size of micro-batches, and no more than it is owed."""
    got = shares(Quota("fair", "country", least), batch, {"DE": 0.6, "FR": 0.4}, sure="FR")
    assert got["FR"] == pytest.approx(least, abs=0.01)


def test_only_named_values_are_granted_a_share() -> None:
    """The others compete by utility alone."""
    groups = {"DE": 0.4, "FR": 0.3, "IT": 0.3}
    got = shares(Quota("fair", "country", 0.2, ("IT",)), 50, groups, sure="FR")
    assert got["FR"] == pytest.approx(0.0, abs=0.005)
    got = shares(Quota("fair", "country", 0.2, ("FR",)), 50, groups, sure="FR")
    assert got["FR"] == pytest.approx(0.2, abs=0.01)


def test_more_than_there_is_to_grant_is_granted_equally() -> None:
    """Four groups of at least a half get a quarter each."""
    groups = {"DE": 0.4, "FR": 0.2, "IT": 0.2, "ES": 0.2}
    got = shares(Quota("fair", "country", 0.5), 100, groups, sure="FR")
    assert [*got.values()] == pytest.approx([0.25] * 4, abs=0.02)


def test_a_group_with_plenty_of_queries_is_left_alone() -> None:
    """Nothing is raised where the utility alone gives every group its share."""
    accounts = QuotaAccounts(Quota("fair", "country", 0.2), window=500)
    for _ in range(50):
        utilities = np.linspace(0.0, 1.0, 20)
        raised = accounts.raised(fields_of(["DE", "FR"] * 10), utilities, np.ones(20, bool), FRACTION)
        assert raised == {}
        accounts.note_asked(ask(utilities, raised, 2))


def test_the_events_of_highest_utility_come_first_and_closed_rows_never() -> None:
    """Of a group that is owed three queries, its three best open events are raised."""
    accounts = QuotaAccounts(Quota("fair", "predicted_class", 0.3), window=500)
    probabilities = np.array([[0.9, 0.1]] * 10 + [[0.1, 0.9]] * 5)
    fields = Fields(FeatureTable((), [()] * 15), None, LABELS, probabilities)
    utilities = np.array([0.9] * 10 + [0.1, 0.5, 0.3, 0.4, 0.2])
    open_rows = np.ones(15, bool)
    assert accounts.raised(fields, utilities, open_rows, FRACTION) == {}
    accounts.note_asked(np.arange(10))
    open_rows[11] = False
    raised = accounts.raised(fields, utilities, open_rows, FRACTION)
    assert raised == {12: "fraud", 13: "fraud", 14: "fraud"}


def test_one_query_serves_what_was_owed() -> None:
    """Asked about by another way, exploration say, a group is owed that much less."""
    accounts = QuotaAccounts(Quota("fair", "country", 0.5, ("FR",)), window=500)
    fields = fields_of(["DE", "DE", "FR", "FR"])
    accounts.raised(fields, np.zeros(4), np.ones(4, bool), FRACTION)
    accounts.note_asked(np.array([0, 1, 2]))
    assert len(accounts.raised(fields, np.zeros(4), np.ones(4, bool), FRACTION)) == 1
    accounts.note_asked(np.array([2, 3]))
    assert accounts.raised(fields, np.zeros(4), np.ones(4, bool), FRACTION) == {}


def test_what_is_owed_after_a_long_absence_is_bounded() -> None:
    """By a window's worth, here a fifth of 50 queries: coming back, a group takes no more at once."""
    accounts = QuotaAccounts(Quota("fair", "country", 0.2, ("FR",)), window=500)
    for _ in range(100):
        accounts.raised(fields_of(["DE"] * 100), np.zeros(100), np.ones(100, bool), FRACTION)
        accounts.note_asked(np.arange(10))
    raised = accounts.raised(fields_of(["FR"] * 100), np.zeros(100), np.ones(100, bool), FRACTION)
    assert len(raised) == 10


def test_countless_groups_take_bounded_memory() -> None:
    """Beyond a thousand they are one group, which is raised as one and named so; those of an earlier window
    leave their places to new ones."""
    accounts = QuotaAccounts(Quota("fair", "country", 1.0), window=500)
    raised: dict[int, str] = {}
    for start in range(0, 50_000, 5000):
        fields = fields_of([str(start + row) for row in range(5000)])
        raised = accounts.raised(fields, np.linspace(1.0, 0.0, 5000), np.ones(5000, bool), FRACTION)
        accounts.note_asked(np.arange(MOST_GROUPS))
    assert set(raised.values()) == {REST}
    assert accounts._debts.shape == (MOST_GROUPS + 1,)
    assert len(accounts._places) == MOST_GROUPS


@given(
    st.lists(
        st.tuples(
            st.lists(st.sampled_from(["DE", "FR", None]), min_size=1, max_size=20),
            st.floats(0.0, 1.0),
            st.randoms(use_true_random=False),
        ),
        max_size=8,
    )
)
def test_any_stream_and_any_asking(
    batches: list[tuple[list[str | None], float, Random]],
) -> None:
    """Only open rows of a group are raised, under its name, whatever was asked before."""
    accounts = QuotaAccounts(Quota("fair", "country", 0.4), window=10)
    for countries, fraction, random in batches:
        count = len(countries)
        open_rows = np.array([random.random() < 0.7 for _ in range(count)])
        utilities = np.array([random.random() for _ in range(count)])
        for row, group in accounts.raised(fields_of(countries), utilities, open_rows, fraction).items():
            assert open_rows[row]
            assert countries[row] == group
        accounts.note_asked(np.array([row for row in range(count) if random.random() < 0.5], np.intp))
