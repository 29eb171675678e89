"""No secret is told by a command that fails; that a service at work tells none, ``test_service`` sees to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import UnionType
from typing import Union, get_args, get_origin

import pytest
from pydantic import BaseModel, SecretStr

from streamsel.config import Config

WEBHOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
GIVEN = {
    "STREAMSEL_STREAM__HASH_KEY": "s3cret-hash-key-of-the-stream",
    "STREAMSEL_LABELS__MANIFEST_KEY": "s3cret-manifest-key",
    "STREAMSEL_KAFKA__SASL_PASSWORD": "s3cret-kafka-password",
    "STREAMSEL_REDIS__URL": "redis://someone:s3cret-redis-password@127.0.0.1:1/0",
    "STREAMSEL_SNAPSHOTS__KEY": "s3cret-snapshot-key-of-32-characters",
    "STREAMSEL_AUTH__OIDC": json.dumps(
        {
            "issuer": "https://login.example.com",
            "client_id": "desk",
            "client_secret": "s3cret-of-the-oidc-client",
            "redirect_url": "https://desk.example.com/v1/session/callback",
            "roles": {"reviewers": "reviewer"},
        }
    ),
    "STREAMSEL_DESK__WEBHOOKS": json.dumps(
        [{"url": "https://hooks.example/labels", "secret": WEBHOOK_SECRET}]
    ),
    "STREAMSEL_ORACLES__MODELS": json.dumps(
        {"large": {"base_url": "https://llm.example/v1", "model": "m", "api_key": "s3cret-api-key"}}
    ),
}
"""A value for each secret there is, as a variable; each has its own word in it."""
KEYS = {
    "stream.hash_key",
    "labels.manifest_key",
    "kafka.sasl_password",
    "redis.url",
    "snapshots.key",
    "auth.oidc.client_secret",
    "desk.webhooks.secret",
    "oracles.models.api_key",
}


def secret_keys(model: type[BaseModel], place: str = "") -> set[str]:
    """The keys of a section, and of those in it, that are secrets."""
    found = set()
    for name, field in model.model_fields.items():
        for one in _parts(field.annotation):
            if one is SecretStr:
                found.add(place + name)
            elif isinstance(one, type) and issubclass(one, BaseModel):
                found |= secret_keys(one, f"{place}{name}.") if one is not model else set()
    return found


def _parts(annotation: object) -> list[object]:
    if get_origin(annotation) in (Union, UnionType, list, dict):
        return [part for one in get_args(annotation) for part in _parts(one)]
    return [annotation]


def test_every_secret_of_the_configuration_has_a_value_above() -> None:
    """A new one is to be looked for, too."""
    assert secret_keys(Config) == KEYS


@pytest.mark.parametrize(
    "words",
    [
        ["config", "check", "--json"],
        ["doctor", "--json"],
        ["doctor", "--acl"],
        ["serve", "--role", "desk", "--port", "0"],
        ["labels", "export", "labels.jsonl"],
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_no_command_tells_a_secret(tmp_path: Path, words: list[str]) -> None:
    """What it prints and logs, with a store that is away and everything else configured."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("STREAMSEL_")}
    ran = subprocess.run(
        [sys.executable, "-m", "streamsel", *words],
        cwd=tmp_path,
        env=kept | GIVEN,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    told = ran.stdout + ran.stderr
    assert told
    assert "Traceback" not in told
    assert "s3cret" not in told
    assert WEBHOOK_SECRET.removeprefix("whsec_") not in told
