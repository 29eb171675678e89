"""Every mistake in the configuration is named, with what would be right."""

from __future__ import annotations

from pathlib import Path

import pytest

from streamsel.config import ConfigurationError, load


def mistakes(tmp_path: Path, toml: str = "", **environment: str) -> str:
    """What is said about a file with this content and these variables."""
    path = tmp_path / "streamsel.toml"
    path.write_text(toml, encoding="utf-8")
    with pytest.raises(ConfigurationError) as refused:
        load(path, environment)
    return str(refused.value)


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("[selct]\nbudget = 0.1", "selct: unknown key; did you mean 'select'?"),
        ("[select]\nbudgt = 0.1", "select.budgt: unknown key; did you mean 'budget'?"),
        ("[select]\nzzzz = 0.1", "select.zzzz: unknown key; known are strategy, budget, labels_per_hour"),
        ("[select]\nbudget = 2", "select.budget: Input should be less than or equal to 1 (it is 2)"),
        ("[select]\nbudget = 0", "select.budget: Input should be greater than 0 (it is 0)"),
        ("[select]\nbudget = nan", "select.budget: Input should be a finite number (it is nan)"),
        (
            "[select]\nexplore = -0.1",
            "select.explore: Input should be greater than or equal to 0 (it is -0.1)",
        ),
        (
            "[select]\nbudget = 0.1\nholdout = 0.2",
            "holdout is 0.2 and budget 0.1; what is held out is part of the budget",
        ),
        ("[select]\nstrategy = 'entrpy'", "select.strategy: must be the name of a strategy or"),
        ("[select]\nwindow = 1.5", "select.window: Input should be a valid integer"),
        (
            "[capacity]\nlease_seconds = inf",
            "capacity.lease_seconds: Input should be a finite number (it is inf)",
        ),
        ("[capacity]\nattempts = 'three'", "(it is 'three')"),
        ("[desk]\nport = 70000", "desk.port: Input should be less than or equal to 65535 (it is 70000)"),
        (
            "[stream]\nmax_bytes = 2_000_000",
            "stream.max_bytes: Input should be less than or equal to 1000000",
        ),
        ("[stream]\nfeatures = []", "stream.features: must name at least one field, or be '*' (it is [])"),
        ("[stream]\nfeatures = 'a,b'", "stream.features: Input should be a valid list (it is 'a,b')"),
        ("[stream]\nfeatures = ['a.b']\nexclude = ['a']", "stream: 'a.b' is in use, and exclude forbids it"),
        ("[stream]\ntext = 't'\nexclude = ['t']", "stream: 't' is in use, and exclude forbids it"),
        ("[stream]\nsegments = ['r']\nredact = ['r']", "stream: 'r' is in use, and redact forbids it"),
        ("[stream]\nredact = ['id']", "stream: 'id' is in use, and redact forbids it"),
        ("[stream]\nhash = ['a']", "stream: hash needs a hash_key"),
        ("[stream]\nhash = ['id']", "stream: 'id' is in use, and hash forbids it"),
        ("[stream]\nhash = ['a.b']\nredact = ['a']", "stream: 'a.b' is in use, and redact forbids it"),
        ("[stream]\nhash = ['a']\nsegments = ['a.b']", "stream: 'a.b' is in use, and lies in an object"),
        ("[stream]\ntimestamp = 't'\nlead_only = ['t']", "stream: 't' is in use, and lead_only forbids it"),
        ("[labels]\nnames = ['a']", "labels.names: List should have at least 2 items"),
        ("[labels]\nnames = ['a', 'a']", "labels: names must be distinct and not empty, not ['a', 'a']"),
        ("[labels]\nguideline = { yes = 'x' }", "labels: guideline names 'yes', which is none of the labels"),
        ("[model]\nfactory = 'x'", "model.factory: 'x' is not of the form package.module:function"),
        ("[model]\ncopies = 1", "model: copies must be 0, or 2 or more"),
        ("[model]\ncopies = 11", "model.copies: Input should be less than or equal to 10 (it is 11)"),
        ("[model]\npreset = 'text'\ncopies = 2", "model: preset 'text' is a committee already"),
        ("[redis]\nprefix = 'a b'", "redis.prefix: String should match pattern"),
        (
            "[redis]\nurl = 'redis://host'\nssl_cafile = 'ca.pem'",
            "redis: ssl_cafile needs a url that begins with rediss://",
        ),
        (
            "[kafka]\nsecurity_protocol = 'SASL_SSL'\nsasl_mechanism = 'PLAIN'",
            "kafka: security_protocol SASL_SSL needs sasl_username",
        ),
        ("stream = 5", "stream: Input should be a valid dictionary"),
        ("[select\nbudget = 1", "not TOML: Expected ']' at the end of a table declaration (at line 1"),
        ("[select]\nbudget = 0.1\nbudget = 0.2", "not TOML: Cannot overwrite a value"),
        ("[stream]\nid = unquoted", "not TOML: Invalid value (at line 2"),
    ],
)
def test_mistakes_in_the_file(tmp_path: Path, toml: str, said: str) -> None:
    """The key, its value, what it must be, and the nearest known key."""
    assert said in mistakes(tmp_path, toml)


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        (
            "STREAMSEL_SELECT__BUDGT",
            "1",
            "unknown environment variable; did you mean 'STREAMSEL_SELECT__BUDGET'?",
        ),
        ("STREAMSEL_SELECT_BUDGET", "1", "did you mean 'STREAMSEL_SELECT__BUDGET'?"),
        ("STREAMSEL_SELECT__BUDGET", "many", "select.budget: Input should be a valid number"),
        ("STREAMSEL_SELECT__BUDGET", "7", "less than or equal to 1 (it is '7')"),
        (
            "STREAMSEL_LABELS__NAMES",
            "a,b",
            "STREAMSEL_LABELS__NAMES: 'a,b' is not JSON; a list is written as",
        ),
        ("STREAMSEL_LABELS__NAMES", '"a"', "labels.names: Input should be a valid list"),
        ("STREAMSEL_STREAM__FEATURES", "a,b", "stream.features: Input should be '*' (it is 'a,b')"),
    ],
)
def test_mistakes_in_the_environment(tmp_path: Path, variable: str, value: str, said: str) -> None:
    """The variable or its key, its value, and the nearest known variable."""
    assert said in mistakes(tmp_path, **{variable: value})


