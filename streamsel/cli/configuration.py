"""``streamsel config``: check a configuration, print its schema, make an API key."""

from __future__ import annotations

from typing import Annotated

import orjson
import typer
from pydantic import ValidationError

from streamsel import config
from streamsel.api.keys import new_key
from streamsel.cli.options import AsJson, ConfigFile, load_config, print_json
from streamsel.review.roles import Role

app = typer.Typer(
    help="Check the configuration, print its schema, make an API key.",
    epilog="Example: streamsel config check",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command(epilog="Example: streamsel config check --config streamsel.toml")
def check(path: ConfigFile = None, as_json: AsJson = False) -> None:
    """Check file and environment; every mistake is named with what would be right."""
    checked = load_config(path)
    if as_json:
        print_json({"ok": True, "config": checked.model_dump(mode="json", exclude={"auth"})})
    else:
        typer.echo(
            f"The configuration is right: labels {', '.join(checked.labels.names)}, "
            f"model {checked.model.factory or checked.model.preset}, "
            f"{len(checked.auth.keys)} API keys."
        )


@app.command(epilog="Example: streamsel config schema > streamsel.schema.json")
def schema() -> None:
    """Print the JSON Schema of streamsel.toml, for editors that check while you type."""
    typer.echo(orjson.dumps(config.schema(), option=orjson.OPT_INDENT_2).decode())


@app.command(epilog="Example: streamsel config key --name alice --scope reviewer")
def key(
    name: Annotated[str, typer.Option(help="Whose key: the reviewer's or program's name.")],
    scope: Annotated[Role, typer.Option(help="What it may do.")] = "reviewer",
    as_json: AsJson = False,
) -> None:
    """Make an API key. The secret is shown once; the configuration keeps only its hash."""
    secret, sha256 = new_key()
    try:
        entry = config.ApiKey(name=name, scope=scope, sha256=sha256)
    except ValidationError:
        raise typer.BadParameter(
            f"'{name}' must be 1 to 64 letters, digits, spaces or any of . @ _ -", param_hint="--name"
        ) from None
    if as_json:
        print_json({"secret": secret, **entry.model_dump()})
        return
    typer.echo(
        f"Give this to {entry.name}, it is not shown again:\n\n    {secret}\n\n"
        "and put this into streamsel.toml:\n"
    )
    typer.echo(f'[[auth.keys]]\nname = "{entry.name}"\nscope = "{entry.scope}"\nsha256 = "{entry.sha256}"')
