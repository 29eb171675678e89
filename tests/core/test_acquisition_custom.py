"""Functions of one's own: found by path, held to their contract, and refused with words that help."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from streamsel.selection.acquisition import AcquisitionRefused, checked, custom, resolve
from streamsel.selection.candidates import Candidates, Floats

HERE = __name__
NOT_A_FUNCTION = 3
BATCH = Candidates(np.full((4, 2), 0.5))


def halves(candidates: Candidates) -> Floats:
    """Someone's own."""
    return np.full(len(candidates), 0.5)


def test_a_strategy_is_found_by_its_name() -> None:
    """With what it uses."""
    info = resolve("density")
    assert info.name == "density"
    assert info.uses == {"points", "recent"}


def test_ones_own_function_is_found_by_its_path() -> None:
    """And is given everything there is."""
    info = resolve(f"{HERE}:halves")
    assert info.function(BATCH).tolist() == [0.5] * 4
    assert info.uses == {"members", "points", "recent", "asked"}


def test_ones_own_function_can_be_pickled() -> None:
    """As a sampler that holds it is."""
    function = pickle.loads(pickle.dumps(custom(f"{HERE}:halves")))  # noqa: S301 - our own bytes
    assert function(BATCH).tolist() == [0.5] * 4


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("entropie", "did you mean 'entropy'"),
        ("nonsense", "committee_vote"),
        ("no.such.module:f", "module 'no.such.module' can't be imported"),
        (f"{HERE}:missing", f"module '{HERE}' has no 'missing'"),
        (f"{HERE}:NOT_A_FUNCTION", "is a int; it must be callable"),
        (":f", "package.module:object"),
        ("module:", "package.module:object"),
    ],
)
def test_what_is_not_there_is_refused_by_name(name: str, words: str) -> None:
    """The message says what was looked for."""
    with pytest.raises(AcquisitionRefused, match=words):
        resolve(name)


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        (np.ones(3), r"returned shape \(3,\).*\(4,\)"),
        (np.ones((4, 1)), r"returned shape \(4, 1\)"),
        ([0.1, 0.2, 1.5, 0.3], "returned 1.5 for event 2"),
        ([0.1, -0.2, 0.5, 0.3], "returned -0.2 for event 1"),
        ([0.1, 0.2, 0.3, np.nan], "returned nan for event 3"),
        ("many", "returned no array of numbers"),
        (None, "returned"),
    ],
)
def test_results_are_held_to_the_contract(returned: object, words: str) -> None:
    """Anything but a utility in [0, 1] an event is an error that names the function and the event."""
    with pytest.raises(ValueError, match=f"'mine' {words}"):
        checked(lambda _: returned, "mine")(BATCH)  # type: ignore[arg-type, return-value]


def test_lists_will_do() -> None:
    """What numpy takes for an array of the right shape is one."""
    assert checked(lambda _: [0, 1, 0.5, 1], "mine")(BATCH).tolist() == [0.0, 1.0, 0.5, 1.0]  # type: ignore[arg-type, return-value]
