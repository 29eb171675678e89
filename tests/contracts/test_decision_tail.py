"""Reading the decisions already made from the end of a log, without any server."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsel.adapters import decision_tail
from streamsel.adapters.decision_tail import DecisionTail

REACH = 16


@pytest.fixture(autouse=True, scope="module")
def small_reach() -> Iterator[None]:
    """A reach that small logs exceed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decision_tail, "ZOMBIE_REACH", REACH)
        yield


def found(log: list[tuple[int, bytes]], since: int, first: int = 0) -> tuple[dict[int, bytes], int]:
    """What the tail of a log gives, and how many records were read for it."""
    tail = DecisionTail(since, first, len(log))
    read = 0
    while (chunk := tail.next_chunk()) is not None:
        assert 0 < len(chunk) <= REACH
        tail.take(chunk, log[chunk.start : chunk.stop])
        read += len(chunk)
    return tail.decisions, read


@st.composite
def logs(draw: st.DrawFn) -> tuple[list[tuple[int, bytes]], int]:
    """A partition that changed hands a few times, and the position the last owner had committed.

    Every owner starts at the commit, finds what is recorded, and decides what is not; each leaves behind
    a zombie's burst, which ends up anywhere after; all bursts together are shorter than ``REACH``.
    """
    log: list[tuple[int, bytes]] = []
    made = count()
    committed = 0
    zombies: list[list[tuple[int, bytes]]] = []
    for _ in range(draw(st.integers(1, 4))):
        known = {offset for offset, _ in log}
        end = committed + draw(st.integers(0, 30))
        for offset in range(committed, end):
            if zombies and draw(st.integers(0, 9)) == 0:
                log += zombies.pop()
            if offset not in known:
                log.append((offset, b"%d" % next(made)))
        committed = draw(st.integers(committed, end))
        burst = draw(st.integers(0, REACH // 4 - 1))
        zombies.append([(offset, b"%d" % next(made)) for offset in range(end, end + burst)])
    for burst_behind in zombies[: draw(st.integers(0, 4))]:
        log += burst_behind
    return log, committed


@given(logs())
def test_every_decision_from_the_position_on_is_found_and_the_first_stands(
    given_log: tuple[list[tuple[int, bytes]], int],
) -> None:
    """Whatever zombies wrote in between or behind, the tail gives what reading everything gives."""
    log, since = given_log
    everything: dict[int, bytes] = {}
    for offset, decision in log:
        if offset >= since:
            everything.setdefault(offset, decision)
    assert found(log, since)[0] == everything


@given(st.integers(0, 200), st.integers(0, 200))
def test_no_more_is_read_than_the_uncommitted_and_a_zombie_s_reach(length: int, uncommitted: int) -> None:
    """A long log with one writer costs what is new, and ``ZOMBIE_REACH`` before it."""
    log = [(offset, b"x") for offset in range(length)]
    since = max(0, length - uncommitted)
    decisions, read = found(log, since)
    assert sorted(decisions) == list(range(since, length))
    assert read <= min(length, length - since + 2 * REACH)


def test_nothing_before_the_first_record_is_asked_for() -> None:
    """A log truncated by retention is read to its beginning and no further."""
    log = [(offset, b"x") for offset in range(30)]
    assert sorted(found(log, since=0, first=25)[0]) == [25, 26, 27, 28, 29]


def test_foreign_records_are_older_than_everything() -> None:
    """A record that is none of ours has source offset -1."""
    assert found([(0, b"a"), (-1, b"foreign"), (1, b"b")], since=1)[0] == {1: b"b"}
