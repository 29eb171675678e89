"""The least rights are as much as the doctor says, and it notices each that is missing."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib import resources

import pytest

from streamsel.config import Config
from streamsel.doctor.acl import acl_of
from streamsel.doctor.finding import Finding
from streamsel.doctor.judging.broker import judge_broker
from streamsel.doctor.kafka_rights import kafka_rights
from streamsel.doctor.looking.broker import look_at_broker
from streamsel.doctor.looking.redis_probes import denied
from streamsel.doctor.redis_rights import PARTS, Rights, redis_rights
from streamsel.doctor.roles import BOTH
from tests.security.certificates import Certificates
from tests.security.secured_kafka import SecuredKafka
from tests.security.secured_redis import SecuredRedis
from tests.security.test_kafka_wire import by_password

SCRIPTS = [
    resources.files("streamsel.adapters").joinpath(name).read_text(encoding="utf-8")
    for name in ("desk.lua", "redis_streams_group.lua")
]


def test_the_commands_of_the_scripts_are_granted_and_no_others() -> None:
    """A command that a script begins to call, or calls no more, is noticed here."""
    granted = {part.does: set(part.commands.split()) for part in PARTS}
    for script, does, beside in (
        (SCRIPTS[0], "keeps the desk", {"fcall", "function|load", "subscribe", "unsubscribe"}),
        (SCRIPTS[1], "shares the partitions", {"evalsha", "script|load"}),
    ):
        called = {name.lower() for name in re.findall(r"call\('([A-Z]+)'", script)}
        assert granted[does] == called | beside


def test_the_keys_of_the_desk_are_those_of_its_header() -> None:
    """Each of the header's names is granted, and none that is not there."""
    header = SCRIPTS[0].partition("-- ARGV")[0]
    lines = re.findall(r"^--   (\S[^\n]*?) +(?:HASH|ZSET|SET|LIST)", header, re.MULTILINE)
    named = {re.sub("<.*>", "*", name) for line in lines for name in line.split()}
    (part,) = [part for part in PARTS if part.does == "keeps the desk"]
    assert {key for key in part.keys.split(" ") if key} == named


@pytest.mark.redis
async def test_every_right_on_redis_that_is_missing_is_named(redis_server: SecuredRedis, prefix: str) -> None:
    """With all of them nothing is; without one, that one; and nothing was done to find it out."""
    whole = redis_rights(prefix, BOTH, with_logs=True)
    cases: list[tuple[Rights, list[str] | None]] = [(whole, [])]
    for command in whole.commands:
        lacking = replace(whole, commands=tuple(one for one in whole.commands if one != command))
        cases.append((lacking, None if command == "multi" else [f"+{command}"]))
    cases += [
        (replace(whole, keys=tuple(one for one in whole.keys if one != key)), [f"~{key}"])
        for key in whole.keys
    ]
    cases.append((replace(whole, channels=()), [f"&{channel}" for channel in whole.channels]))
    for has, expected in cases:
        redis_server.set_user(has.rule(prefix, "s3cret"))
        client = redis_server.client(prefix, "s3cret")
        assert await denied(client, whole) == expected
        await client.aclose()
    assert redis_server.admin.keys(f"*{prefix}*") == []


@pytest.mark.kafka
async def test_every_right_on_kafka_that_is_missing_is_named(
    broker: SecuredKafka, certificates: Certificates, prefix: str
) -> None:
    """With all of them nothing is; without those of a topic or group, that one; and nothing is written."""
    kafka = by_password(broker, certificates, prefix)
    config = Config(kafka=kafka)
    await broker.make_topics(kafka.prefix)
    commands = acl_of(config, BOTH).kafka
    broker.allow(line.replace("User:streamsel", f"User:{prefix}") for line in commands)
    assert await missing_rights(config) == []
    for line in commands:
        command = line.replace("User:streamsel", f"User:{prefix}")
        broker.forbid(command)
        (finding,) = await missing_rights(config)
        assert finding.mend.split("User:…")[1].split(" (")[0] == command.split(prefix, 1)[1]
        broker.allow([command])
    rights = kafka_rights(kafka.prefix, kafka.group, BOTH)
    assert await broker.records(rights.topics) == 0


async def missing_rights(config: Config) -> list[Finding]:
    """What the doctor says of rights on Kafka, but that they are as they should be."""
    seen = await look_at_broker(config, BOTH)
    assert not seen.facts.unreachable
    findings = judge_broker(seen.facts, seen.rights, 1, 1, 6.0)
    return [one for one in findings if one.check == "kafka.rights" and one.status != "ok"]
