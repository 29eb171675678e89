"""What a PromQL expression asks for, held against what the program exports."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import promql_parser as promql
import yaml
from prometheus_client import Counter, Gauge, Histogram

from streamsel.metrics import Metrics

SUFFIXES = {"counter": ["_total"], "gauge": [""], "histogram": ["_bucket", "_sum", "_count"]}
FROM_PROMETHEUS = {"job", "instance"}
"""Labels Prometheus itself puts on every series."""
_RULES = Path(__file__).parents[2] / "deploy/prometheus/rules/streamsel.yml"


def names_in(expression: str) -> set[str]:
    """The series that it asks for. Raises ``ValueError`` when it is no PromQL."""
    return set(_asked(expression)[0])


def unknown_names(expression: str) -> list[str]:
    """Series and labels in the expression that nothing exports or records.

    Raises ``ValueError`` when it is no PromQL.
    """
    series, labels = _asked(expression)
    known = _known()
    carried = set[str]().union(*(known.get(name, ()) for name in series))
    return [name for name in series if name not in known] + sorted(labels - carried)


def series_of_the_program() -> dict[str, set[str]]:
    """Every metric with the series it has on ``/metrics``."""
    return {metric: {name for name, _ in series} for metric, series in _exported()}


def _asked(expression: str) -> tuple[list[str], set[str]]:
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
    return series, labels


@cache
def _known() -> dict[str, set[str]]:
    """Labels by series: of the program, of the recording rules, and ``up``, which comes with a scrape."""
    groups = yaml.safe_load(_RULES.read_text())["groups"]
    recorded = {rule["record"]: set[str]() for group in groups for rule in group["rules"] if "record" in rule}
    return {"up": FROM_PROMETHEUS, **recorded} | {
        name: labels for _, series in _exported() for name, labels in series
    }


def _exported() -> Iterator[tuple[str, list[tuple[str, set[str]]]]]:
    for metric in vars(Metrics()).values():
        if isinstance(metric, Counter | Gauge | Histogram):
            (family,) = metric.describe()
            yield (
                family.name,
                [
                    (
                        f"{family.name}{suffix}",
                        {*metric._labelnames, *FROM_PROMETHEUS, *({"le"} if suffix == "_bucket" else ())},
                    )
                    for suffix in SUFFIXES[family.type]
                ],
            )
