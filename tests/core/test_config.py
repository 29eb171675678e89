"""The configuration: file, then environment; every key by either."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import SecretStr

from streamsel.config import ApiKey, Config, ConfigurationError, load, schema
from streamsel.config.auth import Oidc
from streamsel.config.constraints import ConditionTable, CostsTable, QuotaTable, RuleTable
from streamsel.config.desk import FloorTable, GoldTable, OverlapTable, QueueTable
from streamsel.config.oracles import ModelTable, OutcomesTable, RuleOracleTable
from streamsel.config.plateau import PlateauTable
from streamsel.config.servers import Redis
from streamsel.config.webhooks import WebhookTable

HASH = "ab" * 32
RULE = {"name": "large", "ask": "always", "field": "amount", "op": ">", "value": 1000}
WEBHOOK = {"url": "https://hooks.example/labels", "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
CONDITION = {"field": "note", "op": "contains", "value": "blood"}
QUEUE = {"where": {"field": "amount", "op": ">", "value": 1000}, "tier": 2, "sla_seconds": 3600}
QUOTA = {"name": "fair", "segment": "predicted_class", "least": 0.1}
MODEL = {"base_url": "https://llm.example.com/v1", "model": "large", "api_key": "not to be shown"}
ORACLE = {"where": QUEUE["where"], "label": "positive"}
KEY = {"name": "ann", "scope": "reviewer", "sha256": HASH}
PROVIDER = {
    "issuer": "https://login.example.com",
    "client_id": "desk",
    "redirect_url": "https://desk.example.com/v1/session/callback",
    "roles": {"reviewers": "reviewer"},
}

EXAMPLES: dict[str, tuple[str, Any]] = {
    "stream.id": ("key", "key"),
    "stream.features": ('["a", "b.c"]', ["a", "b.c"]),
    "stream.exclude": ('["x"]', ["x"]),
    "stream.text": ("body", "body"),
    "stream.timestamp": ("at", "at"),
    "stream.segments": ('["region"]', ["region"]),
    "stream.redact": ('["card"]', ["card"]),
    "stream.hash": ('["email"]', ["email"]),
    "stream.hash_key": ("sixteen characters", SecretStr("sixteen characters")),
    "stream.lead_only": ('["name"]', ["name"]),
    "stream.max_bytes": ("5000", 5000),
    "labels.names": ('["ham", "spam", "scam"]', ["ham", "spam", "scam"]),
    "labels.guideline": ('{"positive": "It is one."}', {"positive": "It is one."}),
    "labels.examples": ('{"negative": ["none"]}', {"negative": ["none"]}),
    "labels.guideline_url": ("https://wiki.example/fraud", "https://wiki.example/fraud"),
    "labels.guideline_version": ("2026-11", "2026-11"),
    "labels.manifest_key": ("sixteen characters", SecretStr("sixteen characters")),
    "labels.retain_days": ("365", 365.0),
    "model.preset": ("forest", "forest"),
    "model.factory": ("package.module:function", "package.module:function"),
    "model.seed": ("7", 7),
    "model.copies": ("5", 5),
    "model.screen": ("0.25", 0.25),
    "select.strategy": ("margin", "margin"),
    "select.budget": ("0.25", 0.25),
    "select.labels_per_hour": ("120", 120.0),
    "select.money_per_day": ("99.5", 99.5),
    "select.explore": ("0.5", 0.5),
    "select.holdout": ("0.01", 0.01),
    "select.window": ("1000", 1000),
    "select.rules": (json.dumps([RULE]), [RuleTable.model_validate(RULE)]),
    "select.quotas": (json.dumps([QUOTA]), [QuotaTable.model_validate(QUOTA)]),
    "select.costs": ('{"label": {"positive": 3}}', CostsTable(label={"positive": 3.0})),
    "select.duplicates": ("0", 0),
    "select.seed": ("3", 3),
    "select.on_desk_outage": ("shed", "shed"),
    "capacity.target_backlog": ("40", 40),
    "capacity.lease_seconds": ("60", 60.0),
    "capacity.expire_seconds": ("1e3", 1000.0),
    "capacity.attempts": ("5", 5),
    "capacity.window_seconds": ("30", 30.0),
    "capacity.fill_seconds": ("5", 5.0),
    "capacity.retain_seconds": ("86400", 86_400.0),
    "kafka.bootstrap_servers": ("one:9092,two:9092", "one:9092,two:9092"),
    "kafka.group": ("others", "others"),
    "kafka.session_seconds": ("4", 4.0),
    "kafka.prefix": ("pay.", "pay."),
    "kafka.partitions": ("12", 12),
    "kafka.replication_factor": ("3", 3),
    "kafka.security_protocol": ("SASL_SSL", "SASL_SSL"),
    "kafka.sasl_mechanism": ("SCRAM-SHA-512", "SCRAM-SHA-512"),
    "kafka.sasl_username": ("service", "service"),
    "kafka.sasl_password": ("s3cret", SecretStr("s3cret")),
    "kafka.ssl_cafile": ("/etc/ca.pem", Path("/etc/ca.pem")),
    "kafka.ssl_certfile": ("/etc/cert.pem", Path("/etc/cert.pem")),
    "kafka.ssl_keyfile": ("/etc/key.pem", Path("/etc/key.pem")),
    "redis.url": ("rediss://:pw@host:6379/1", SecretStr("rediss://:pw@host:6379/1")),
    "redis.ssl_cafile": ("/etc/ca.pem", Path("/etc/ca.pem")),
    "redis.ssl_certfile": ("/etc/cert.pem", Path("/etc/cert.pem")),
    "redis.ssl_keyfile": ("/etc/key.pem", Path("/etc/key.pem")),
    "redis.prefix": ("pay", "pay"),
    "redis.data_dir": ("/var/lib/streamsel", Path("/var/lib/streamsel")),
    "desk.host": ("0.0.0.0", "0.0.0.0"),  # noqa: S104
    "desk.port": ("0", 0),
    "desk.webhooks": (json.dumps([WEBHOOK]), [WebhookTable.model_validate(WEBHOOK)]),
    "desk.queues": (json.dumps({"large": QUEUE}), {"large": QueueTable.model_validate(QUEUE)}),
    "desk.skips": ("2", 2),
    "desk.most_held": ("5", 5),
    "desk.sensitive": (json.dumps(CONDITION), ConditionTable.model_validate(CONDITION)),
    "desk.most_sensitive": ("3", 3),
    "desk.work_seconds": ("5400", 5_400.0),
    "desk.break_seconds": ("600", 600.0),
    "desk.overlap": ('{"share": 0.1}', OverlapTable(share=0.1)),
    "desk.gold": ('{"file": "gold.csv"}', GoldTable(file=Path("gold.csv"))),
    "desk.floor": ('{"accuracy": 0.8}', FloorTable(accuracy=0.8)),
    "select.plateau": ('{"labels": 500}', PlateauTable(labels=500)),
    "evaluation.costs": ('{"negative": {"positive": 50}}', {"negative": {"positive": 50.0}}),
    "oracles.outcomes": ('{"authority": 200}', OutcomesTable(authority=200)),
    "oracles.models": (json.dumps({"gpt": MODEL}), {"gpt": ModelTable.model_validate(MODEL)}),
    "oracles.rules": (json.dumps({"large": ORACLE}), {"large": RuleOracleTable.model_validate(ORACLE)}),
    "auth.keys": (json.dumps([KEY]), [ApiKey.model_validate(KEY)]),
    "auth.oidc": (json.dumps(PROVIDER), Oidc.model_validate(PROVIDER)),
    "auth.session_seconds": ("36000", 36_000.0),
    "auth.idle_seconds": ("600", 600.0),
    "auth.calls_per_second": ("50", 50),
    "snapshots.url": ("s3://bucket/model", "s3://bucket/model"),
    "snapshots.key": ("k" * 32, SecretStr("k" * 32)),
    "snapshots.every_labels": ("500", 500),
    "snapshots.every_seconds": ("60", 60.0),
    "snapshots.keep": ("7", 7),
}
SECURED = {"STREAMSEL_REDIS__URL": "rediss://host:6379"}
SIGNING_IN = {
    "STREAMSEL_KAFKA__SASL_MECHANISM": "PLAIN",
    "STREAMSEL_KAFKA__SASL_USERNAME": "someone",
    "STREAMSEL_KAFKA__SASL_PASSWORD": "s3cret",
}
COMPANIONS = {
    "kafka.security_protocol": SIGNING_IN,
    "redis.ssl_cafile": SECURED,
    "redis.ssl_certfile": SECURED,
    "redis.ssl_keyfile": SECURED,
    "stream.hash": {"STREAMSEL_STREAM__HASH_KEY": "sixteen characters"},
    "snapshots.url": {"STREAMSEL_SNAPSHOTS__KEY": "k" * 32},
}
"""What must be set beside a key."""
TOML = f"""
[stream]
features = ["amount", "customer.age"]
exclude = ["note"]
[labels]
names = ["genuine", "fraud"]
[labels.guideline]
fraud = "Not the holder's doing."
[select]
budget = 0.1
[kafka]
bootstrap_servers = "broker:9092"
[[auth.keys]]
name = "ann"
scope = "reviewer"
sha256 = "{HASH}"
"""


def variable(key: str) -> str:
    return "STREAMSEL_" + key.replace(".", "__").upper()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "streamsel.toml"
    path.write_text(TOML, encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file here, and a hostile process environment that must not be looked at."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STREAMSEL_SELECT__BUDGET", "0.9")


def test_nothing_configured() -> None:
    """An empty environment and no file give the defaults."""
    assert load(None, {}) == Config()


def test_the_table_above_names_every_key() -> None:
    """A new key needs an example in this test."""
    every = {
        f"{section}.{key}"
        for section, field in Config.model_fields.items()
        for key in field.annotation.model_fields  # type: ignore[union-attr]
    }
    assert set(EXAMPLES) == every


@pytest.mark.parametrize("key", sorted(EXAMPLES))
def test_every_key_by_environment_variable(key: str) -> None:
    """STREAMSEL_SECTION__KEY sets the key, lists and tables as JSON, and nothing else."""
    written, meant = EXAMPLES[key]
    section, name = key.split(".")
    beside = COMPANIONS.get(key, {})
    loaded, default = load(None, {variable(key): written, **beside}), load(None, beside)
    assert getattr(getattr(loaded, section), name) == meant
    assert getattr(getattr(default, section), name) != meant
    other = loaded.model_dump()
    other[section][name] = default.model_dump()[section][name]
    assert other == default.model_dump()


def test_a_file(file: Path) -> None:
    """Sections and keys as in TOML, arrays of tables for the keys."""
    config = load(file, {})
    assert config.stream.features == ["amount", "customer.age"]
    assert config.labels.guideline == {"fraud": "Not the holder's doing."}
    assert config.auth.keys[0].name == "ann"
    assert config.select.explore == Config().select.explore


def test_the_environment_comes_before_the_file(file: Path) -> None:
    """A variable replaces the file's value and leaves its neighbours."""
    config = load(file, {"STREAMSEL_SELECT__BUDGET": "0.2", "STREAMSEL_KAFKA__GROUP": "g"})
    assert config.select.budget == 0.2
    assert (config.kafka.bootstrap_servers, config.kafka.group) == ("broker:9092", "g")


