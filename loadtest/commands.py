"""The commands of the scenarios that run the whole service on a real broker, and of what they add up to."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from loadtest import burst as burst_scenario
from loadtest import scaling as scaling_scenario
from loadtest import soak as soak_scenario
from loadtest import start as start_scenario
from loadtest.faults import whole as faults_scenario
from loadtest.latency import whole as latency_scenario

commands = typer.Typer()

Broker = Annotated[
    str | None, typer.Option(help="host:port of a Kafka broker to use; without it one is started.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def show(figures: dict[str, Any], as_json: bool) -> None:
    """Prints the figures; a run that is invalid ends with 1."""
    typer.echo(json.dumps(figures) if as_json else json.dumps(figures, indent=2))
    if not figures.get("valid", True):
        raise typer.Exit(1)


@commands.command("latency", epilog="Example: python -m loadtest latency --json")
def latency_command(
    rates: Annotated[str, typer.Option(help="Events a second, with commas between.")] = "200,5000,15000",
    rounds: Annotated[int, typer.Option(min=1, help="At each rate, selector and echo in turn.")] = 3,
    seconds: Annotated[float, typer.Option(min=0.1, help="Of each.")] = 10.0,
    maximum_events: Annotated[int, typer.Option(min=1_000, help="To find the most it decides.")] = 600_000,
    broker: Broker = None,
    as_json: AsJson = False,
) -> None:
    """From producing an event to its decision, beside a bare echo. Takes five minutes."""
    try:
        wanted = tuple(float(rate) for rate in rates.split(","))
    except ValueError:
        raise typer.BadParameter(f"{rates}: numbers, with commas between", param_hint="--rates") from None
    options = latency_scenario.Options(wanted, rounds, seconds, maximum_events=maximum_events, broker=broker)
    show(latency_scenario.latency(options), as_json)


@commands.command("burst", epilog="Example: python -m loadtest burst --json")
def burst_command(
    per_second: Annotated[float, typer.Option(min=1.0, help="Events when quiet; ten times in the burst.")] = (
        1_000.0
    ),
    quiet_seconds: Annotated[float, typer.Option(min=2.0, help="Before the burst, and after it.")] = 20.0,
    burst_seconds: Annotated[float, typer.Option(min=1.0, help="Of ten times the events.")] = 60.0,
    reviewers: Annotated[int, typer.Option(min=1, help="Simulated.")] = 5,
    broker: Broker = None,
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
    show(burst_scenario.burst(options), as_json)


@commands.command("soak", epilog="Example: python -m loadtest soak --events 2000000 --json")
def soak_command(
    events: Annotated[int, typer.Option(min=1_000, help="Through one selector.")] = 20_000_000,
    broker: Broker = None,
    as_json: AsJson = False,
) -> None:
    """Memory and rate over millions of events. Takes five minutes."""
    show(soak_scenario.soak(soak_scenario.Options(events, broker)), as_json)


@commands.command("scaling", epilog="Example: python -m loadtest scaling --json")
def scaling_command(
    events: Annotated[int, typer.Option(min=1_000, help="For each partition.")] = 300_000,
    rounds: Annotated[int, typer.Option(min=1, help="Of one worker and of two, in turn.")] = 3,
    broker: Broker = None,
    as_json: AsJson = False,
) -> None:
    """CPU an event of two workers on two partitions, beside one on one. Takes a minute or two."""
    show(scaling_scenario.scaling(scaling_scenario.Options(events, rounds, broker)), as_json)


@commands.command("start", epilog="Example: python -m loadtest start --json")
def start_command(
    labels: Annotated[int, typer.Option(min=1, help="In the log of the process that is killed.")] = 100_000,
    rounds: Annotated[int, typer.Option(min=1, help="Of both starts.")] = 3,
    broker: Broker = None,
    as_json: AsJson = False,
) -> None:
    """From starting a process to its first decision: on an empty log, and after kill -9."""
    show(start_scenario.start(start_scenario.Options(labels, rounds, broker)), as_json)


@commands.command("faults", epilog="Example: python -m loadtest faults --kills 100 --json")
def faults_command(
    kills: Annotated[int, typer.Option(min=0, help="kill -9 of selectors, desk, store and broker.")] = 1_000,
    crash_points: Annotated[int, typer.Option(min=0, help="Deaths between two effects, at least.")] = 10_000,
    seed: Annotated[int, typer.Option(help="Draws the kills and the histories.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Processes killed, servers gone: what is lost or done twice, and how long it takes to recover. Takes
    hours; ends with 1 unless all counts are as they must be."""
    figures = faults_scenario.faults(faults_scenario.Options(kills, crash_points, seed))
    show({**figures, "valid": faults_scenario.sound(figures)}, as_json)
