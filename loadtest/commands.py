"""The commands of the scenarios that run the whole service on a real broker, and of what they add up to."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from loadtest import burst as burst_scenario
from loadtest import poison as poison_scenario
from loadtest import rebuild as rebuild_scenario
from loadtest import scaling as scaling_scenario
from loadtest import soak as soak_scenario
from loadtest import start as start_scenario
from loadtest.costs import whole as costs_scenario
from loadtest.faults import whole as faults_scenario
from loadtest.faults.every import FAULTS
from loadtest.growth import whole as growth_scenario
from loadtest.latency import whole as latency_scenario
from loadtest.page import measured_on, write_section
from loadtest.sizing import sizing_page
from loadtest.tables import section

commands = typer.Typer()

Broker = Annotated[
    str | None, typer.Option(help="host:port of a Kafka broker to use; without it one is started.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


Output = Annotated[
    Path | None, typer.Option(help="Renew this scenario's section of this page.", dir_okay=False)
]


def show(figures: dict[str, Any], as_json: bool, output: Path | None) -> None:
    """Prints the figures, also to the page; a run that is invalid ends with 1."""
    if output is not None:
        write_section(output, "Performance", figures["scenario"], _command(), section(figures))
    typer.echo(json.dumps(figures) if as_json else json.dumps(figures, indent=2))
    if not figures.get("valid", True):
        raise typer.Exit(1)


def _command() -> str:
    """As it was given, so that a figure tells at what size it was measured."""
    return f"python -m loadtest {shlex.join(sys.argv[1:])}"


@commands.command("latency", epilog="Example: python -m loadtest latency --json")
def latency_command(
    rates: Annotated[str, typer.Option(help="Events a second, with commas between.")] = "200,5000,15000",
    rounds: Annotated[int, typer.Option(min=1, help="At each rate, selector and echo in turn.")] = 3,
    seconds: Annotated[float, typer.Option(min=0.1, help="Of each.")] = 10.0,
    maximum_events: Annotated[int, typer.Option(min=1_000, help="To find the most it decides.")] = 600_000,
    broker: Broker = None,
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """From producing an event to its decision, beside a bare echo. Takes five minutes."""
    try:
        wanted = tuple(float(rate) for rate in rates.split(","))
    except ValueError:
        raise typer.BadParameter(f"{rates}: numbers, with commas between", param_hint="--rates") from None
    options = latency_scenario.Options(wanted, rounds, seconds, maximum_events=maximum_events, broker=broker)
    show(latency_scenario.latency(options), as_json, output)


@commands.command("burst", epilog="Example: python -m loadtest burst --json")
def burst_command(
    per_second: Annotated[float, typer.Option(min=1.0, help="Events when quiet; ten times in the burst.")] = (
        1_000.0
    ),
    quiet_seconds: Annotated[float, typer.Option(min=2.0, help="Before the burst, and after it.")] = 20.0,
    burst_seconds: Annotated[float, typer.Option(min=1.0, help="Of ten times the events.")] = 60.0,
    reviewers: Annotated[int, typer.Option(min=1, help="Simulated.")] = 5,
    broker: Broker = None,
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """Ten times the events for a minute, with reviewers at work. Takes two minutes."""
    options = burst_scenario.Options(
        per_second,
        quiet_seconds=quiet_seconds,
        burst_seconds=burst_seconds,
        reviewers=reviewers,
        broker=broker,
    )
    show(burst_scenario.burst(options), as_json, output)


@commands.command("soak", epilog="Example: python -m loadtest soak --events 2000000 --json")
def soak_command(
    events: Annotated[int, typer.Option(min=1_000, help="Through one selector.")] = 20_000_000,
    broker: Broker = None,
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """Memory and rate over millions of events. Takes five minutes."""
    show(soak_scenario.soak(soak_scenario.Options(events, broker)), as_json, output)


@commands.command("scaling", epilog="Example: python -m loadtest scaling --json")
def scaling_command(
    events: Annotated[int, typer.Option(min=1_000, help="For each partition.")] = 300_000,
    rounds: Annotated[int, typer.Option(min=1, help="Of one worker and of two, in turn.")] = 3,
    broker: Broker = None,
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """CPU an event of two workers on two partitions, beside one on one. Takes a minute or two."""
    show(scaling_scenario.scaling(scaling_scenario.Options(events, rounds, broker)), as_json, output)


@commands.command("start", epilog="Example: python -m loadtest start --json")
def start_command(
    labels: Annotated[int, typer.Option(min=1, help="In the log of the process that is killed.")] = 100_000,
    rounds: Annotated[int, typer.Option(min=1, help="Of both starts.")] = 3,
    broker: Broker = None,
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """From starting a process to its first decision: on an empty log, and after kill -9."""
    show(start_scenario.start(start_scenario.Options(labels, rounds, broker)), as_json, output)


@commands.command("rebuild", epilog="Example: python -m loadtest rebuild --json")
def rebuild_command(
    queries: Annotated[int, typer.Option(min=1, help="In the decisions; every second is answered.")] = (
        100_000
    ),
    broker: Broker = None,
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """A lost queue made anew from decisions and labels, on Redis streams and on Kafka. Takes a minute."""
    show(rebuild_scenario.rebuild(rebuild_scenario.Options(queries, broker)), as_json, output)


@commands.command("costs", epilog="Example: python -m loadtest costs --json")
def costs_command(
    events: Annotated[int, typer.Option(min=1_000, help="In each run.")] = 300_000,
    rounds: Annotated[int, typer.Option(min=1, help="Of each share asked about, in turn.")] = 3,
    broker: Broker = None,
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """What metrics and logs, questions and slower models cost. Takes some minutes."""
    show(costs_scenario.costs(costs_scenario.Options(events, rounds, broker)), as_json, output)


@commands.command("growth", epilog="Example: python -m loadtest growth --output docs/performance.md")
def growth_command(
    events: Annotated[int, typer.Option(min=100, help="Decided at each size.")] = 10_000,
    backlog: Annotated[int, typer.Option(min=10_000, help="The longest queue.")] = 1_000_000,
    labels: Annotated[int, typer.Option(min=10_000, help="The longest history that is folded.")] = 1_000_000,
    restored: Annotated[int, typer.Option(min=10_000, help="The longest behind a snapshot.")] = 10_000_000,
    partition_events: Annotated[
        int, typer.Option(min=1_000, help="Over each number of partitions.")
    ] = 200_000,
    partitions: Annotated[int, typer.Option(min=4, max=64, help="The most.")] = 64,
    sizing: Annotated[
        Path | None, typer.Option(help="Renew the sizing page, from these figures.", dir_okay=False)
    ] = None,
    broker: Broker = None,
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """Cost against size, in every direction a stream can grow. Takes a quarter of an hour."""
    options = growth_scenario.Options(events, backlog, labels, restored, partition_events, partitions, broker)
    figures = growth_scenario.growth(options)
    if sizing is not None:
        text = f"{sizing_page(figures)}\n\n{measured_on(figures['machine'])}"
        write_section(sizing, "Sizing", "sizing", _command(), text)
    show(figures, as_json, output)


@commands.command("faults", epilog="Example: python -m loadtest faults --kills 100 --json")
def faults_command(
    kills: Annotated[int, typer.Option(min=0, help="kill -9 of selectors, desk, store and broker.")] = 1_000,
    crash_points: Annotated[int, typer.Option(min=0, help="Deaths between two effects, at least.")] = 10_000,
    recoveries: Annotated[int, typer.Option(min=0, help="Measured, of a selector and of the desk.")] = 20,
    only: Annotated[
        str, typer.Option(help="Faults beside kills, with commas between; empty for none.")
    ] = ",".join(FAULTS),
    fault_seconds: Annotated[float, typer.Option(min=0.0, help="Of each fault.")] = 60.0,
    upgrade_from: Annotated[
        str | None,
        typer.Option(help="Revision of the old code in the rolling upgrade; else another configuration."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Draws the kills and the histories.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Processes killed, servers gone: what is lost or done twice, and how long it takes to recover. Takes
    hours; ends with 1 unless all counts are as they must be."""
    names = tuple(only.split(",")) if only else ()
    if unknown := [name for name in names if name not in FAULTS]:
        raise typer.BadParameter(
            f"{', '.join(unknown)}: choose from {', '.join(FAULTS)}", param_hint="--only"
        )
    options = faults_scenario.Options(
        kills, crash_points, recoveries, names, fault_seconds, upgrade_from, seed
    )
    figures = faults_scenario.faults(options)
    show({**figures, "valid": faults_scenario.sound(figures)}, as_json, None)


@commands.command("poison", epilog="Example: python -m loadtest poison --json")
def poison_command(
    events: Annotated[int, typer.Option(min=1, help="Fuzzed.")] = 1_000_000,
    seed: Annotated[int, typer.Option(help="Of the fuzzing.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Fuzzed events through decoding and deciding: each decided, or set aside with its reason."""
    show(poison_scenario.poison(poison_scenario.Options(events, seed)), as_json, None)
