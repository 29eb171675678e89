"""What is shown of an address that may hold a secret."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsel.config.addresses import host_alone, without_credentials
from streamsel.config.snapshots import Snapshots

secrets = st.text("sS3c-r_eTµ:@", min_size=6)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("s3://bucket/folder", "s3://bucket/folder"),
        ("/var/lib/model", "/var/lib/model"),
        ("ftp://me:pa@ss@host:21/folder", "ftp://***@host:21/folder"),
        ("simplecache::https://me@host/a?token=x&plain#y", "simplecache::https://***@host/a?token=***&***"),
    ],
)
def test_a_store_is_shown_without_who_signs_in(url: str, shown: str) -> None:
    """Nor the values after a question mark; the configuration itself has them."""
    snapshots = Snapshots.model_validate({"url": url, "key": "k" * 32})
    assert snapshots.url == url
    assert snapshots.model_dump(mode="json")["url"] == shown
    assert url not in repr(snapshots)


@given(secrets, secrets)
def test_no_secret_is_left(password: str, token: str) -> None:
    """Wherever in an address secrets may stand."""
    shown = without_credentials(f"ftp://me:{password}@host/folder?key={token}&{token}")
    assert shown == "ftp://***@host/folder?key=***&***"
    assert host_alone("https://hooks.example/services/" + token) == "https://hooks.example/***"
