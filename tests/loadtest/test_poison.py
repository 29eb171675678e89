"""Poison in a small form; and that the poison is as bad as it says."""

from __future__ import annotations

from itertools import islice

from loadtest.fuzzed import WAYS, fuzzed
from loadtest.poison import Options, poison


def test_every_fuzzed_event_is_decided_or_set_aside_with_its_reason() -> None:
    """Nothing crashes, nothing is lost or counted twice, and the account adds up."""
    figures = poison(Options(events=6_000, seed=7))
    assert figures["valid"], figures["first_crash"]
    assert (figures["crashes"], figures["unaccounted"]) == (0, 0)
    assert figures["decided"] + figures["dead_letters"] == 6_000
    assert sum(figures["reasons"].values()) == figures["dead_letters"]
    assert {"not_json", "not_finite", "not_utf8", "not_an_object", "duplicate_keys", "wrong_type"} <= set(
        figures["reasons"]
    )
    decided, set_aside = figures["ways"]["sound"]
    assert (decided > 0, set_aside) == (True, 0)
    assert figures["ways"]["not finite"][0] == 0


def test_the_same_seed_fuzzes_alike_in_every_way() -> None:
    """A crash can be had again; and no way to be wrong is left out."""
    one, other = (list(islice(fuzzed(3), 2_000)) for _ in range(2))
    assert one == other
    assert {name for name, _ in one} == {*WAYS, "as large as may be"}
