"""API keys and sessions, by themselves."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from streamsel.api.keys import PREFIX, identify, new_key
from streamsel.api.sessions import REVIEWER, SESSION_SECONDS, Sessions
from streamsel.config.auth import ApiKey


def test_a_new_key_can_be_recognised_and_only_its_hash_need_be_kept() -> None:
    """256 random bits behind the prefix; the hash is SHA-256 in hexadecimal."""
    secret, sha256 = new_key()
    assert secret.startswith(PREFIX)
    assert len(secret) == len(PREFIX) + 43  # 256 bits in base64
    assert sha256 == hashlib.sha256(secret.encode()).hexdigest()
    assert new_key()[0] != secret


def test_a_key_is_found_among_others() -> None:
    """By its secret alone, wherever it stands."""
    made = {name: new_key() for name in ("ana", "ben", "shop")}
    keys = [ApiKey(name=name, scope="reviewer", sha256=sha256) for name, (_, sha256) in made.items()]
    for name, (secret, _) in made.items():
        found = identify(keys, secret)
        assert found is not None
        assert found.name == name


@given(st.text())
def test_no_other_text_is_a_key(text: str) -> None:
    """Not even one that cannot be encoded, nor the stored hash itself."""
    _, sha256 = new_key()
    key = ApiKey(name="ana", scope="reviewer", sha256=sha256)
    assert identify([key], text) is None
    assert identify([key], sha256) is None


def test_the_one_time_token_opens_one_session() -> None:
    """Used up at once; a wrong one uses up nothing."""
    sessions = Sessions("the token")
    assert sessions.open("another token") is None
    session = sessions.open("the token")
    assert session is not None
    assert sessions.reviewer(session) == REVIEWER
    assert sessions.open("the token") is None


def test_without_a_token_no_session_opens() -> None:
    """Least of all with an empty one."""
    assert Sessions(None).open("") is None


def test_a_session_ends_after_a_working_day() -> None:
    """And not a moment before."""
    now = [1_000.0]
    sessions = Sessions("the token", monotonic=lambda: now[0])
    session = sessions.open("the token")
    assert session is not None
    now[0] += SESSION_SECONDS - 1
    assert sessions.reviewer(session) == REVIEWER
    now[0] += 1
    assert sessions.reviewer(session) is None


def test_a_closed_session_is_over() -> None:
    """Closing one that is not there changes nothing."""
    sessions = Sessions("the token")
    session = sessions.open("the token")
    assert session is not None
    sessions.close("another")
    assert sessions.reviewer(session) == REVIEWER
    sessions.close(session)
    assert sessions.reviewer(session) is None
