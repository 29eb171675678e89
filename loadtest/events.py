"""Transactions of 15 numeric features, about 550 bytes each: what the throughput figures are about."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import orjson

FEATURES = (
    "amount",
    "amount_to_customer_mean",
    "customer_count_1_day",
    "customer_count_7_days",
    "customer_count_30_days",
    "customer_mean_amount_1_day",
    "customer_mean_amount_7_days",
    "customer_mean_amount_30_days",
    "during_night",
    "during_weekend",
    "hours_since_last",
    "terminal_count_7_days",
    "terminal_count_30_days",
    "terminal_risk_7_days",
    "terminal_risk_30_days",
)


DISTINCT = 50_000
"""Sets of values that ``payloads`` repeats."""


def transaction(random: Random, number: int) -> tuple[dict[str, object], str]:
    """One event and its true label: fraud grows with the amount and the terminal's risk."""
    mean = random.lognormvariate(3.5, 0.5)
    amount = mean * random.lognormvariate(0.0, 0.6)
    risk = random.random() ** 4
    values = {
        "amount": round(amount, 2),
        "amount_to_customer_mean": round(amount / mean, 4),
        "customer_count_1_day": random.randrange(8),
        "customer_count_7_days": random.randrange(40),
        "customer_count_30_days": random.randrange(150),
        "customer_mean_amount_1_day": round(mean * random.lognormvariate(0, 0.2), 4),
        "customer_mean_amount_7_days": round(mean * random.lognormvariate(0, 0.1), 4),
        "customer_mean_amount_30_days": round(mean, 4),
        "during_night": int(random.random() < 0.2),
        "during_weekend": int(random.random() < 0.3),
        "hours_since_last": round(random.expovariate(0.1), 4),
        "terminal_count_7_days": random.randrange(30),
        "terminal_count_30_days": random.randrange(120),
        "terminal_risk_7_days": round(risk, 5),
        "terminal_risk_30_days": round(risk * random.random(), 5),
    }
    score = 2.0 * (amount / mean - 2.0) + 6.0 * (risk - 0.6)
    label = "fraud" if random.gauss(score, 0.5) > 0 else "legit"
    return {"id": f"transaction-{number:012d}", **values}, label


def payloads(count: int, seed: int = 1, first: int = 0) -> Iterator[bytes]:
    """``count`` encoded transactions numbered from ``first``, cycling through ``DISTINCT`` sets of
    values that are drawn before this returns."""
    random = Random(seed)
    bodies = [
        orjson.dumps(transaction(random, 0)[0])[len('{"id":"transaction-000000000000",') :]
        for _ in range(min(DISTINCT, first + count))
    ]
    return (
        b'{"id":"transaction-%012d",%b' % (number, bodies[number % DISTINCT])
        for number in range(first, first + count)
    )


def labelled(count: int, seed: int = 2) -> list[tuple[dict[str, object], str]]:
    """``count`` transactions with their labels, to train on before the clock starts."""
    random = Random(seed)
    return [transaction(random, 10**9 + number) for number in range(count)]
