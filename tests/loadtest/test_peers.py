"""The peers of the throughput figures: their environments, their turns, and that they did the whole work."""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from loadtest.__main__ import app
from loadtest.events import payloads
from loadtest.measure import ContestantFailed, run_contestant
from loadtest.peers.checked import WorkNotDone, check, read_ours, read_peers
from loadtest.peers.environments import NotInstalled, environment
from loadtest.peers.known import HERE, PEERS, Peer
from loadtest.peers.references import river
from loadtest.peers.work import decide_encoded_with
from loadtest.throughput import Options, in_turn, throughput
from streamsel.adapters.local_kafka import LocalKafka
from tests.servers import GivenKafka

LOCKS = sorted(HERE.glob("*/requirements.lock"))
EXPECTED = np.array([0.1, 0.5, 0.9])
FIRST = 7
"""Number of the first event."""


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.parent.name)
def test_locks_pin_every_package_by_hash_and_name_no_registry(lock: Path) -> None:
    """And hold what ``requirements.in`` beside them asks for."""
    content = lock.read_text()
    packages = re.split(r"\n(?=\S)", re.sub(r"^#.*\n", "", content, flags=re.MULTILINE).strip())
    for package in packages:
        assert re.match(r"[\w.-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", package, re.DOTALL), package
    assert "://" not in content
    names = {package.partition("==")[0] for package in packages}
    asked = lock.with_suffix(".in").read_text().split()
    assert {re.split(r"[\[=]", one)[0] for one in asked} <= names


def test_every_lock_is_used_and_every_peer_can_be_named() -> None:
    """A version from each peer's lock or from the packages here; a module that is there and compiles."""
    assert {peer.lock for peer in PEERS.values()} == {*LOCKS, None}
    for peer in PEERS.values():
        assert re.fullmatch(r"\d+(\.\d+)+", peer.version)
        path = HERE.parents[1].joinpath(*peer.module.split(".")).with_suffix(".py")
        assert ast.get_docstring(ast.parse(path.read_text()))


def test_an_environment_is_made_once_for_a_lock(tmp_path: Path) -> None:
    """With what the lock says; the same lock finds it again."""
    lock = tmp_path / "light" / "requirements.lock"
    lock.parent.mkdir()
    whole = (HERE / "bytewax" / "requirements.lock").read_text()
    pinned = re.search(r"^orjson==.*?(?=^\w)", whole, re.MULTILINE | re.DOTALL)
    assert pinned is not None
    lock.write_text(pinned[0])
    python = environment(lock, tmp_path / "kept")
    assert [path.name for path in python.parents[1].glob("lib/*/site-packages/orjson")] == ["orjson"]
    left = python.parents[1] / "left"
    left.touch()
    assert environment(lock, tmp_path / "kept") == python
    assert left.exists()
    lock.write_text("# another\n" + pinned[0])
    assert environment(lock, tmp_path / "kept") != python


def test_an_environment_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    """And is not taken for one the next time."""
    lock = tmp_path / "wrong" / "requirements.lock"
    lock.parent.mkdir()
    lock.write_text("orjson==3.13.0\n")
    for _ in range(2):
        with pytest.raises(NotInstalled, match="hash"):
            environment(lock, tmp_path / "kept")


@given(st.integers(1, 9), st.integers(0, 30))
def test_everybody_runs_once_a_turn(count: int, turn: int) -> None:
    """And over as many turns as there are contestants, everybody begins or ends some."""
    names = [str(number) for number in range(count)]
    assert sorted(in_turn(names, turn)) == names
    ends = Counter(end for one in range(count) for end in (in_turn(names, one)[0], in_turn(names, one)[-1]))
    assert ends.keys() == {*names}


def decisions(*numbers: int, off: float = 0.0) -> Iterator[bytes]:
    for number in numbers:
        probability = float(EXPECTED[(number - FIRST) % len(EXPECTED)]) + off
        decision = {
            "id": f"transaction-{number:012d}",
            "probability": probability,
            "ask": 0.4 < probability < 0.6,
        }
        yield orjson.dumps(decision)


def test_the_whole_work_counts_in_any_order() -> None:
    """Up to the last bits of the probabilities."""
    check(decisions(9, 7, 8, off=1e-9), FIRST, EXPECTED, read_peers)


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (lambda: decisions(7, 9), "1 of 3 events undecided"),
        (lambda: decisions(7, 8, 9, 8), "1 events decided more than once"),
        (lambda: decisions(7, 8, 9, 10), "transaction-000000000010 is none of the 3 events"),
        (lambda: decisions(6, 7, 8, 9), "transaction-000000000006 is none of the 3 events"),
        (lambda: decisions(7, 8, 9, off=1e-5), "a probability is off by 1e-05"),
        (lambda: iter([b"7"]), "b'7' is no decision"),
        (lambda: (one.replace(b"id", b"key") for one in decisions(7)), "is no decision"),
        (
            lambda: (one.replace(b"true", b"false") for one in decisions(7, 8, 9)),
            "not what the threshold says",
        ),
    ],
)
def test_less_than_the_whole_work_does_not(made: Callable[[], Iterator[bytes]], why: str) -> None:
    """And the reason is told."""
    with pytest.raises(WorkNotDone, match=why):
        check(made(), FIRST, EXPECTED, read_peers)


def test_ours_is_read_by_its_own_fields() -> None:
    """The second label's probability."""
    assert read_ours({"event_id": "a", "probabilities": {"legit": 0.75, "fraud": 0.25}}) == ("a", 0.25)


def test_the_work_agrees_with_the_reference() -> None:
    """What a peer makes of an event's JSON is what the check expects for it."""
    decide = decide_encoded_with(100)
    check(map(decide, payloads(500)), 0, river(100, 500), read_peers)


def test_a_contestant_that_fails_says_so(tmp_path: Path) -> None:
    """With its last words, whether it ends badly or not at all."""
    python = Path(sys.executable)
    with pytest.raises(ContestantFailed, match=r"No module named loadtest\.nobody"):
        run_contestant("loadtest.nobody", [], tmp_path / "log", 60.0, python)
    with pytest.raises(ContestantFailed, match=r"did not end in 0\.1 s"):
        run_contestant("http.server", ["--bind", "127.0.0.1", "0"], tmp_path / "log", 0.1, python)


def test_a_peer_nobody_knows_is_bad_usage() -> None:
    """With the names there are."""
    done = CliRunner().invoke(app, ["throughput", "--peers", "bare,flink"])
    assert done.exit_code == 2
    assert "flink" in done.output


@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_throughput_runs_the_peers_beside_us(
    kafka: LocalKafka | GivenKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two that need no environment, each over its share and its decisions checked; one that fails is named
    with the reason, and the others have their figures."""
    monkeypatch.setitem(PEERS, "nobody", Peer("nobody", "loadtest.nobody", "aiokafka"))
    names = ("aiokafka", "ceiling", "nobody")
    figures = throughput(Options(10_000, 1, names, kafka.bootstrap_servers))
    assert figures["vs"].keys() == figures["cpu_vs"].keys() == {"aiokafka", "ceiling"}
    assert [figures["peers"][name]["events"] for name in names] == [5_000, 10_000, 10_000]
    assert "No module named loadtest.nobody" in figures["peers"]["nobody"]["error"]
    for name in figures["vs"]:
        ratio = figures["events_per_second"] / figures["peers"][name]["events_per_second"]
        assert figures["vs"][name] == pytest.approx(ratio, rel=0.01)
    assert figures["peak_mib"] > 0.0
