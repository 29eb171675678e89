"""``streamsel labels erase``: forgetting, on request or by age."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streamsel.cli.options import AsJson, ConfigFile, load_config, print_json
from streamsel.cli.progress import progress_bars

if TYPE_CHECKING:
    from streamsel.config import Config
    from streamsel.services.erasing import Erased, Found
    from streamsel.services.subjects import Criterion

EXAMPLE = "Example: streamsel labels erase --subject customer.id=4711 --dry-run"

_DAY_SECONDS = 86_400.0


def erase(
    subject: Annotated[
        str | None, typer.Option(metavar="FIELD=VALUE", help="All that has this value in this field.")
    ] = None,
    expired: Annotated[
        bool, typer.Option("--expired", help="All that is older than labels.retain_days.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count what there is to erase.")] = False,
    path: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Erase labels, opinions, queries, decisions and dead letters from wherever they are; the model is then
    one that never saw them, by its digest too.

    The label log moves, less what is erased, into a new epoch, whose offsets and model versions begin at 0
    again; the old one is deleted, and every snapshot of it. Selectors, desks and other commands must be
    stopped: while they run nothing is done (but for --dry-run), and while this runs they do not start. Killed
    half-way, one of the two epochs is whole: run it again, and it finishes. In the end it looks for what it
    erased, and exits with 1 if there is any.

    Beyond its reach are exports (it says which), backups, and on Kafka the topics of events and outcomes. On
    Kafka decisions and dead letters can only be deleted from the beginning of a partition on: all up to the
    last that is to go."""
    settings = load_config(path)
    criterion = _criterion(settings, subject, expired)
    found, erased = asyncio.run(_erase(settings, criterion, dry_run))
    if as_json:
        print_json(_as_json(found, erased))
        return
    typer.echo(f"{'Erased' if erased else 'There'} {'were' if erased else 'are'}: {_counted(found)}.")
    if erased and erased.exports_from is not None:
        typer.echo(
            f"The label log is in epoch {erased.epoch} now, and {erased.snapshots} snapshots are deleted. "
            f"Exports of the epoch before at offsets above {erased.exports_from} hold what was erased: "
            "delete them."
        )


def _criterion(settings: Config, subject: str | None, expired: bool) -> Criterion:
    from streamsel import wiring  # brings every server's client: --help should not wait
    from streamsel.services.subjects import Expired, Subject

    if (subject is not None) == expired:
        raise typer.BadParameter("exactly one of the two is needed", param_hint="--subject, --expired")
    if subject is None:
        if settings.labels.retain_days is None:
            raise typer.BadParameter("labels.retain_days is not set", param_hint="--expired")
        return Expired(time.time() - settings.labels.retain_days * _DAY_SECONDS)
    name, equals, value = subject.partition("=")
    if not (name and equals and value):
        raise typer.BadParameter(f"'{subject}' is not FIELD=VALUE", param_hint="--subject")
    return Subject(name, value, wiring.layout(settings))


async def _erase(settings: Config, criterion: Criterion, dry_run: bool) -> tuple[Found, Erased | None]:
    from streamsel.wiring.erasing import opened_erasure

    with progress_bars("records") as watch:
        async with opened_erasure(settings, criterion, watch, dry_run=dry_run) as erasure:
            found = await erasure.find()
            return found, None if dry_run else await erasure.carry_out(found)


def _counted(found: Found) -> str:
    counts = {"the label log": len(found.label_records), "the desk's queue": len(found.queries)}
    counts |= {name: len(offsets) for name, offsets in found.others.items()}
    return ", ".join(f"{count} in {name}" for name, count in counts.items())


def _as_json(found: Found, erased: Erased | None) -> dict[str, Any]:
    content: dict[str, Any] = {
        "dry_run": erased is None,
        "found": {
            "labels": len(found.label_records),
            "queries": len(found.queries),
            **{name: len(offsets) for name, offsets in found.others.items()},
        },
    }
    if erased is not None:
        content |= {
            "epoch": erased.epoch,
            "exports_from": erased.exports_from,
            "deleted": erased.others,
            "snapshots": erased.snapshots,
        }
    return content
