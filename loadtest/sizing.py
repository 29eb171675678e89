"""How many processes, partitions and servers a stream takes, as measured; and what breaks first."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

BUSY = 0.7
"""Of a core: what is planned for is what leaves room for the unforeseen."""
FOLD_SHARE = 0.1
"""Of a selector's core that labels may take: each selector learns every label."""
REPORTS_A_SECOND = 4.0
"""Exchanges of a selector with the desk's store."""
LARGEST_STORE_GIB = 256.0
REVIEW_SECONDS = 25.0
RETAIN_DAYS = 7.0
"""Answered queries stay in the store so long, as ``capacity.retain_seconds`` comes."""
WORKDAY_SHARE = 1 / 3
"""Of a day in which reviewers work."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What one machine does. CPU in µs."""

    models: Mapping[str, float]
    """An event, decided by each preset, without the broker's clients."""
    clients: float
    """An event, for the broker's clients and all else around the decision."""
    fold: float
    """A label, in every selector."""
    offer: float
    claim: float
    report: float
    query_bytes: float
    label_bytes: float

    @classmethod
    def of(cls, growth: Mapping[str, Any]) -> Measured:
        """From the figures of the scenario ``growth``."""
        tables, desk = growth["tables"], growth["desk"]
        whole = next(iter(tables["partitions"]["costs"].values()))
        return cls(
            models=growth["models"],
            clients=max(whole - growth["models"]["logistic"], 0.0),
            fold=_last(tables["history"]["costs"]),
            offer=desk["offer_us"],
            claim=desk["claim_us"],
            report=desk["report_us"],
            query_bytes=desk["bytes_per_query"],
            label_bytes=_last(tables["history"]["bytes_per_label"]),
        )


@dataclass(frozen=True, slots=True)
class Demand:
    """A stream and who reviews it."""

    named: str
    events_per_second: float
    reviewers: int
    model: str

    @property
    def labels_per_second(self) -> float:
        """While all reviewers work."""
        return self.reviewers / REVIEW_SECONDS


@dataclass(frozen=True, slots=True)
class Sizing:
    """What a demand takes. ``shares`` are of what one label log and one store bear: above 1, it breaks."""

    processes: int
    """As many partitions as well."""
    store_mib: float
    fold_mib_a_year: float
    shares: Mapping[str, float]

    @property
    def tightest(self) -> str:
        """What breaks first if all grow alike."""
        return max(self.shares, key=lambda name: self.shares[name])

    @property
    def breaks(self) -> bool:
        return self.shares[self.tightest] > 1.0


def size(demand: Demand, measured: Measured) -> Sizing:
    """Processes of a core each, so many that labels and events leave each ``1 - BUSY`` idle."""
    labels = demand.labels_per_second
    folding = min(labels * measured.fold / 1e6, FOLD_SHARE * BUSY)
    an_event = (measured.models[demand.model] + measured.clients) / 1e6
    processes = max(math.ceil(demand.events_per_second * an_event / (BUSY - folding)), 1)
    answered = labels * RETAIN_DAYS * 86_400 * WORKDAY_SHARE
    store_bytes = answered * measured.query_bytes
    store = labels * (measured.offer + 2 * measured.claim) + processes * REPORTS_A_SECOND * measured.report
    return Sizing(
        processes=processes,
        store_mib=store_bytes / 2**20,
        fold_mib_a_year=labels * 365 * 86_400 * WORKDAY_SHARE * measured.label_bytes / 2**20,
        shares={
            "one label log, folded by every selector": labels * measured.fold / 1e6 / (FOLD_SHARE * BUSY),
            "one store's thread": store / 1e6 / BUSY,
            "one store's memory": store_bytes / 2**30 / LARGEST_STORE_GIB,
        },
    )


def limits(measured: Measured, model: str) -> Mapping[str, float]:
    """How far one group of selectors with one store goes: events a second, if nobody labels, and
    reviewers."""
    most_processes = BUSY * 1e6 / (REPORTS_A_SECOND * measured.report)
    a_label = measured.offer + 2 * measured.claim
    return {
        "events_per_second": most_processes * BUSY * 1e6 / (measured.models[model] + measured.clients),
        "selectors": most_processes,
        "reviewers_by_fold": FOLD_SHARE * BUSY * 1e6 / measured.fold * REVIEW_SECONDS,
        "reviewers_by_store": BUSY * 1e6 / a_label * REVIEW_SECONDS,
    }


DEMANDS: Sequence[Demand] = (
    Demand("a team", 100, 5, "portfolio"),
    Demand("a bank", 5_000, 50, "portfolio"),
    Demand("a marketplace", 50_000, 500, "logistic"),
    Demand("a payment network", 500_000, 2_000, "logistic"),
    Demand("a social network", 5_000_000, 10_000, "logistic"),
    Demand("the internet", 100_000_000, 100_000, "logistic"),
)


def sizing_page(growth: Mapping[str, Any]) -> str:
    """As Markdown."""
    measured = Measured.of(growth)
    lines = [
        "| | events/s | reviewers | model | processes, partitions | Redis memory, MiB | tightest | of it |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for demand in DEMANDS:
        found = size(demand, measured)
        lines.append(
            f"| {demand.named} | {demand.events_per_second:,.0f} | {demand.reviewers:,} | `{demand.model}` "
            f"| {found.processes:,} | {found.store_mib:,.0f} | {found.tightest} "
            f"| {found.shares[found.tightest]:.0%}{', breaks' if found.breaks else ''} |"
        )
    return "\n".join([_assumed(), "", *lines, "", _breaking(measured)])


def _assumed() -> str:
    return (
        f"Processes of one core, kept {BUSY:.0%} busy; a review takes {REVIEW_SECONDS:.0f} s, reviewers\n"
        f"work a third of the day, and an answered query stays in the store for {RETAIN_DAYS:.0f} days.\n"
        "Each process has a partition of its own; more partitions leave room to grow."
    )


def _breaking(measured: Measured) -> str:
    far = limits(measured, "logistic")
    return (
        "What breaks first:\n\n"
        f"- *Reviewers*: every selector folds every label. Labels take {FOLD_SHARE:.0%} of its core at\n"
        f"  {far['reviewers_by_fold']:,.0f} reviewers; one store's thread is {BUSY:.0%} busy with offers,\n"
        f"  claims and answers at {far['reviewers_by_store']:,.0f}.\n"
        f"- *Events*: each selector exchanges facts with the store {REPORTS_A_SECOND:.0f} times a second,\n"
        f"  so one store bears {far['selectors']:,.0f} selectors: {far['events_per_second']:,.0f} events\n"
        "  a second by `logistic`.\n"
        "- Beyond either, divide the stream by region, product or segment: each part with its own topics,\n"
        "  label log and store. Nothing is shared between the parts, so they add up."
    )


def _last(costs: Mapping[str, float]) -> float:
    return [*costs.values()][-1]
