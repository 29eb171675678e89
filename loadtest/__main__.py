"""``python -m loadtest SCENARIO``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from loadtest.commands import commands
from loadtest.console import console
from loadtest.contestant_scoring import Size
from loadtest.desk import Options as DeskOptions
from loadtest.desk import desk
from loadtest.lifecycle.whole import Options as LifecycleOptions
from loadtest.lifecycle.whole import lifecycle
from loadtest.page import write_section
from loadtest.peers.known import PEERS
from loadtest.quality.whole import quality
from loadtest.readme import figures_section
from loadtest.report import html, read
from loadtest.scoring import HOURS, scoring
from loadtest.throughput import Options, throughput
from loadtest.whole import SCENARIOS, failed, whole

app = typer.Typer(
    help="Load tests on this machine; each prints its figures.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(commands)


@app.command("throughput", epilog="Example: python -m loadtest throughput --json")
def throughput_command(
    events: Annotated[int, typer.Option(min=10_000, help="Transactions to fill the topic with.")] = 400_000,
    rounds: Annotated[int, typer.Option(min=1, help="Runs of each contestant, in turn.")] = 3,
    peers: Annotated[
        str, typer.Option(help=f"Who runs beside us, with commas between: {', '.join(PEERS)}.")
    ] = ",".join(PEERS),
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """One selector on one partition, beside other ways to do the same work. Takes ten minutes."""
    names = tuple(peers.split(","))
    if unknown := [name for name in names if name not in PEERS]:
        raise typer.BadParameter(
            f"{', '.join(unknown)}: choose from {', '.join(PEERS)}", param_hint="--peers"
        )
    figures = throughput(Options(events, rounds, names))
    typer.echo(json.dumps(figures) if as_json else json.dumps(figures, indent=2))


@app.command("scoring", epilog="Example: python -m loadtest scoring --json")
def scoring_command(
    events: Annotated[int, typer.Option(min=500, help="Scored in each round.")] = 20_000,
    labels: Annotated[int, typer.Option(min=100, help="Learned by slow models.")] = 4_000,
    rounds: Annotated[int, typer.Option(min=1, help="Of each measurement.")] = 7,
    hours: Annotated[int, typer.Option(min=1, help="Simulated, of reviewers.")] = HOURS,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Scoring and selection on one core, and hours of simulated reviewers. Takes a few minutes."""
    figures = scoring(Size(events, labels, rounds), hours)
    typer.echo(json.dumps(figures) if as_json else json.dumps(figures, indent=2))


@app.command("console", epilog="Example: python -m loadtest console --json")
def console_command(
    events: Annotated[int, typer.Option(min=10, help="Events to answer.")] = 200,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """From the key that answers an event to the next one painted, in Chromium. Takes a minute or two."""
    figures = console(events)
    typer.echo(json.dumps(figures) if as_json else json.dumps(figures, indent=2))


@app.command("desk", epilog="Example: python -m loadtest desk --json")
def desk_command(
    waiting: Annotated[int, typer.Option(min=1_000, help="Queries to fill the queue with.")] = 1_000_000,
    clients: Annotated[int, typer.Option(min=1, max=100, help="Connections, each with a reviewer.")] = 64,
    seconds: Annotated[float, typer.Option(min=0.1, help="Of each of the three measurements.")] = 20.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Claims from a million waiting queries, through the script alone and over HTTP. Takes three minutes."""
    figures = desk(DeskOptions(waiting, clients, seconds))
    typer.echo(json.dumps(figures) if as_json else json.dumps(figures, indent=2))


@app.command("lifecycle", epilog="Example: python -m loadtest lifecycle --json")
def lifecycle_command(
    labels: Annotated[int, typer.Option(min=1_000, help="To fold; slow presets get a share.")] = 20_000,
    restarts: Annotated[int, typer.Option(min=1, help="Of three replicas, for every preset.")] = 5,
    restore_labels: Annotated[int, typer.Option(min=10_000, help="Behind the snapshot.")] = 10_000_000,
    streams: Annotated[int, typer.Option(min=1, help="Simulated for the intervals' coverage.")] = 200,
    simulations: Annotated[int, typer.Option(min=1, help="Of challengers that are no better.")] = 1_000,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Rebuilding, restoring and restarting models; coverage of intervals; false promotions."""
    figures = lifecycle(LifecycleOptions(labels, restarts, restore_labels, streams, simulations))
    typer.echo(json.dumps(figures) if as_json else json.dumps(figures, indent=2))


@app.command("quality", epilog="Example: python -m loadtest quality --data ../data --output docs/quality.md")
def quality_command(
    seeds: Annotated[int, typer.Option(min=1, help="Seeds 1 to this one.")] = 5,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Folder with transactions.jsonl.gz and messages.jsonl.gz.", file_okay=False, exists=True
        ),
    ] = None,
    streams: Annotated[str, typer.Option(help="Only those whose names contain one of these words.")] = "",
    output: Annotated[Path | None, typer.Option(help="Write the tables here.", dir_okay=False)] = None,
    kept: Annotated[
        Path, typer.Option(help="Runs done are kept here; a run goes on from it.", dir_okay=False)
    ] = Path("quality.jsonl"),
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; one a core.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Selected labels beside random and all labels, on a dozen streams. Takes about an hour on two cores."""
    written, figures = quality(data, list(range(1, seeds + 1)), streams.split(), kept, workers)
    if output is not None:
        output.write_text(written, encoding="utf-8")
    typer.echo(json.dumps(figures) if as_json else written)


@app.command("all", epilog="Example: python -m loadtest all --output figures --readme README.md --json")
def all_command(
    output: Annotated[
        Path | None, typer.Option(help="Folder for a file of JSON for each scenario.", file_okay=False)
    ] = None,
    readme: Annotated[
        Path | None, typer.Option(help="Renew the figures of this page.", exists=True, dir_okay=False)
    ] = None,
    only: Annotated[str, typer.Option(help="Scenarios, with commas between.")] = ",".join(SCENARIOS),
    small: Annotated[
        bool, typer.Option("--small", help="Each in its small form, which judges nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Every scenario, one after the other; ends with 1 if one failed. Takes hours."""
    names = only.split(",")
    if unknown := [name for name in names if name not in SCENARIOS]:
        raise typer.BadParameter(
            f"{', '.join(unknown)}: choose from {', '.join(SCENARIOS)}", param_hint="--only"
        )
    if output is not None:
        output.mkdir(parents=True, exist_ok=True)
    measured = whole(names, output, lambda name: typer.echo(name, err=True), small=small)
    if readme is not None:
        write_section(
            readme,
            "streamsel",
            "figures",
            f"python -m loadtest all --readme {readme}",
            figures_section(measured),
        )
    typer.echo(json.dumps(measured) if as_json else json.dumps(measured, indent=2))
    if any(failed(figures) for figures in measured.values()):
        raise typer.Exit(1)


@app.command("report", epilog="Example: python -m loadtest report --input figures --output report.html")
def report_command(
    given: Annotated[
        Path, typer.Option("--input", help="Where `all` wrote its figures.", file_okay=False, exists=True)
    ],
    output: Annotated[Path, typer.Option(help="The page to write.", dir_okay=False)],
) -> None:
    """One page with plots of all that was measured."""
    measured = read(given)
    if not measured:
        raise typer.BadParameter(
            f"{given} holds no figures: run `python -m loadtest all --output {given}`", param_hint="--input"
        )
    output.write_text(html(measured), encoding="utf-8")


if __name__ == "__main__":
    app()
