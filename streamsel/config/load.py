"""Reading the configuration: file, then environment; every mistake is named with what would be right."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from streamsel.config.base import nearest
from streamsel.config.sections import Config

PREFIX = "STREAMSEL_"
RESERVED = frozenset({"STREAMSEL_CONFIG"})
"""Variables that are no keys: the path of the file. Those under STREAMSEL_TEST_ are the tests'."""
SECRET_VARIABLES = frozenset(
    {
        "STREAMSEL_AUTH__KEYS",
        "STREAMSEL_AUTH__OIDC",
        "STREAMSEL_DESK__WEBHOOKS",
        "STREAMSEL_ORACLES__MODELS",
    }
)
"""Lists and tables whose content no error may show."""
_FILE = "_FILE"
"""After the variable of a secret: that of the file which holds it, as container platforms mount them."""


class ConfigurationError(Exception):
    """One line a mistake: the key, its value, and what it must be."""


def load(path: Path | None, environment: Mapping[str, str]) -> Config:
    """The configuration from a file (``None``: ``streamsel.toml`` here, if there is one) and the environment,
    where an empty variable counts as none, and ``…_FILE`` names a file that holds a secret.

    Raises ``ConfigurationError``.
    """
    content = _read(path)
    variables = _with_files(
        {name: value for name, value in environment.items() if name.startswith(PREFIX) and value}
    )
    mistakes = [*_unknown(content, Config, ""), *_mistaken_variables(variables)]
    if mistakes:
        raise ConfigurationError("\n".join(mistakes))
    settings = _settings(content, variables)
    try:
        merged = settings().model_dump()
        return Config.model_validate(merged)
    except SettingsError as error:
        raise ConfigurationError(f"environment: {error}") from None
    except ValidationError as error:
        raise ConfigurationError("\n".join(_explained(error))) from None


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of ``streamsel.toml``."""
    return Config.model_json_schema()


def _settings(content: dict[str, Any], variables: Mapping[str, str]) -> type[BaseSettings]:
    class Settings(BaseSettings, Config):
        model_config = SettingsConfigDict(
            env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True
        )

        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,  # noqa: ARG003
            env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
            dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
            file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            from_environment = EnvSettingsSource(settings_cls)
            from_environment.env_vars = {name.lower(): value for name, value in variables.items()}
            return from_environment, InitSettingsSource(settings_cls, content)

    return Settings


def _read(path: Path | None) -> dict[str, Any]:
    chosen = path or Path("streamsel.toml")
    try:
        return tomllib.loads(chosen.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if path is None:
            return {}
        raise ConfigurationError(f"{chosen}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{chosen}: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{chosen}: not TOML: {error}") from None


def _unknown(content: Mapping[str, Any], model: type[BaseModel], place: str) -> Iterator[str]:
    """Keys that are none of ours, with the nearest that is."""
    for key, value in content.items():
        if key not in model.model_fields:
            yield f"{place}{key}: unknown key{nearest(key, list(model.model_fields))}"
            continue
        inner = _section(model.model_fields[key].annotation)
        if inner is not None and isinstance(value, Mapping):
            yield from _unknown(value, inner, f"{place}{key}.")


def _mistaken_variables(variables: Mapping[str, str]) -> Iterator[str]:
    """Variables that are none of ours, and lists or tables that are no JSON."""
    known = _known()
    for name, value in variables.items():
        if name in RESERVED or name.startswith(f"{PREFIX}TEST_"):
            continue
        if name not in known:
            yield f"{name}: unknown environment variable{nearest(name, list(known))}"
        elif _is_composed(known[name]) and not _is_json(value):
            given = "its value" if name in SECRET_VARIABLES else repr(value)
            yield f'{name}: {given} is not JSON; a list is written as \'["a", "b"]\''


def _known() -> dict[str, Any]:
    """Every variable, with what its value must be."""
    return {
        name: annotation
        for section, field in Config.model_fields.items()
        for name, annotation in _variables(field.annotation, f"{PREFIX}{section}__")
    }


def _with_files(variables: Mapping[str, str]) -> dict[str, str]:
    """The variables, with secrets read from the files that are named for them."""
    secrets = {name for name, annotation in _known().items() if SecretStr in _alternatives(annotation)}
    found: dict[str, str] = {}
    for name, value in variables.items():
        secret = name.removesuffix(_FILE)
        if secret == name or secret not in secrets:
            found[name] = value
        elif secret in variables:
            raise ConfigurationError(f"{name}: {secret} is set as well; leave one of them out")
        else:
            try:
                found[secret] = Path(value).read_text(encoding="utf-8").rstrip("\n")
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigurationError(f"{name}: {error}") from None
    return found


def _variables(section: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    """The variables of a section and of those within it, each with what its value must be."""
    for key, field in section.model_fields.items():
        yield f"{prefix}{key}".upper(), field.annotation
        inner = _section(field.annotation)
        if inner is not None:
            yield from _variables(inner, f"{prefix}{key}__")


def _is_composed(annotation: Any) -> bool:
    """Lists and tables: in a variable they are JSON."""
    return get_origin(annotation) in (list, dict) or _section(annotation) is not None


def _section(annotation: object) -> type[BaseModel] | None:
    """The section a key holds, be it that it may also be left out."""
    for one in _alternatives(annotation):
        if isinstance(one, type) and issubclass(one, BaseModel):
            return one
    return None


def _alternatives(annotation: object) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)


def _is_json(value: str) -> bool:
    try:
        json.loads(value)
    except ValueError:
        return False
    return True


def _explained(error: ValidationError) -> Iterator[str]:
    for mistake in error.errors(include_url=False):
        # Of a key with alternatives, the name of the alternative (such as "list[str]") is left out.
        place = [str(part) for part in mistake["loc"] if "[" not in str(part)]
        given = mistake.get("input")
        shown = "" if _may_be_secret(place) or _holds_tables(given) else f" (it is {given!r})"
        said = mistake["msg"].removeprefix("Value error, ") + shown
        # Sections that disagree name the place themselves.
        yield f"{'.'.join(place)}: {said}" if place else said


def _holds_tables(given: object) -> bool:
    """Tables have secrets among their keys."""
    return isinstance(given, dict | BaseModel) or (
        isinstance(given, list | tuple) and any(map(_holds_tables, given))
    )


def _may_be_secret(place: Sequence[str]) -> bool:
    """Passwords, addresses with passwords, keys; and what stands where a whole section should."""
    return (
        len(place) <= 1
        or place[0] == "auth"
        or place[-1] == "url"
        or place[-1].endswith(("password", "key", "secret"))
    )
