"""``streamsel model set``, ``challenge`` and so on as a person types them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.cli.typed import object_of, streamsel


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path, for the embedded server's socket."""
    with TemporaryDirectory(prefix="cli-") as directory:
        yield Path(directory)


def test_a_models_life_is_given_and_told(folder: Path) -> None:
    """Each directive says where it stands; the course tells them all, and what is in force."""
    challenge = object_of(
        streamsel(
            folder, "model", "challenge", "tree", "--metric", "accuracy", "--reason", "new shops", "--json"
        )
    )
    assert challenge["offset"] == 0
    assert streamsel(folder, "model", "freeze", "--reason", "audit").returncode == 0
    course = object_of(streamsel(folder, "model", "course", "--json"))
    assert course["frozen"]
    assert course["champion"]["preset"] == "logistic"
    (name,) = course["challengers"]
    assert name == challenge["directive_id"]
    told = streamsel(folder, "model", "course").stdout
    assert "frozen      since offset 1" in told
    assert f"challenger  tree, seed 1, since offset 1 ({name})" in told
    assert "new shops" in told
    promoted = streamsel(folder, "model", "promote", name, "--reason", "agreed")
    assert "promote is in the label log at offset 2" in promoted.stdout
    assert object_of(streamsel(folder, "model", "course", "--json"))["champion"]["preset"] == "tree"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (("thaw",), "the model is not frozen"),
        (("roll-back", "7"), "version is 7"),
        (("promote", "x"), "challenge is 'x'"),
    ],
)
def test_what_cannot_be_obeyed_is_refused(folder: Path, typed: tuple[str, ...], said: str) -> None:
    """With exit status 1 and one line; nothing is written."""
    refused = streamsel(folder, "model", *typed, "--reason", "test")
    assert refused.returncode == 1
    assert said in refused.stderr
    assert object_of(streamsel(folder, "model", "course", "--json"))["directives"] == []


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (("set", "oracle"), "preset must be one of logistic, tree, forest, portfolio, text, not 'oracle'"),
        (("set", "tree", "--copies", "1"), "copies must be 0 or from 2 to 10, not 1"),
        (("challenge", "tree", "--margin", "1.5"), "margin is 1.5; it must be from 0 to less than 1"),
        (("challenge", "tree", "--error-rate", "0"), "error_rate is 0.0; it must be between 0 and 1"),
    ],
)
def test_what_no_log_could_make_right_is_bad_usage(folder: Path, typed: tuple[str, ...], said: str) -> None:
    """Exit status 2, and a line that names the field, its value and what would be right."""
    refused = streamsel(folder, "model", *typed, "--reason", "test")
    assert refused.returncode == 2
    assert said in refused.stderr
