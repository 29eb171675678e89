"""Kafka over TLS, signed in by password or by certificate; and who can't come in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from streamsel.config.servers import Kafka
from streamsel.doctor.kafka_rights import kafka_rights
from streamsel.doctor.roles import BOTH
from streamsel.ports import SourceUnavailable
from streamsel.wiring.logs import kafka_logs
from tests.security.certificates import Certificates
from tests.security.secured_kafka import SecuredKafka

pytestmark = pytest.mark.kafka

PASSWORD = "pass phrase, with 'quotes' = and ünïcode"


def by_password(broker: SecuredKafka, certificates: Certificates, prefix: str) -> Kafka:
    """A user that signs in by SCRAM, and the brokers known by our CA."""
    broker.add_user(prefix, PASSWORD)
    return Kafka(
        bootstrap_servers=broker.scram,
        prefix=f"{prefix}.",
        group=prefix,
        security_protocol="SASL_SSL",
        sasl_mechanism="SCRAM-SHA-512",
        sasl_username=prefix,
        sasl_password=SecretStr(PASSWORD),
        ssl_cafile=certificates.ca,
    )


def by_certificate(broker: SecuredKafka, certificates: Certificates, prefix: str) -> Kafka:
    """A user known by the name in a certificate that our CA has signed."""
    issued = certificates.client(prefix)
    return Kafka(
        bootstrap_servers=broker.mutual,
        prefix=f"{prefix}.",
        group=prefix,
        security_protocol="SSL",
        ssl_cafile=certificates.ca,
        ssl_certfile=issued.certificate,
        ssl_keyfile=issued.key,
    )


SignedIn = Callable[[SecuredKafka, Certificates, str], Kafka]


@pytest.mark.parametrize("signed_in", [by_password, by_certificate])
async def test_labels_go_into_the_log_and_come_back(
    broker: SecuredKafka, certificates: Certificates, prefix: str, signed_in: SignedIn
) -> None:
    """By either way of signing in, with the rights of the service and no others."""
    settings = signed_in(broker, certificates, prefix)
    await broker.make_topics(settings.prefix)
    broker.allow(kafka_rights(settings.prefix, settings.group, BOTH).acls(f"User:{prefix}"))
    logs = await kafka_logs(settings)
    try:
        assert await logs.labels.append([b"one", b"two"]) == [0, 1]
        assert await logs.labels.read(0, 10, 5.0) == [(0, b"one"), (1, b"two")]
    finally:
        await logs.close()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"sasl_password": SecretStr("not it, s3cret")}, id="another password"),
        pytest.param({"sasl_username": "nobody"}, id="nobody"),
        pytest.param({"ssl_cafile": "other_ca"}, id="a broker that nobody we trust vouches for"),
        pytest.param({"security_protocol": "SASL_PLAINTEXT"}, id="no TLS"),
    ],
)
async def test_who_does_not_prove_who_they_are_gets_nothing(
    broker: SecuredKafka,
    certificates: Certificates,
    prefix: str,
    change: dict[str, object],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The refusal says where, and shows no password; nor do the logs of the client."""
    if change.get("ssl_cafile") == "other_ca":
        change = {"ssl_cafile": certificates.other_ca}
    settings = by_password(broker, certificates, prefix).model_copy(update=change)
    with pytest.raises(SourceUnavailable, match=broker.scram) as refused:
        await kafka_logs(settings)
    told = str(refused.value) + caplog.text
    assert PASSWORD not in told
    assert "s3cret" not in told


@pytest.mark.parametrize("certfile", [None, "other"])
async def test_without_a_certificate_there_is_no_way_in(
    broker: SecuredKafka, certificates: Certificates, tmp_path: Path, prefix: str, certfile: str | None
) -> None:
    """Nor with one that another CA has signed."""
    settings = by_certificate(broker, certificates, prefix)
    issued = Certificates(tmp_path).client(prefix) if certfile else None
    update = {
        "ssl_certfile": issued.certificate if issued else None,
        "ssl_keyfile": issued.key if issued else None,
    }
    with pytest.raises(SourceUnavailable, match=broker.mutual):
        await kafka_logs(settings.model_copy(update=update))
