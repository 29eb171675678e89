"""The draws: uniform, independent of each other, and the same wherever they are made."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsel.selection import draws
from streamsel.selection.draws import holdout_draws

COUNT = 200_000
IDS = [f"transaction-{number}" for number in range(COUNT)]


def chi_square(observed: np.ndarray, expected: float) -> float:
    return float(((observed - expected) ** 2 / expected).sum())


@pytest.mark.parametrize("which", [0, 1])
def test_draws_are_uniform(which: int) -> None:
    """Over 200,000 ids that differ in a digit or two, each hundredth is drawn as often as it should be."""
    drawn = draws(IDS)[which]
    assert ((drawn >= 0.0) & (drawn < 1.0)).all()
    counts = np.bincount((drawn * 100).astype(int), minlength=100)
    assert chi_square(counts, COUNT / 100) < 161.3  # 99 degrees of freedom, 1 in 10,000


def test_the_two_draws_are_independent() -> None:
    """Knowing the first draw tells nothing of the second: all pairs of tenths are as frequent."""
    first, second = draws(IDS)
    pairs = np.bincount((first * 10).astype(int) * 10 + (second * 10).astype(int), minlength=100)
    assert chi_square(pairs, COUNT / 100) < 161.3


@pytest.mark.parametrize("seed", [0, 7])
@pytest.mark.parametrize("which", [0, 1])
def test_the_holdout_draw_is_uniform_and_independent_of_the_others(which: int, seed: int) -> None:
    """Knowing it tells nothing of whether an event is explored, nor of how ties are broken."""
    held, other = holdout_draws(IDS, seed), draws(IDS, seed)[which]
    pairs = np.bincount((held * 10).astype(int) * 10 + (other * 10).astype(int), minlength=100)
    assert chi_square(pairs, COUNT / 100) < 161.3
    assert ((held >= 0.0) & (held < 1.0)).all()


def test_another_seed_draws_anew() -> None:
    """Draws under two seeds are independent of each other."""
    one, other = draws(IDS, seed=1)[0], draws(IDS, seed=2)[0]
    pairs = np.bincount((one * 10).astype(int) * 10 + (other * 10).astype(int), minlength=100)
    assert chi_square(pairs, COUNT / 100) < 161.3
    assert not np.array_equal(one, other)


def test_every_process_draws_alike() -> None:
    """Another process, with another hash seed, makes the same draws; so will a later release."""
    program = (
        "from streamsel.selection import draws; print([one.tolist() for one in draws(['a', 'é😀', ''], 7)])"
    )
    printed = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONHASHSEED": "12345"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert printed.strip() == str([one.tolist() for one in draws(["a", "é😀", ""], 7)])
    assert draws(["transaction-1"])[0][0] == 0.904918405925855
    assert holdout_draws(["transaction-1"])[0] == 0.26315027521923184


@given(st.lists(st.text(), max_size=20))
def test_a_draw_depends_on_the_id_alone(event_ids: list[str]) -> None:
    """Not on the other events of the micro-batch, nor on the order they come in."""
    together = np.array(draws(event_ids)).reshape(2, -1)
    alone = [draws([event_id]) for event_id in event_ids]
    assert together.T.tolist() == [[first[0], second[0]] for first, second in alone]


def test_ids_that_are_no_text_of_unicode() -> None:
    """An id with half a surrogate pair has a draw like any other."""
    first, second = draws(["\ud800"])
    assert 0.0 <= first[0] < 1.0
    assert 0.0 <= second[0] < 1.0
