"""``[auth]``: keys, the provider people sign in at, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from streamsel.config import ConfigurationError, load

PROVIDER = {
    "issuer": "https://login.example.com",
    "client_id": "streamsel",
    "client_secret": "a provider's secret",
    "redirect_url": "https://desk.example.com/v1/session/callback",
    "roles": {"reviewers": "reviewer", "leads": "lead"},
}


def written(tmp_path: Path, **changes: object) -> Path:
    """A file with this provider in it."""
    values = PROVIDER | changes
    lines = [f"{key} = {json.dumps(value)}" for key, value in values.items() if not isinstance(value, dict)]
    roles = ", ".join(f"{key} = {json.dumps(value)}" for key, value in PROVIDER["roles"].items())  # type: ignore[attr-defined]
    path = tmp_path / "streamsel.toml"
    path.write_text("\n".join(["[auth.oidc]", *lines, f"roles = {{ {roles} }}"]), encoding="utf-8")
    return path


def test_a_provider_is_read_and_its_secret_is_not_shown(tmp_path: Path) -> None:
    """Not in the configuration's text either."""
    config = load(written(tmp_path), {})
    provider = config.auth.oidc
    assert provider is not None
    assert provider.roles == {"reviewers": "reviewer", "leads": "lead"}
    assert provider.client_secret is not None
    assert provider.client_secret.get_secret_value() == "a provider's secret"
    assert "a provider's secret" not in repr(config)


def test_the_secret_of_the_provider_may_come_from_the_environment_alone(tmp_path: Path) -> None:
    """The rest of the table stays as in the file."""
    config = load(written(tmp_path), {"STREAMSEL_AUTH__OIDC__CLIENT_SECRET": "from the environment"})
    provider = config.auth.oidc
    assert provider is not None
    assert provider.client_id == "streamsel"
    assert provider.client_secret is not None
    assert provider.client_secret.get_secret_value() == "from the environment"


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("issuer", "http://login.example.com", "must be an https:// address"),
        ("issuer", "https://login.example.com/?a=1", "must be a plain address"),
        ("issuer", "https://me:secret@login.example.com", "must be a plain address"),
        ("redirect_url", "https://desk.example.com/", "must end with /v1/session/callback"),
        ("scopes", ["profile"], "must hold 'openid'"),
        ("isuer", "x", "unknown key; did you mean 'issuer'?"),
    ],
)
def test_a_provider_that_is_not_as_it_must_be_is_refused(
    tmp_path: Path, key: str, value: object, said: str
) -> None:
    """The key is named with what would be right, the value is not repeated."""
    with pytest.raises(ConfigurationError) as refused:
        load(written(tmp_path, **{key: value}), {})
    assert f"auth.oidc.{key}: {said}" in str(refused.value)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("name", ["", "a\x00b", "a\nb", "a\x1b[31mb", "a,b", "<b>", "x" * 65, "ana\n"])
def test_a_name_holds_nothing_that_could_be_mistaken(name: str) -> None:
    """No control characters, no markup, no commas, and it ends somewhere."""
    key = {"name": name, "scope": "reviewer", "sha256": "0" * 64}
    with pytest.raises(ConfigurationError, match="name"):
        load(None, {"STREAMSEL_AUTH__KEYS": json.dumps([key])})


def test_a_session_cannot_be_idle_for_longer_than_it_lasts(tmp_path: Path) -> None:
    """Either limit alone is a mistake then."""
    path = tmp_path / "streamsel.toml"
    path.write_text("[auth]\nsession_seconds = 60\nidle_seconds = 61", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="idle_seconds must not exceed session_seconds"):
        load(path, {})
