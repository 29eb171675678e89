"""The whole service over encrypted wires, each process as a user with the rights its doctor names."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from loadtest.outside.calling import Caller, calling
from loadtest.outside.service_process import Sections, ServiceProcess, Services, auth
from loadtest.outside.transactions import LABELS, transaction, truth
from loadtest.outside.waiting import until
from streamsel.config import Config, load
from streamsel.doctor.acl import acl_of
from streamsel.doctor.examination import examined
from streamsel.doctor.roles import ProcessRole, roles_of
from tests.security.certificates import Certificates
from tests.security.secured_kafka import SecuredKafka
from tests.security.secured_redis import SecuredRedis

pytestmark = [pytest.mark.redis, pytest.mark.slow]

ROLES: tuple[ProcessRole, ...] = ("selector", "desk")
EVENTS = 300
LABELLED = 5


class Deployment:
    """A process for each role, as a user of that role's name on every server."""

    def __init__(self, directory: Path, prefix: str, redis: SecuredRedis, certificates: Certificates) -> None:
        self.keys: dict[str, str] = {}
        self._auth = auth(self.keys, ann="reviewer", shop="producer")
        self._redis = redis
        self._certificates = certificates
        self._prefix = prefix
        self._services: dict[ProcessRole, Services] = {}
        self.files: dict[ProcessRole, Path] = {}
        for role in ROLES:
            folder = directory / role
            folder.mkdir()
            self._services[role] = Services(folder)

    def configure(self, role: ProcessRole, sections: Sections) -> Config:
        """Its user on Redis, with the rights that are printed for it; ``sections`` beside those of all."""
        user, password = f"{self._prefix}-{role}", f"s3cret-{secrets.token_hex(8)}"
        issued = self._certificates.client(user)
        redis = {
            "prefix": self._prefix,
            "url": self._redis.url(user, password),
            "ssl_cafile": str(self._certificates.ca),
            "ssl_certfile": str(issued.certificate),
            "ssl_keyfile": str(issued.key),
        }
        self.files[role] = self._services[role].configured(
            {
                "labels": LABELS,
                "select": {"budget": 0.2},
                "capacity": {"fill_seconds": 1.0},
                "auth": self._auth,
                "redis": redis,
                **sections,
            }
        )
        config = load(self.files[role], {})
        rule = acl_of(config, roles_of(role)).redis.removeprefix("user ")
        self._redis.set_user(rule.replace(">PASSWORD", f">{password}"))
        return config

    def start(self, role: ProcessRole) -> ServiceProcess:
        return self._services[role].start(self.files[role], role)

    @contextmanager
    def ended(self) -> Iterator[None]:
        """Ends all processes with the block."""
        try:
            yield
        finally:
            for services in self._services.values():
                services.end_all()


@pytest.fixture
def deployment(
    tmp_path: Path, prefix: str, redis_server: SecuredRedis, certificates: Certificates
) -> Iterator[Deployment]:
    deployed = Deployment(tmp_path, prefix, redis_server, certificates)
    redis_server.admin.execute_command("ACL", "LOG", "RESET")
    with deployed.ended():
        yield deployed


async def events_become_labels(deployment: Deployment) -> None:
    """Events go in over HTTP, are selected, asked about, answered and learned; and no secret is told."""
    processes = {role: deployment.start(role) for role in ROLES}
    desk, selector = await processes["desk"].ready(), await processes["selector"].ready()
    async with calling(desk, deployment.keys["shop"]) as shop:
        await shop.send([transaction(number) for number in range(EVENTS)])
    async with (
        calling(desk, deployment.keys["ann"]) as ann,
        calling(selector, deployment.keys["ann"]) as model,
    ):
        for _ in range(LABELLED):
            await answer(ann)
        await until(lambda: learned(model), what="the labels are learned")
    for process in processes.values():
        told = process.output + await metrics(await process.ready())
        assert not [secret for secret in ("s3cret", *deployment.keys.values()) if secret in told]
        assert await process.end() < (1, 20.0)


async def answer(ann: Caller) -> None:
    (claim,) = await ann.claim(wait_seconds=20.0)
    assert (await ann.label(claim, truth(claim["query"]))).status_code == httpx.codes.CREATED


async def metrics(url: str) -> str:
    async with httpx.AsyncClient() as client:
        return (await client.get(f"{url}/metrics")).raise_for_status().text


async def learned(selector: Caller) -> bool:
    return bool((await selector.model())["labels_learned"] == LABELLED)


async def nothing_is_refused(deployment: Deployment, redis: SecuredRedis) -> None:
    """Neither by the server's own account, nor by the doctor's."""
    assert redis.admin.execute_command("ACL", "LOG") == []
    for role in ROLES:
        findings = await examined(load(deployment.files[role], {}), roles_of(role))
        rights = {one.check: one.status for one in findings if one.check.endswith("rights")}
        assert set(rights.values()) == {"ok"}
        assert [one for one in findings if one.status == "fail"] == []


async def test_with_all_logs_on_redis(deployment: Deployment, redis_server: SecuredRedis) -> None:
    """TLS, a certificate of its own and the ACL that is printed are all that a process needs."""
    for role in ROLES:
        deployment.configure(role, {})
    await events_become_labels(deployment)
    await nothing_is_refused(deployment, redis_server)


@pytest.mark.kafka
async def test_with_the_logs_on_kafka(
    deployment: Deployment,
    redis_server: SecuredRedis,
    broker: SecuredKafka,
    certificates: Certificates,
    prefix: str,
) -> None:
    """SCRAM over TLS and the ACLs that are printed; an operator has made the topics."""
    await broker.make_topics(f"{prefix}.")
    for role in ROLES:
        user, password = f"{prefix}-{role}", f"s3cret-{secrets.token_hex(8)}"
        broker.add_user(user, password)
        kafka: Mapping[str, object] = {
            "bootstrap_servers": broker.scram,
            "prefix": f"{prefix}.",
            "group": prefix,
            "security_protocol": "SASL_SSL",
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_username": user,
            "sasl_password": password,
            "ssl_cafile": str(certificates.ca),
        }
        config = deployment.configure(role, {"kafka": kafka})
        broker.allow(acl_of(config, roles_of(role)).kafka)
    await events_become_labels(deployment)
    await nothing_is_refused(deployment, redis_server)
