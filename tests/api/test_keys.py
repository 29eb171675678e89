"""API keys, by themselves."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from streamsel.api.callers import Caller
from streamsel.api.keys import PREFIX, identify, new_key
from streamsel.config.auth import ApiKey


def test_a_new_key_can_be_recognised_and_only_its_hash_need_be_kept() -> None:
    """256 random bits behind the prefix; the hash is SHA-256 in hexadecimal."""
    secret, sha256 = new_key()
    assert secret.startswith(PREFIX)
    assert len(secret) == len(PREFIX) + 43  # 256 bits in base64
    assert sha256 == hashlib.sha256(secret.encode()).hexdigest()
    assert new_key()[0] != secret


def test_a_key_is_found_among_others() -> None:
    """By its secret alone, wherever it stands, with all that its owner may do."""
    made = {name: new_key() for name in ("ana", "ben", "shop")}
    keys = [
        ApiKey(name=name, scope="lead", tier=2, queues=["default"], sha256=sha256)
        for name, (_, sha256) in made.items()
    ]
    for name, (secret, _) in made.items():
        assert identify(keys, secret) == Caller(name, "lead", 2, ["default"])


@given(st.text())
def test_no_other_text_is_a_key(text: str) -> None:
    """Not even one that cannot be encoded, nor the stored hash itself."""
    _, sha256 = new_key()
    key = ApiKey(name="ana", scope="reviewer", sha256=sha256)
    assert identify([key], text) is None
    assert identify([key], sha256) is None
