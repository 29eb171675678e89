"""``[[desk.webhooks]]``: what is refused, and that secrets stay secret."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from streamsel.config import ConfigurationError, load
from streamsel.config.desk import Desk
from streamsel.config.webhooks import WebhookTable

GOOD: dict[str, Any] = {
    "url": "https://hooks.example/labels",
    "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "events": ["label.recorded"],
}


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("url", "http://hooks.example/labels", "must be an https:// address"),
        ("url", "https://me:pass@hooks.example/", "must be a plain address"),
        ("url", "file:///etc/passwd", "must be an https:// address"),
        ("secret", "plain", "whsec_"),
        ("secret", "whsec_c2hvcnQ=", "24 to 64 bytes"),
        ("events", [], "at least 1"),
        ("events", ["label.guessed"], "label.recorded"),
    ],
)
def test_what_would_not_be_safe_or_not_work_is_refused(key: str, value: object, why: str) -> None:
    """With what is right."""
    with pytest.raises(ValidationError, match=why):
        WebhookTable.model_validate({**GOOD, key: value})


def test_a_receiver_on_this_machine_needs_no_tls() -> None:
    """The message never leaves it."""
    table = WebhookTable.model_validate({**GOOD, "url": "http://127.0.0.1:9000/hook"})
    assert table.url == "http://127.0.0.1:9000/hook"


def test_an_address_stands_once() -> None:
    """Its deliveries are remembered by it."""
    with pytest.raises(ValidationError, match="stands twice"):
        Desk.model_validate({"webhooks": [GOOD, {**GOOD, "events": ["query.offered"]}]})


def test_the_secret_is_not_shown() -> None:
    """Nor the address's path, which is the token of many receivers: neither printed nor dumped."""
    table = WebhookTable.model_validate({**GOOD, "url": "https://hooks.example:444/t0ken"})
    for shown in (repr(table), table.model_dump_json()):
        assert GOOD["secret"] not in shown
        assert "t0ken" not in shown
    assert table.model_dump(mode="json")["url"] == "https://hooks.example:444/***"


@pytest.mark.parametrize("written", [json.dumps([GOOD, GOOD]), json.dumps([GOOD])[:-1]])
def test_a_mistake_is_told_without_them(written: str) -> None:
    """An address that stands twice, and what is no JSON."""
    with pytest.raises(ConfigurationError) as refused:
        load(None, {"STREAMSEL_DESK__WEBHOOKS": written})
    assert GOOD["secret"] not in str(refused.value)
    assert GOOD["url"] not in str(refused.value)