def test_all_mistakes_are_named_at_once(tmp_path: Path) -> None:
    """Unknown keys of file and environment come together, as do all bad values."""
    unknown = mistakes(tmp_path, "[selct]\n[select]\nbudgt = 1", STREAMSEL_X="1")
    assert [line.split(":")[0] for line in unknown.splitlines()] == ["selct", "select.budgt", "STREAMSEL_X"]
    bad = mistakes(tmp_path, "[select]\nbudget = 2\nwindow = 0\n[desk]\nport = -1")
    assert [line.split(":")[0] for line in bad.splitlines()] == [
        "select.budget",
        "select.window",
        "desk.port",
    ]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """A path that was given must exist; without one, no file is needed."""
    with pytest.raises(ConfigurationError, match=r"nowhere\.toml: no such file"):
        load(tmp_path / "nowhere.toml", {})


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """A directory, or bytes that are no UTF-8, are named as what they are."""
    with pytest.raises(ConfigurationError, match="Is a directory"):
        load(tmp_path, {})
    (tmp_path / "latin.toml").write_bytes(b"[stream]\nid = 'caf\xe9'")
    with pytest.raises(ConfigurationError, match=r"latin\.toml.*utf-8"):
        load(tmp_path / "latin.toml", {})


@pytest.mark.parametrize(
    "toml",
    [
        "[[auth.keys]]\nname = 'ann'\nscope = 'reviewer'\nkey = 's3cret'",
        "[[auth.keys]]\nname = 'ann'\nscope = 'reviewer'\nsha256 = 's3cret'",
        "[[auth.keys]]\nname = 's3cret!'\nscope = 's3cret'\nsha256 = 's3cret'",
        "[auth]\nkeys = 's3cret'",
        "auth = 's3cret'",
        "redis = 'redis://:s3cret@host'",
        "[redis]\nurl = ['redis://:s3cret@host']",
        "[kafka]\nsasl_password = ['s3cret']",
        "[stream]\nhash_key = 's3cret'",
        "[labels]\nmanifest_key = 's3cret'",
        "[kafka]\nsasl_password = 's3cret' oops",
    ],
)
def test_no_mistake_shows_a_secret(tmp_path: Path, toml: str) -> None:
    """What stands where a secret may stand is not repeated."""
    assert "s3cret" not in mistakes(tmp_path, toml)


@pytest.mark.parametrize("value", ["s3cret", '["s3cret"]', '[{"name": "s3cret!"}]', '{"s3cret": 1}'])
def test_no_mistake_shows_a_secret_variable(tmp_path: Path, value: str) -> None:
    """Nor what a variable for keys holds."""
    assert "s3cret" not in mistakes(tmp_path, STREAMSEL_AUTH__KEYS=value)


def test_two_keys_of_one_name(tmp_path: Path) -> None:
    """A reviewer is known by the key's name."""
    key = f"[[auth.keys]]\nname = 'ann'\nscope = 'reviewer'\nsha256 = '{'ab' * 32}'\n"
    assert "auth.keys: key name 'ann' stands twice" in mistakes(tmp_path, key + key)
