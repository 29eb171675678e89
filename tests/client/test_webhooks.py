"""Signed messages: what is believed, and what is not."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsel.client import InvalidWebhook, verify_webhook
from streamsel.client.webhooks import TOLERANCE_SECONDS
from streamsel.signing import signature

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOW = 1_800_000_000
BODY = json.dumps(
    {"type": "label.recorded", "timestamp": "2027-01-15T08:00:00+00:00", "data": {"label": "fraud"}}
).encode()


def _headers(body: bytes = BODY, secret: str = SECRET, sent: int = NOW) -> dict[str, str]:
    return {
        "Webhook-Id": "msg_1",
        "Webhook-Timestamp": str(sent),
        "Webhook-Signature": signature("msg_1", sent, body, secret),
    }


def test_the_signature_is_that_of_the_specification() -> None:
    """The example that Standard Webhooks' own libraries are tested with."""
    signed = signature("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}', SECRET)
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_message_of_the_desk_is_believed() -> None:
    """Whatever the case of the headers' names."""
    for headers in (_headers(), {name.lower(): value for name, value in _headers().items()}):
        message = verify_webhook(headers, BODY, SECRET, NOW)
        assert (message.id, message.type) == ("msg_1", "label.recorded")
        assert message.timestamp == datetime(2027, 1, 15, 8, tzinfo=UTC)
        assert message.data == {"label": "fraud"}


def test_while_a_secret_is_replaced_either_signature_counts() -> None:
    """The header holds several, and unknown versions are passed over."""
    other = "whsec_" + base64.b64encode(b"another secret of 32 bytes......").decode()
    headers = _headers()
    headers["Webhook-Signature"] = f"v2,x v1,wrong {_headers(secret=other)['Webhook-Signature']}"
    assert verify_webhook(headers, BODY, other, NOW).id == "msg_1"
    with pytest.raises(InvalidWebhook):
        verify_webhook(headers, BODY, SECRET, NOW)


@given(place=st.integers(0, len(BODY) - 1), bit=st.integers(0, 7))
def test_a_body_changed_in_any_bit_is_not_believed(place: int, bit: int) -> None:
    """The signature covers all of it."""
    body = bytearray(BODY)
    body[place] ^= 1 << bit
    with pytest.raises(InvalidWebhook, match="signatures"):
        verify_webhook(_headers(), bytes(body), SECRET, NOW)


@pytest.mark.parametrize(
    "changed",
    [{"Webhook-Id": "msg_2"}, {"Webhook-Timestamp": str(NOW + 1)}, {"Webhook-Signature": "v1,"}],
)
def test_headers_that_were_changed_are_not_believed(changed: dict[str, str]) -> None:
    """Id and time are signed too."""
    with pytest.raises(InvalidWebhook, match="signatures"):
        verify_webhook({**_headers(), **changed}, BODY, SECRET, NOW)


@pytest.mark.parametrize("name", ["Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"])
def test_a_missing_header_is_named(name: str) -> None:
    """In the error."""
    headers = _headers()
    del headers[name]
    with pytest.raises(InvalidWebhook, match=name.lower()):
        verify_webhook(headers, BODY, SECRET, NOW)


@pytest.mark.parametrize("sent", ["", "soon", "-5", "1e9", "９", "1" * 5_000])
def test_a_time_that_is_none_is_refused(sent: str) -> None:
    """Before anything is reckoned with it."""
    with pytest.raises(InvalidWebhook, match="timestamp"):
        verify_webhook({**_headers(), "Webhook-Timestamp": sent}, BODY, SECRET, NOW)


def test_an_old_message_is_not_believed_though_it_is_signed() -> None:
    """Five minutes either way are forgiven: clocks differ, and networks take their time."""
    edge = int(TOLERANCE_SECONDS)
    for sent in (NOW - edge, NOW + edge):
        assert verify_webhook(_headers(sent=sent), BODY, SECRET, NOW).id == "msg_1"
    for sent in (NOW - edge - 1, NOW + edge + 1):
        with pytest.raises(InvalidWebhook, match="old"):
            verify_webhook(_headers(sent=sent), BODY, SECRET, NOW)


@pytest.mark.parametrize(
    "secret", ["", "plain", "whsec_", "whsec_AAAA", "whsec_***", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]
)
def test_a_secret_that_is_none_is_an_error_of_the_program(secret: str) -> None:
    """Not a message that is silently never believed."""
    with pytest.raises(ValueError, match="whsec_"):
        verify_webhook(_headers(), BODY, secret, NOW)
