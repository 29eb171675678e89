"""Options that several commands share, and reading the configuration they name."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from pydantic import BaseModel, ValidationError

from streamsel import config

ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config", "-c", envvar="STREAMSEL_CONFIG", help="Defaults to streamsel.toml here, if there is one."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line of stdout.")]


def load_config(path: Path | None) -> config.Config:
    """The configuration; raises ``ConfigurationError``."""
    return config.load(path, os.environ)


def print_json(content: Any) -> None:
    """One line."""
    typer.echo(orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY).decode())


def check(section: type[BaseModel], key: str, value: Any, option: str | None = None) -> None:
    """What the configuration would refuse is bad usage here as well."""
    try:
        section(**{key: value})
    except ValidationError as mistakes:
        message = mistakes.errors()[0]["msg"].removeprefix("Value error, ")
        raise typer.BadParameter(f"'{value}': {message}", param_hint=option or f"--{key}") from None
