"""The figures of each scenario as a table for the page of figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from loadtest.growth.page import growth_page
from loadtest.page import measured_on, rows

Figures = Mapping[str, Any]


def section(figures: Figures) -> str:
    """The scenario's heading, table and machine; says so when the run was invalid."""
    heading, table = TABLES[figures["scenario"]]
    parts = [f"## {heading}", table(figures), measured_on(figures["machine"])]
    if not figures.get("valid", True):
        parts.append(f"This run was invalid: {_why(figures['why'])}.")
    return "\n\n".join(parts)


def _why(why: Mapping[str, str] | str) -> str:
    return why if isinstance(why, str) else "; ".join(f"{run}: {reason}" for run, reason in why.items())


def _latency(figures: Figures) -> str:
    lines = [
        "| events/s | p50 ms | p99 ms | echo p50 | echo p99 | p99 to echo's | generator late, p99 ms |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for rate, both in figures["rates"].items():
        ours, echo = both["streamsel"], both.get("echo", {})
        ratio = figures["vs_echo_p99"].get(rate, "")
        late = max(ours["generator_late_p99_ms"], echo.get("generator_late_p99_ms", 0.0))
        cells = [ours["p50_ms"], ours["p99_ms"], echo.get("p50_ms", ""), echo.get("p99_ms", ""), ratio, late]
        lines.append(f"| {int(rate):,} | " + " | ".join(map(str, cells)) + " |")
    most = f"{figures['maximum_events_per_second']:,}"
    share = f"{figures['share_of_maximum']:.0%}"
    lines += ["", f"The last rate is {share} of the most it decided beside generator and reader, {most}/s."]
    return "\n".join(lines)


def _burst(figures: Figures) -> str:
    return rows(
        "ten times the events, with simulated reviewers",
        {
            "events; lost; decided twice": f"{figures['events']:,}; {figures['lost']}; {figures['doubled']}",
            "largest backlog; its cap": f"{figures['backlog_max']}; {figures['backlog_cap']:g}",
            "labels given": figures["labels"],
            "p99 when quiet; in the burst, ms": f"{figures['quiet_p99_ms']}; {figures['burst_p99_ms']}",
            "seconds until latency is back": figures["seconds_until_latency_is_back"],
        },
    )


def _soak(figures: Figures) -> str:
    return rows(
        "one selector",
        {
            "events; lost": f"{figures['events']:,}; {figures['lost']}",
            "memory once settled; at the end, MiB": f"{figures['mib_settled']}; {figures['mib_end']}",
            "memory grown by": figures["memory_growth"],
            "events a second": figures["events_per_second"],
            "slower in the last tenth than in the first by": figures["slowdown"],
            "CPU µs an event, first tenth; last": f"{figures['cpu_us_per_event_first_tenth']}; "
            f"{figures['cpu_us_per_event_last_tenth']}",
        },
    )


def _scaling(figures: Figures) -> str:
    cpu, rate = figures["cpu_us_per_event"], figures["events_per_second"]
    return rows(
        "one worker on one partition; two on two",
        {
            "CPU µs an event": f"{cpu['1']}; {cpu['2']}",
            "ratio": figures["cpu_ratio"],
            "events a second": f"{rate['1']:,}; {rate['2']:,}",
        },
    )


def _start(figures: Figures) -> str:
    return rows(
        "from starting the process to its first decision",
        {
            "on an empty log, s": figures["cold_seconds"],
            f"after kill -9, with {figures['labels']:,} labels, s": figures["after_kill_seconds"],
        },
    )


def _rebuild(figures: Figures) -> str:
    redis, kafka = figures["redis"], figures["kafka"]
    return rows(
        f"{figures['queries']:,} queries, half of them answered; logs on Redis streams; on Kafka",
        {
            "queries a second": f"{redis['queries_per_second']:,}; {kafka['queries_per_second']:,}",
            "CPU µs a query, of the command": f"{redis['command_us_per_query']}; "
            f"{kafka['command_us_per_query']}",
            "CPU µs a query, of the store": f"{redis['store_us_per_query']}; {kafka['store_us_per_query']}",
        },
    )


def _costs(figures: Figures) -> str:
    asked = figures["asked_vs_nothing"]
    return rows(
        "of the whole selector",
        {
            "metrics and logs, share of its busy time": figures["telling_share"],
            "throughput with 1 % asked, to nothing asked": asked["0.01"],
            "with 10 % asked": asked["0.1"],
            "`tree`, bytes to decisions, to a bare loop over River's predict": figures["tree_vs_bare"],
            f"`portfolio` with {figures['portfolio_labels_per_second']:g} labels a second, events/s": figures[
                "portfolio_events_per_second"
            ],
        },
    )


TABLES: Mapping[str, tuple[str, Callable[[Figures], str]]] = {
    "latency": ("Latency", _latency),
    "burst": ("Burst", _burst),
    "soak": ("Soak", _soak),
    "scaling": ("Scaling", _scaling),
    "start": ("Start", _start),
    "rebuild": ("A lost queue made anew", _rebuild),
    "costs": ("Costs", _costs),
    "growth": ("Growth", growth_page),
}