def test_an_empty_variable_counts_as_none(file: Path) -> None:
    """What a compose file passes on without a value changes nothing."""
    empty = {variable(key): "" for key in EXAMPLES}
    assert load(file, empty) == load(file, {})


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    """As container platforms mount them; the line's end is none of it. Other keys have no such variable."""
    (tmp_path / "password").write_text("redis://:s3cret@host\n", encoding="utf-8")
    config = load(None, {"STREAMSEL_REDIS__URL_FILE": str(tmp_path / "password")})
    assert config.redis.url == SecretStr("redis://:s3cret@host")
    with pytest.raises(ConfigurationError, match="unknown environment variable"):
        load(None, {"STREAMSEL_KAFKA__GROUP_FILE": str(tmp_path / "password")})


@pytest.mark.parametrize(
    ("beside", "said"),
    [({}, "No such file"), ({"STREAMSEL_REDIS__URL": "redis://host"}, "is set as well")],
)
def test_a_secret_from_no_file_or_from_two_places_is_refused(
    tmp_path: Path, beside: dict[str, str], said: str
) -> None:
    """The variable is named."""
    with pytest.raises(ConfigurationError, match=f"STREAMSEL_REDIS__URL_FILE: .*{said}"):
        load(None, {"STREAMSEL_REDIS__URL_FILE": str(tmp_path / "nowhere"), **beside})


