"""The doctor at a real deployment: what it sees, what it says, and how it ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import pytest
from aiokafka.admin import NewTopic
from pydantic import SecretStr

from streamsel.adapters.embedded import EmbeddedValkey
from streamsel.adapters.kafka import KafkaCluster
from streamsel.adapters.kafka_topics import KafkaTopics
from streamsel.adapters.local_kafka import LocalKafka
from streamsel.config import ApiKey, Config
from streamsel.config.auth import Auth
from streamsel.config.sections import Model
from streamsel.config.servers import Kafka, Redis
from streamsel.doctor.examination import examined
from streamsel.doctor.finding import Finding, healthy
from streamsel.doctor.roles import BOTH
from tests.cli.typed import streamsel
from tests.servers import GivenKafka

AUTH = Auth(keys=[ApiKey(name="ann", scope="lead", sha256=sha256(b"hRkq0pMv").hexdigest())])


def statuses(findings: Sequence[Finding]) -> dict[str, str]:
    """By check, the last of that name."""
    return {finding.check: finding.status for finding in findings}


def test_before_the_first_start_nothing_fails_and_nothing_is_made(tmp_path: Path) -> None:
    """An embedded server and its logs come with the start."""
    findings = asyncio.run(examined(Config(auth=AUTH, redis=Redis(data_dir=tmp_path / "data")), BOTH))
    assert healthy(findings)
    assert list(tmp_path.iterdir()) == []


async def test_a_model_that_cannot_be_built_fails(tmp_path: Path) -> None:
    """Before any event is lost on it."""
    config = Config(model=Model(factory="nowhere:model"), redis=Redis(data_dir=tmp_path / "data"))
    findings = await examined(config, BOTH)
    assert statuses(findings)["model.builds"] == "fail"


def test_a_server_that_is_not_there_fails_with_the_mend(tmp_path: Path) -> None:
    """Exit 1; the address is told, the password is not; what could not be seen is unknown."""
    (tmp_path / "streamsel.toml").write_text('[redis]\nurl = "redis://:s3cret@127.0.0.1:1"\n')
    ran = streamsel(tmp_path, "doctor", "--json")
    report = json.loads(ran.stdout)
    assert (ran.returncode, report["ok"]) == (1, False)
    (finding,) = [one for one in report["findings"] if one["check"] == "redis.reachable"]
    assert finding["status"] == "fail"
    assert "redis://127.0.0.1:1" in finding["means"]
    assert "redis.url" in finding["mend"]
    assert report["counts"]["unknown"] >= 1
    assert "s3cret" not in ran.stdout + ran.stderr


def test_a_wrong_configuration_is_no_finding_but_the_end(tmp_path: Path) -> None:
    """Exit 2, as of every command."""
    (tmp_path / "streamsel.toml").write_text("[selekt]\nbudget = 1\n")
    ran = streamsel(tmp_path, "doctor", "--json")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "did you mean 'select'?" in ran.stderr


@pytest.mark.kafka
async def test_a_real_broker_and_a_real_store(
    kafka: LocalKafka | GivenKafka, valkey: EmbeddedValkey, prefix: str
) -> None:
    """A label log that is there, and would lose labels after a day, fails; all else is seen as it is."""
    labels = KafkaTopics.under(f"{prefix}.").labels
    await make_kept_for_a_day(KafkaCluster(kafka.bootstrap_servers), labels)
    config = Config(
        auth=AUTH,
        kafka=Kafka(bootstrap_servers=kafka.bootstrap_servers, prefix=f"{prefix}.", group=prefix),
        redis=Redis(url=SecretStr(valkey.url), prefix=prefix),
    )
    findings = await examined(config, BOTH)
    (finding,) = [one for one in findings if one.status == "fail"]
    assert finding.check == "kafka.topics"
    assert f"--entity-name {labels} --add-config retention.ms=-1" in finding.mend
    seen = statuses(findings)
    for check in ("kafka.reachable", "kafka.rights", "kafka.session", "model.log", "clocks.redis"):
        assert seen[check] == "ok", check
    for name in ("reachable", "rights", "version", "eviction", "durability"):
        assert seen[f"redis.{name}"] == "ok", name
    assert seen["kafka.replication"] == "warn"


async def make_kept_for_a_day(cluster: KafkaCluster, topic: str) -> None:
    """As an operator does who has not read what the label log is."""
    settings = {"retention.ms": "86400000", "max.message.bytes": "4259840"}
    admin = cluster.admin()
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, 1, 1, topic_configs=settings)])
    finally:
        await admin.close()
