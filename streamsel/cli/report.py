"""``streamsel report``: a dataset sheet and a model card, from the logs."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from streamsel.cli.options import AsJson, ConfigFile, load_config, print_json
from streamsel.cli.progress import progress_bars

if TYPE_CHECKING:
    from streamsel.config import Config

EXAMPLE = "Example: streamsel report --output report --at 12000"

SHEET, CARD, WHOLE = "dataset-sheet.md", "model-card.md", "report.json"


def report(
    output: Annotated[
        Path | None,
        typer.Option(help=f"Folder for {SHEET}, {CARD} and {WHOLE}.", file_okay=False),
    ] = None,
    at: Annotated[
        int | None, typer.Option(min=0, help="Offset of the label log; its end, if left out.")
    ] = None,
    path: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Write a sheet of the dataset and a card of the model: what the labels are, how they were selected, who
    gave them and how sure they are, how good the model is over the stream, by subgroup and class, beside the
    random lane; what is missing; and where the EU AI Act and the NIST AI RMF look for each. From the label
    log and the recorded configurations alone: the same offset gives the same bytes."""
    from streamsel.services.report.documents import dataset_sheet, model_card

    content = asyncio.run(_report(load_config(path), at))
    documents = {SHEET: dataset_sheet(content), CARD: model_card(content)}
    if output is not None:
        output.mkdir(parents=True, exist_ok=True)
        for name, document in documents.items():
            (output / name).write_text(document, encoding="utf-8")
        (output / WHOLE).write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2))
    if as_json:
        print_json(content)
    elif output is None:
        typer.echo("\n".join(documents.values()))
    else:
        typer.echo(f"{', '.join([*documents, WHOLE])} of offset {content['at']} are in {output}.")


async def _report(settings: Config, at: int | None) -> dict[str, Any]:
    from streamsel import wiring  # brings every server's client: --help should not wait
    from streamsel.services.report.reading import report as made

    async with wiring.opened_logs(settings) as logs:
        with progress_bars("records") as watch:
            return await made(logs.labels, logs.configurations, at, wiring.model_spec(settings), watch)
