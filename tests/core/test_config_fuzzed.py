"""Whatever stands in the file or the environment: a configuration comes of it, or a list of its mistakes."""

from __future__ import annotations

import json
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamsel.config import Config, ConfigurationError, load

KEYS = [
    (section, key)
    for section, field in Config.model_fields.items()
    for key in [*field.annotation.model_fields, "unheard_of"]  # type: ignore[union-attr]
]
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
SCALARS = st.one_of(
    st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False), TEXT
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3), max_leaves=5)
JUNK = st.one_of(
    TEXT, VALUES.map(json.dumps), st.sampled_from(["{", "[]", "{}", "null", '[{"a": 1}]', "1e999"])
)


def told(path: Path | None, environment: dict[str, str]) -> str:
    """The mistakes; empty where there are none. Anything else that is raised fails the test."""
    try:
        assert isinstance(load(path, environment), Config)
    except ConfigurationError as mistakes:
        return str(mistakes)
    return ""


def toml(value: Any) -> str:
    """A JSON value without objects, which TOML writes the same but for one character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=4))
def test_any_values_in_the_file(tmp_path: Path, given_values: dict[tuple[str, str], Any]) -> None:
    """Of any type, at any key, known or not; an unknown key is always told."""
    sections: dict[str, list[str]] = {}
    for (section, key), value in given_values.items():
        sections.setdefault(section, []).append(f"{key} = {toml(value)}")
    path = tmp_path / "streamsel.toml"
    lines = [line for section, keys in sections.items() for line in (f"[{section}]", *keys)]
    path.write_text("\n".join(lines), encoding="utf-8")
    mistakes = told(path, {})
    assert ("unheard_of: unknown key" in mistakes) == any(key == "unheard_of" for _, key in given_values)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(KEYS), JUNK, max_size=4))
def test_any_text_in_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, texts: dict[tuple[str, str], str]
) -> None:
    """Be it JSON, half of it or none."""
    monkeypatch.chdir(tmp_path)
    told(None, {f"STREAMSEL_{section}__{key}".upper(): text for (section, key), text in texts.items()})


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=40), st.text(string.printable, max_size=40).map(str.encode)))
def test_any_bytes_as_the_file(tmp_path: Path, content: bytes) -> None:
    """Be it TOML or none, UTF-8 or none."""
    path = tmp_path / "streamsel.toml"
    path.write_bytes(content)
    told(path, {})
