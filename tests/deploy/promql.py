"""What a PromQL expression asks for, held against what the program exports."""

from __future__ import annotations

from collections.abc import Iterator

import promql_parser as promql
from prometheus_client import Counter, Gauge, Histogram

from streamsel.metrics import Metrics

SUFFIXES = {"counter": ["_total"], "gauge": [""], "histogram": ["_bucket", "_sum", "_count"]}
FROM_PROMETHEUS = {"job", "instance"}
"""Labels Prometheus itself puts on every series."""


def exported() -> dict[str, set[str]]:
    """Every series that can be on ``/metrics``, with its labels, and ``up``, which comes with a scrape."""
    return {"up": FROM_PROMETHEUS, **dict(_series())}


def unknown_names(expression: str) -> list[str]:
    """Series and labels in the expression that nothing exports.

    Raises ``ValueError`` when it is no PromQL.
    """
    known = exported()
    series: list[str] = []
    labels: set[str] = set()

    def visit(node: promql.Expr) -> None:
        match node:
            case promql.VectorSelector():
                series.append(str(node.name))
                labels.update(matcher.name for matcher in node.matchers.matchers)
            case promql.AggregateExpr() if node.modifier:
                labels.update(node.modifier.labels)
            case promql.BinaryExpr() if node.modifier and node.modifier.matching:
                labels.update(node.modifier.matching.labels)

    promql.walk(promql.parse(expression), visit)
    carried = set[str]().union(*(known.get(name, ()) for name in series))
    return [name for name in series if name not in known] + sorted(labels - carried)


def _series() -> Iterator[tuple[str, set[str]]]:
    for metric in vars(Metrics()).values():
        if isinstance(metric, Counter | Gauge | Histogram):
            (family,) = metric.describe()
            for suffix in SUFFIXES[family.type]:
                bucket = {"le"} if suffix == "_bucket" else set()
                yield f"{family.name}{suffix}", {*metric._labelnames, *bucket, *FROM_PROMETHEUS}
