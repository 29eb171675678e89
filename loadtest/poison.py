"""A stream of fuzzed events through decoding and deciding: each is decided, or set aside with its reason."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any, NamedTuple

import orjson

from loadtest.contestant_scoring import FEW_LABELS, trained
from loadtest.fuzzed import fuzzed
from loadtest.machine import machine
from loadtest.progress import progress_bar
from streamsel.adapters.clock import SystemClock
from streamsel.adapters.record_sizes import check_sizes
from streamsel.codec import EventDecoder, decode_dead_letter, encode_dead_letter
from streamsel.codec.layout import Layout
from streamsel.config import Config
from streamsel.metrics import Metrics
from streamsel.selection import QueryRate, QueryStrategy, StrategySettings
from streamsel.services.decider import Decided, Decider

MICRO_BATCH = 500
_TOPIC = "events"


@dataclass(frozen=True, slots=True)
class Options:
    """How many events, and which."""

    events: int = 1_000_000
    seed: int = 1


class Record(NamedTuple):
    """As a stream gives it."""

    topic: str
    partition: int
    offset: int
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]] = ()


@dataclass
class Account:
    """What became of all events."""

    decided: int = 0
    dead_letters: int = 0
    unaccounted: int = 0
    """Neither decided nor set aside, or both."""
    crashes: int = 0
    """Micro-batches that raised something."""
    first_crash: str = ""
    reasons: dict[str, int] = field(default_factory=dict)
    ways: dict[str, list[int]] = field(default_factory=dict)
    """By how events were made wrong, how many were decided and how many set aside."""

    def add(self, names: list[str], records: list[Record], decided: Decided) -> None:
        """What became of a micro-batch: read as whoever reads the logs would."""
        offsets = Counter[int]()
        for share in decided.decisions:
            check_sizes("decisions", share.values)
            for offset, value in zip(share.offsets, share.values, strict=True):
                orjson.loads(value)
                offsets[offset] += 1
        aside = set()
        for letter in decided.letters:
            encoded = encode_dead_letter(letter)
            check_sizes("dead-letters", [encoded])
            read = decode_dead_letter(encoded)
            self.reasons[read.reason] = self.reasons.get(read.reason, 0) + 1
            offsets[read.source.offset] += 1
            aside.add(read.source.offset)
        for name, record in zip(names, records, strict=True):
            once = offsets[record.offset] == 1
            self.unaccounted += not once
            self.decided += once and record.offset not in aside
            self.dead_letters += once and record.offset in aside
            self.ways.setdefault(name, [0, 0])[record.offset in aside] += once


def poison(options: Options) -> dict[str, Any]:
    """The account; ``valid`` where nothing crashed and nothing is unaccounted for."""
    account, decider, rate = Account(), _decider(), QueryRate(0.05, 0.01, 2**31, 2.0**31)
    began = time.perf_counter()
    with progress_bar("poison", options.events) as advance:
        for names, records in _micro_batches(options):
            try:
                account.add(names, records, decider.decide(records, rate))
            except Exception as error:  # noqa: BLE001 - a crash is what is looked for
                account.crashes += 1
                account.first_crash = account.first_crash or f"{records[0].offset}: {error!r}"[:300]
            advance(len(records))
    return {
        "scenario": "poison",
        "events": options.events,
        "seed": options.seed,
        **asdict(account),
        "seconds": round(time.perf_counter() - began, 1),
        "valid": not account.crashes and not account.unaccounted,
        "machine": machine(),
    }


def _micro_batches(options: Options) -> Iterator[tuple[list[str], list[Record]]]:
    stream = islice(fuzzed(options.seed), options.events)
    first = 0
    while batch := list(islice(stream, MICRO_BATCH)):
        names = [name for name, _ in batch]
        yield names, [Record(_TOPIC, 0, first + at, value) for at, (_, value) in enumerate(batch)]
        first += len(batch)


def _decider() -> Decider:
    """As ``streamsel serve`` is set up, behind a model that has learned a little."""
    config = Config()
    select = config.select
    settings = StrategySettings(select.strategy, select.window, select.seed, constraints=select.constraints())
    return Decider(
        EventDecoder(Layout(), max_bytes=config.stream.max_bytes),
        trained("logistic", FEW_LABELS),
        QueryStrategy(settings),
        SystemClock(),
        Metrics(),
    )