def test_the_address_of_redis_names_the_certificates() -> None:
    """As redis-py takes them, behind what options there are."""
    files = {"ssl_cafile": Path("/etc/my ca.pem"), "ssl_certfile": Path("/etc/cert.pem")}
    redis = Redis(url=SecretStr("rediss://host/1?max_connections=50"), **files)
    assert redis.address == (
        "rediss://host/1?max_connections=50&ssl_ca_certs=%2Fetc%2Fmy+ca.pem&ssl_certfile=%2Fetc%2Fcert.pem"
    )


def test_the_file_lying_here_is_found(file: Path) -> None:
    """Without a path, streamsel.toml in the working directory is read."""
    assert load(None, {}) == load(file, {})


def test_variables_of_others_are_left_alone() -> None:
    """The path of the file, the tests' own variables and those of other programs are no keys."""
    environment = {"STREAMSEL_CONFIG": "x.toml", "STREAMSEL_TEST_KAFKA": "host:1", "STREAM": "x", "PATH": "/"}
    assert load(None, environment) == Config()


def test_star_is_every_feature_by_environment_too() -> None:
    """'*' is a word, not JSON."""
    assert load(None, {"STREAMSEL_STREAM__FEATURES": "*"}).stream.features == "*"


def test_the_schema_is_json_schema(file: Path) -> None:
    """The schema is valid draft 2020-12, accepts a right file, and refuses an unknown key and a bad value."""
    checker = jsonschema.Draft202012Validator
    checker.check_schema(schema())
    validator = checker(schema())
    validator.validate(tomllib.loads(file.read_text(encoding="utf-8")))
    validator.validate(json.loads(Config().model_dump_json()))
    wrong: list[dict[str, Any]] = [
        {"selct": {}},
        {"select": {"budgt": 0.1}},
        {"select": {"budget": 2}},
        {"labels": {"names": ["a"]}},
    ]
    assert [validator.is_valid(one) for one in wrong] == [False] * len(wrong)


def test_the_schema_explains_every_key_a_user_sets() -> None:
    """Each key of the stream, the labels, the model, the selection and the capacity has a description."""
    definitions = schema()["$defs"]
    for section in ("Stream", "Labels", "Model", "Select", "Capacity"):
        assert all("description" in field for field in definitions[section]["properties"].values())


def test_secrets_are_not_shown(file: Path) -> None:
    """Neither printing nor dumping a configuration shows a password, an address with one, or a key's hash."""
    config = load(
        file, {"STREAMSEL_KAFKA__SASL_PASSWORD": "s3cret", "STREAMSEL_REDIS__URL": "redis://:s3cret@h"}
    )
    assert config.kafka.sasl_password is not None
    assert config.kafka.sasl_password.get_secret_value() == "s3cret"
    for shown in (repr(config), str(config), config.model_dump_json(exclude={"auth"})):
        assert "s3cret" not in shown
        assert HASH not in shown


def test_a_configuration_is_frozen() -> None:
    """Nobody changes it while it runs."""
    with pytest.raises(ValueError, match="frozen"):
        Config().select.budget = 0.5  # type: ignore[misc]
