"""Reading the configuration: file, then environment; every mistake is named with what would be right."""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from streamsel.config.sections import Config

PREFIX = "STREAMSEL_"
RESERVED = frozenset({"STREAMSEL_CONFIG"})
"""Variables that are no keys: the path of the file. Those under STREAMSEL_TEST_ are the tests'."""


class ConfigurationError(Exception):
    """One line a mistake: the key, its value, and what it must be."""


def load(path: Path | None, environment: Mapping[str, str]) -> Config:
    """The configuration from a file (``None``: ``streamsel.toml`` here, if there is one) and the environment.

    Raises ``ConfigurationError``.
    """
    content = _read(path)
    mistakes = [*_unknown(content, Config, ""), *_mistaken_variables(environment)]
    if mistakes:
        raise ConfigurationError("\n".join(mistakes))
    settings = _settings(content)
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


def _settings(content: dict[str, Any]) -> type[BaseSettings]:
    class Settings(BaseSettings, Config):
        model_config = SettingsConfigDict(
            env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True
        )

        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,  # noqa: ARG003
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
            file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return env_settings, InitSettingsSource(settings_cls, content)

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
            yield f"{place}{key}: unknown key{_nearest(key, list(model.model_fields))}"
            continue
        inner = model.model_fields[key].annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel) and isinstance(value, Mapping):
            yield from _unknown(value, inner, f"{place}{key}.")


def _mistaken_variables(environment: Mapping[str, str]) -> Iterator[str]:
    """Variables that are none of ours, and lists or tables that are no JSON."""
    known = {
        f"{PREFIX}{section}__{key}".upper(): inner.annotation
        for section, field in Config.model_fields.items()
        for key, inner in _fields(field.annotation).items()
    }
    for name, value in environment.items():
        if not name.startswith(PREFIX) or name in RESERVED or name.startswith(f"{PREFIX}TEST_"):
            continue
        if name not in known:
            yield f"{name}: unknown environment variable{_nearest(name, list(known))}"
        elif get_origin(known[name]) in (list, dict) and not _is_json(value):
            yield f'{name}: {value!r} is not JSON; a list is written as \'["a", "b"]\''


def _fields(section: Any) -> dict[str, FieldInfo]:
    fields: dict[str, FieldInfo] = section.model_fields
    return fields


def _is_json(value: str) -> bool:
    try:
        json.loads(value)
    except ValueError:
        return False
    return True


def _nearest(key: str, known: list[str]) -> str:
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    return f"; did you mean '{near[0]}'?" if near else f"; known are {', '.join(known)}"


def _explained(error: ValidationError) -> Iterator[str]:
    for mistake in error.errors(include_url=False):
        key = ".".join(str(part) for part in mistake["loc"])
        given = mistake.get("input")
        secret = any(word in key for word in ("password", "url", "sha256"))
        shown = "" if secret or isinstance(given, dict | BaseModel) else f" (it is {given!r})"
        yield f"{key}: {mistake['msg']}{shown}"
