"""What the doctor makes of facts: each thing that can be wrong is one finding, with its mend."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from hashlib import sha256

import pytest

from streamsel.doctor.finding import Finding, healthy
from streamsel.doctor.judging.access import AccessFacts, Wire, judge_access
from streamsel.doctor.judging.broker import BrokerFacts, Fault, Topic, judge_broker
from streamsel.doctor.judging.clocks import judge_clocks
from streamsel.doctor.judging.disk import Directory, judge_disk
from streamsel.doctor.judging.model import LogFacts, SnapshotFacts, judge_log, judge_model, judge_snapshots
from streamsel.doctor.judging.store import StoreFacts, judge_store
from streamsel.doctor.kafka_rights import kafka_rights
from streamsel.doctor.roles import BOTH

GIB = 1 << 30
DAY_MS = 86_400_000
RIGHTS = kafka_rights("", "streamsel", BOTH)
TOPIC = Topic(partitions=1, replicas=3, in_sync=3, min_insync=2, retention_ms=7 * DAY_MS)
BROKER = BrokerFacts(
    "broker:9092",
    brokers=3,
    session_limits_ms=(6_000, 1_800_000),
    topics=dict.fromkeys(RIGHTS.topics, TOPIC),
)
STORE = StoreFacts(
    "redis://store:6379",
    version="9.1.2",
    policy="noeviction",
    appendonly=True,
    appendfsync="always",
    used_bytes=10 << 20,
    limit_bytes=GIB,
    machine_bytes=8 * GIB,
)
ACCESS = AccessFacts(
    keys=[("ann", "lead", sha256(b"hRkq0pMv").hexdigest())],
    sign_in=False,
    wires=[Wire("redis.url", "rediss://store", safe=True, mend="")],
    address="http://127.0.0.1:8080",
    console="ours",
)


def broker(facts: BrokerFacts, session_seconds: float = 6.0) -> list[Finding]:
    return list(judge_broker(facts, RIGHTS, 1, 3, session_seconds))


def store(facts: StoreFacts, *, with_logs: bool = False) -> list[Finding]:
    return list(judge_store(facts, 40, with_logs=with_logs))


def found(findings: Iterable[Finding], check: str) -> Finding:
    """The one of that name that is not ok."""
    (one,) = [finding for finding in findings if finding.check == check and finding.status != "ok"]
    return one


def test_nothing_is_found_where_all_is_well() -> None:
    """Sound facts make findings that are ok, and no other."""
    findings = [
        *broker(BROKER),
        *store(STORE, with_logs=True),
        *judge_clocks(0.1, {"events": -5.0}),
        *judge_disk([Directory("redis.data_dir", "/data", writable=True, free_bytes=50 * GIB)]),
        judge_model("logistic", ""),
        judge_log(LogFacts(10, 10)),
        *judge_snapshots(SnapshotFacts(newest="1.snapshot"), LogFacts(10, 10)),
        *judge_access(ACCESS),
    ]
    assert {finding.status for finding in findings} == {"ok"}
    assert healthy(findings)


@pytest.mark.parametrize(
    ("change", "check", "status", "mend"),
    [
        ({"unreachable": "refused"}, "kafka.reachable", "fail", "kafka.bootstrap_servers"),
        (
            {"topics": {**BROKER.topics, "labels": None}},
            "kafka.topics",
            "warn",
            "streamsel serve",
        ),
        ({"faults": [Fault("labels is compacted", "the mend")]}, "kafka.topics", "fail", "the mend"),
        (
            {"topics": {"labels": replace(TOPIC, replicas=1, in_sync=1, min_insync=1)}},
            "kafka.replication",
            "warn",
            "replication_factor = 3",
        ),
        (
            {"topics": {"labels": replace(TOPIC, min_insync=1)}},
            "kafka.replication",
            "warn",
            "min.insync.replicas=2",
        ),
        ({"topics": {"labels": replace(TOPIC, in_sync=1)}}, "kafka.replication", "fail", "brokers back"),
        (
            {"topics": {"events": replace(TOPIC, retention_ms=3_600_000)}},
            "kafka.retention",
            "warn",
            "--entity-name events --add-config retention.ms=604800000",
        ),
        ({"session_limits_ms": (10_000, 60_000)}, "kafka.session", "fail", "kafka.session_seconds = 10"),
        ({"session_limits_ms": None}, "kafka.session", "unknown", "DescribeConfigs"),
        (
            {"denied": {"labels": {"Write"}}},
            "kafka.rights",
            "fail",
            "--operation Write --topic labels",
        ),
        ({"denied_groups": {"streamsel"}}, "kafka.rights", "fail", "--operation Read --group streamsel"),
    ],
)
def test_what_is_wrong_with_kafka(change: dict[str, object], check: str, status: str, mend: str) -> None:
    """Each under its own name, with a command or a key that mends it."""
    finding = found(broker(replace(BROKER, **change)), check)  # type: ignore[arg-type]
    assert finding.status == status
    assert mend in finding.mend


def test_events_that_are_kept_for_ever_are_kept_long_enough() -> None:
    """Kafka writes that as -1."""
    findings = broker(replace(BROKER, topics={"events": replace(TOPIC, retention_ms=-1)}))
    assert [one.status for one in findings if one.check == "kafka.retention"] == ["ok"]


@pytest.mark.parametrize(
    ("change", "with_logs", "check", "status", "mend"),
    [
        ({"unreachable": "refused"}, False, "redis.reachable", "fail", "redis.url"),
        ({"version": "6.2.14"}, False, "redis.version", "fail", "Redis 7"),
        ({"version": ""}, False, "redis.version", "unknown", "+info"),
        ({"policy": "allkeys-lru"}, False, "redis.eviction", "fail", "maxmemory-policy noeviction"),
        ({"appendonly": False}, False, "redis.durability", "warn", "appendonly yes"),
        ({"appendonly": False}, True, "redis.durability", "fail", "appendonly yes"),
        ({"appendfsync": "everysec"}, False, "redis.durability", "warn", "appendfsync always"),
        ({"appendfsync": "everysec"}, True, "redis.durability", "fail", "appendfsync always"),
        ({"appendfsync": None}, True, "redis.durability", "unknown", "+config|get"),
        ({"failing": ["its last write"]}, False, "redis.persistence", "fail", "free space"),
        ({"used_bytes": GIB - 1}, False, "redis.memory", "fail", "maxmemory"),
        ({"used_bytes": GIB * 9 // 10}, False, "redis.memory", "warn", "maxmemory"),
        ({"limit_bytes": 0}, False, "redis.memory", "warn", "maxmemory"),
        ({"denied": ["+zadd"]}, False, "redis.rights", "fail", "+zadd"),
        ({"denied": None}, False, "redis.rights", "unknown", "+multi"),
    ],
)
def test_what_is_wrong_with_redis(
    change: dict[str, object], with_logs: bool, check: str, status: str, mend: str
) -> None:
    """Where the logs are kept there too, what would lose a claim would lose a label."""
    finding = found(store(replace(STORE, **change), with_logs=with_logs), check)  # type: ignore[arg-type]
    assert finding.status == status
    assert mend in finding.mend


@pytest.mark.parametrize(
    ("redis_ahead", "events_ahead", "check"),
    [(3.0, {}, "clocks.redis"), (-3.0, {}, "clocks.redis"), (0.0, {"events": 9.0}, "clocks.events")],
)
def test_clocks_that_disagree(redis_ahead: float, events_ahead: dict[str, float], check: str) -> None:
    """Redis's either way; an event's only when it is from the future, for an old one may just be old."""
    assert "chrony" in found(judge_clocks(redis_ahead, events_ahead), check).mend


@pytest.mark.parametrize(
    ("writable", "free", "check", "status"),
    [(False, 50 * GIB, "disk.writable", "fail"), (True, GIB - 1, "disk.free", "warn")],
)
def test_directories(writable: bool, free: int, check: str, status: str) -> None:
    """One that can't be written, or soon can't."""
    facts = [Directory("snapshots.url", "/models", writable=writable, free_bytes=free)]
    assert found(judge_disk(facts), check).status == status


@pytest.mark.parametrize(
    ("finding", "status"),
    [
        (judge_model("own", "no module"), "fail"),
        (judge_log(LogFacts(unreachable="away")), "unknown"),
        (judge_log(LogFacts(9, 9, [(3, "kind is missing")])), "warn"),
        (*judge_snapshots(SnapshotFacts(unavailable="denied"), LogFacts()), "fail"),
        (*judge_snapshots(SnapshotFacts(newest="1", refused="signature"), LogFacts()), "warn"),
        (*judge_snapshots(None, LogFacts(1_000_000)), "warn"),
        (*judge_snapshots(None, LogFacts(10)), "ok"),
    ],
)
def test_model_log_and_snapshots(finding: Finding, status: str) -> None:
    """What keeps a selector from starting fails; what only makes it slow, or leaves something out, warns."""
    assert finding.status == status
    assert bool(finding.mend) == (status != "ok")


@pytest.mark.parametrize(
    ("change", "check", "status"),
    [
        ({"keys": []}, "auth.callers", "fail"),
        ({"keys": [("shop", "producer", "0" * 64)]}, "auth.callers", "warn"),
        ({"keys": [("ann", "lead", sha256(b"changeme").hexdigest())]}, "auth.keys", "fail"),
        ({"keys": [("Ann", "lead", sha256(b"ann").hexdigest())]}, "auth.keys", "fail"),
        ({"wires": [Wire("redis.url", "redis://store", safe=False, mend="TLS")]}, "auth.wire", "warn"),
        ({"console": "other"}, "desk.answers", "fail"),
        ({"console": "silent"}, "desk.answers", "unknown"),
    ],
)
def test_who_may_call_and_over_which_wire(change: dict[str, object], check: str, status: str) -> None:
    """Nobody, everybody who guesses, and everybody who listens."""
    assert found(judge_access(replace(ACCESS, **change)), check).status == status  # type: ignore[arg-type]


def test_a_provider_alone_lets_people_in() -> None:
    """No key is needed then."""
    statuses = {one.status for one in judge_access(replace(ACCESS, keys=[], sign_in=True))}
    assert statuses == {"ok"}
