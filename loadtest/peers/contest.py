"""Runs of one contestant after the other over the same events, each checked to have done the whole work."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from confluent_kafka.admin import AdminClient
from numpy.typing import NDArray

from loadtest.bench import SEED_LABELS, Bench
from loadtest.measure import Run, run_contestant
from loadtest.peers import references
from loadtest.peers.checked import Read, check, read_ours, read_peers, written
from loadtest.peers.known import Peer
from loadtest.peers.work import Work

LONGEST_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Events:
    """A topic of one partition; ``first`` is the number of its first event."""

    topic: str
    first: int
    count: int


class Contest:
    """On one bench, with what each decision must say."""

    def __init__(self, place: Bench) -> None:
        self._place = place
        self._events: dict[int, Events] = {}
        self._runs = 0
        # It says nothing about a broker that ends before it does.
        self._admin = AdminClient({"bootstrap.servers": place.servers, "log_level": 0})
        self._peers_model = self._our_model = np.empty(0)

    async def prepare(self, counts: Sequence[int], filled: Callable[[int], None]) -> None:
        """Makes a topic of each number of events, the first of them ours, and puts the labels that the peers
        learn beforehand into the label log."""
        first = 0
        for count in counts:
            topic = self._place.events_topic(f"{count}-" if self._events else "")
            self._place.make_topic(topic)
            self._place.fill(topic, count)
            self._events[count] = Events(topic, first, count)
            first += count
            filled(count)
        self._peers_model = references.river(SEED_LABELS, first)
        self._our_model = references.ours(SEED_LABELS, first)
        await self._place.train(self._place.sections())

    def ours(self) -> Run:
        """Our whole selector over all events. Raises as ``peer`` does."""
        events = next(iter(self._events.values()))
        group = self._group()
        arguments = [
            self._place.servers,
            self._place.prefix,
            group,
            str(events.count),
            str(self._place.folder / "data"),
        ]
        run = self._run("loadtest.contestant_streamsel", arguments, Path(sys.executable))
        # Events decided before are not decided again: each run must start with no decisions.
        self._check(self._place.decisions_topic(), events, self._our_model, read_ours)
        return run

    def peer(self, peer: Peer, python: Path, count: int) -> Run:
        """A peer over the topic of so many events.

        Raises ``ContestantFailed``; ``WorkNotDone`` when its decisions are not all there or not the model's.
        """
        events = self._events[count]
        group = self._group()
        decisions = self._place.decisions_topic(f"{group}-")
        self._place.make_topic(decisions)
        work = Work(self._place.servers, events.topic, decisions, group, count, SEED_LABELS)
        run = self._run(peer.module, [work.as_argument(), *peer.arguments], python)
        self._check(decisions, events, self._peers_model, read_peers)
        return run

    def _group(self) -> str:
        """A consumer group that has read nothing."""
        self._runs += 1
        return f"run-{self._runs}"

    def _run(self, module: str, arguments: Sequence[str], python: Path) -> Run:
        log = self._place.folder / f"{module}.log"
        return run_contestant(module, arguments, log, LONGEST_SECONDS, python)

    def _check(self, topic: str, events: Events, model: NDArray[np.float64], read: Read) -> None:
        """Compares all decisions with the model's and deletes them."""
        expected = model[events.first : events.first + events.count]
        check(written(self._place.servers, topic), events.first, expected, read)
        self._admin.delete_topics([topic])[topic].result(30.0)
        while topic in self._admin.list_topics(timeout=30.0).topics:
            time.sleep(0.1)
