"""The streams: real ones that come with River, its generators with and without drift, and two files.

Real ones are played in the order in which they are published; a generator's course follows from the seed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from river import datasets
from river.datasets import synth

from streamsel.backtest.stream import Stream, load_stream

Row: TypeAlias = tuple[dict[Any, Any], Any]

GENERATED = 10_000
"""Events of a generated or thinned stream."""
MOST = 20_000
"""Events of a real one."""
RARE_SHARE = 0.01


def streams(data: Path | None) -> dict[str, Callable[[int], Stream]]:
    """By name, a function from seed to stream. ``data``: the folder with transactions.jsonl.gz (Fraud
    Detection Handbook, card transactions of May 2018) and messages.jsonl.gz (UCI SMS Spam Collection, first
    half); without it these two are left out."""
    known: dict[str, Callable[[int], Stream]] = {
        "Phishing": lambda _: _stream(datasets.Phishing()),
        "Bananas": lambda _: _stream(datasets.Bananas()),
        "ImageSegments": lambda _: _stream(datasets.ImageSegments()),
        "Shuttle": lambda _: _stream(islice(datasets.Shuttle(), MOST)),
        "Agrawal, 2 switches": lambda seed: _stream(_agrawal(seed)),
        "SEA, 2 switches": lambda seed: _stream(_sea(seed)),
        "RBF drift": lambda seed: _stream(_rbf_drift(seed)),
        "Hyperplane": lambda seed: _stream(_hyperplane(seed)),
        "Shuttle, 1 % positive": lambda seed: _stream(_thinned(list(datasets.Shuttle()), 1, seed)),
        "RBF, 1 % positive": lambda seed: _stream(_rare_rbf(seed)),
    }
    if data is not None:
        known["Transactions"] = partial(_transactions, data)
        known["Messages"] = partial(_messages, data)
    return known


def _agrawal(seed: int) -> Iterator[Row]:
    return _switched(
        lambda function, at: synth.Agrawal(classification_function=function, seed=at), (0, 3, 6), seed
    )


def _sea(seed: int) -> Iterator[Row]:
    return _switched(lambda variant, at: synth.SEA(variant=variant, noise=0.1, seed=at), (0, 1, 2), seed)


def _switched(
    make: Callable[[int, int], Iterable[Row]], variants: tuple[int, ...], seed: int
) -> Iterator[Row]:
    """One variant after the other, for equally long."""
    part = GENERATED // len(variants)
    return chain.from_iterable(
        islice(make(variant, 100 * seed + number), part) for number, variant in enumerate(variants)
    )


def _rbf_drift(seed: int) -> Iterator[Row]:
    generator = synth.RandomRBFDrift(
        seed_model=seed,
        seed_sample=seed,
        n_classes=2,
        n_features=10,
        n_centroids=30,
        n_drift_centroids=30,
        change_speed=0.0005,
    )
    return islice(generator, GENERATED)


def _hyperplane(seed: int) -> Iterator[Row]:
    generator = synth.Hyperplane(
        seed=seed, n_features=10, n_drift_features=4, mag_change=0.001, noise_percentage=0.05
    )
    return islice(generator, GENERATED)


def _rare_rbf(seed: int) -> Iterator[Row]:
    generator = synth.RandomRBF(seed_model=seed, seed_sample=seed, n_classes=5, n_features=10, n_centroids=30)
    rows = [(features, int(label == 0)) for features, label in islice(generator, 4 * GENERATED)]
    return _thinned(rows, 1, seed)


def _thinned(rows: list[Row], positive: int, seed: int) -> Iterator[Row]:
    """Negatives in their order, and positives drawn at random, at random places."""
    draw = random.Random(seed)
    count = int(GENERATED * RARE_SHARE)
    positives = draw.sample([row for row in rows if row[1] == positive], count)
    negatives = iter([row for row in rows if row[1] != positive])
    places = set(draw.sample(range(GENERATED), count))
    for place in range(GENERATED):
        yield positives.pop() if place in places else next(negatives)


def _transactions(data: Path, _seed: int) -> Stream:
    return load_stream(
        data / "transactions.jsonl.gz",
        "fraud",
        id="transaction_id",
        exclude=("customer", "terminal", "time"),
        limit=MOST,
    )


def _messages(data: Path, _seed: int) -> Stream:
    return load_stream(data / "messages.jsonl.gz", "label", text="text")


def _stream(rows: Iterable[Row]) -> Stream:
    events, answers = [], []
    for features, label in rows:
        named = {str(name): value for name, value in features.items()}
        events.append(dict(sorted(named.items())))
        answers.append(str(label))
    labels = tuple(sorted(set(answers)))
    truth = np.array([labels.index(answer) for answer in answers], dtype=np.int64)
    return Stream(labels=labels, events=events, truth=truth, ids=[str(row) for row in range(len(events))])
