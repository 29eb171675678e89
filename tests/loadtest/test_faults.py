"""The faults scenario in a small form, and that it would notice what it looks for."""

from __future__ import annotations

import json
import subprocess
import sys

import orjson
import pytest

from loadtest.faults.crash_points import crash_points
from loadtest.faults.whole import sound
from loadtest.outside.counts import Counts, answered_twice, became, lost
from loadtest.outside.reviewing import Acknowledged
from loadtest.outside.streams import Record
from streamsel.adapters.local_kafka import LocalKafka
from tests.servers import GivenKafka


def event(offset: int) -> Record:
    return Record(0, offset, orjson.dumps({"id": f"e{offset}"}))


def decision(offset: int, of: int | None = None, query: str | None = None, propensity: float = 0.5) -> Record:
    event_id = f"e{offset if of is None else of}"
    content: dict[str, object] = {
        "source": ["events", 0, offset],
        "event_id": event_id,
        "lane": "explore" if query else "none",
    }
    if query:
        content["query"] = {"query_id": query, "event_id": event_id, "propensity": propensity}
    return Record(0, offset, orjson.dumps(content))


def letter(offset: int) -> Record:
    return Record(0, offset, orjson.dumps({"source": ["events", 0, offset]}))


def test_what_is_lost_or_done_twice_shows() -> None:
    """Of nine events one is decided, one a dead letter; each of the others is wrong in its own way."""
    decisions = [
        decision(0), decision(2), decision(2), decision(3), decision(4, of=0),
        decision(5, query="q"), decision(6, query="q"), decision(8, query="r", propensity=1.5),
    ]  # fmt: skip
    found = became([event(offset) for offset in range(9)], decisions, [letter(1), letter(1), letter(3)])
    assert found.undecided == [(0, 7)]
    assert found.doubled == [(0, 2), (0, 3)]
    assert found.contradictory == [(0, 4), (0, 8)]
    assert found.shared == {"q": {"e5", "e6"}}


def test_a_label_that_is_not_where_the_desk_said_is_lost() -> None:
    """Another's label at its offset is none, and neither is one beyond the log's end."""
    log = [
        {"query_id": "q", "label": "fraud", "labelled_by": "ann"},
        {"query_id": "q", "label": "legit", "labelled_by": "ben"},
        {"query_id": "r", "label": "legit", "labelled_by": "ben"},
    ]
    kept = Acknowledged("q", "fraud", "ann", 0)
    gone = [Acknowledged("q", "fraud", "ann", 1), Acknowledged("q", "fraud", "ann", 3)]
    assert lost(log, [kept, *gone]) == gone
    assert answered_twice(log) == {"q"}


@pytest.mark.parametrize("name", ["labels_lost", "events_undecided", "digest_divergences"])
def test_a_run_with_anything_lost_is_not_sound(name: str) -> None:
    """One is enough."""
    figures: dict[str, object] = {"events": 5, "queries": 1, "labels": 1, "digests": 2, "faults": {}}
    zero = {one: 0 for one in Counts.__slots__ if one not in figures}
    assert sound({**zero, **figures})
    assert not sound({**zero, **figures, name: 1})


def test_a_fault_that_was_not_recovered_from_makes_a_run_unsound() -> None:
    """One that could not be done here does not."""
    zero: dict[str, object] = dict.fromkeys(Counts.__slots__, 0)
    assert sound({**zero, "faults": {"store_disk_full": {"skipped": "mounting: not permitted"}}})
    assert not sound({**zero, "faults": {"broker_away": {"error": "TimeoutError: all committed"}}})


def test_no_crash_point_loses_or_doubles_anything() -> None:
    """Selector and desk die before and after every effect of a random history each."""
    deaths, counts = crash_points(2, 3, lambda _: None)
    assert deaths["selector"] > 10
    assert deaths["desk"] > 10
    nothing = Counts(events=counts.events, queries=counts.queries, labels=counts.labels)
    assert counts == nothing
    assert counts.events > 0
    assert counts.labels > 0


@pytest.mark.kafka
@pytest.mark.slow
def test_kills_lose_and_double_nothing(kafka: LocalKafka | GivenKafka) -> None:
    """Four kills of processes at work and two from which recovery is measured; all counts are as they must
    be."""
    assert kafka.bootstrap_servers, "without a broker to be had, this skips; the scenario starts its own"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "loadtest", "faults", "--json"),
            *("--kills", "4", "--crash-points", "0", "--recoveries", "1", "--only", ""),
        ],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert (figures["kills"], figures["crash_points"]) == (4, 0)
    assert figures["events"] > 0
    assert figures["digests"] == 2 * 2
    assert sum(figures["kills_by_process"].values()) == 4
    assert {role: one["kills"] for role, one in figures["recovery"].items()} == {"selector": 1, "desk": 1}
    assert figures["faults"] == {}
    assert figures["recovery_p100_seconds"] > 0.0
