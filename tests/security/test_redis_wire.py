"""Redis over TLS with a certificate of our own, as a user of its ACL; and who can't come in."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from pydantic import SecretStr

from streamsel.config import Config
from streamsel.config.servers import Redis
from streamsel.doctor.redis_rights import redis_rights
from streamsel.doctor.roles import BOTH
from streamsel.review.refusals import DeskUnreachable
from streamsel.wiring.opening import opened_logs, opened_review_queue
from tests.security.certificates import Certificates
from tests.security.secured_redis import SecuredRedis

pytestmark = pytest.mark.redis

PASSWORD = "s3cret-of-redis"


@pytest.fixture
def config(redis_server: SecuredRedis, certificates: Certificates, prefix: str) -> Config:
    """Of a service with all its logs on Redis, whose user has the least rights."""
    rights = redis_rights(prefix, BOTH, with_logs=True)
    redis_server.set_user(rights.rule(prefix, PASSWORD))
    issued = certificates.client(prefix)
    redis = Redis(
        url=SecretStr(redis_server.url(prefix, PASSWORD)),
        ssl_cafile=certificates.ca,
        ssl_certfile=issued.certificate,
        ssl_keyfile=issued.key,
        prefix=prefix,
    )
    return Config(redis=redis)


async def test_logs_and_desk_work_over_tls(config: Config) -> None:
    """A label goes into the log and comes back; the desk's script is loaded and answers."""
    async with opened_logs(config) as logs:
        assert await logs.labels.append([b"one"]) == [0]
        assert await logs.labels.read(0, 10, 0.0) == [(0, b"one")]
    async with opened_review_queue(config) as queue:
        assert (await queue.status()).waiting == {}


# asyncio leaves the transport of a handshake that failed to the garbage collector.
@pytest.mark.filterwarnings("ignore:.*:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"url": "another password"}, id="another password"),
        pytest.param({"ssl_cafile": "other"}, id="a server that nobody we trust vouches for"),
        pytest.param({"ssl_certfile": None, "ssl_keyfile": None}, id="no certificate"),
        pytest.param({"url": "plain", "ssl_certfile": None}, id="no TLS"),
    ],
)
async def test_who_does_not_prove_who_they_are_gets_nothing(
    config: Config,
    certificates: Certificates,
    change: Mapping[str, object],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The refusal shows no password; nor does the log."""
    assert config.redis.url is not None
    url = config.redis.url.get_secret_value()
    meant: dict[str, object] = {
        "another password": SecretStr(url.replace(PASSWORD, "n0t-s3cret")),
        "plain": SecretStr(url.replace("rediss:", "redis:")),
        "other": certificates.other_ca,
    }
    update = {key: meant.get(str(value), value) for key, value in change.items()}
    if change.get("url") == "plain":
        update |= {"ssl_cafile": None, "ssl_keyfile": None}
    changed = config.model_copy(update={"redis": config.redis.model_copy(update=update)})
    with pytest.raises(DeskUnreachable) as refused:
        async with opened_review_queue(changed):
            pass
    told = str(refused.value) + caplog.text
    assert PASSWORD not in told
    assert "n0t-s3cret" not in told
