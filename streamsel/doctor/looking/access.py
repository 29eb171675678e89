"""Who may call, and what answers where the desk is to listen."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from typing import Literal
from urllib.parse import urlsplit

import httpx

from streamsel.config import Config
from streamsel.doctor.judging.access import AccessFacts, Wire
from streamsel.doctor.looking.store import address

_ANSWER_SECONDS = 2.0


async def look_at_access(config: Config) -> AccessFacts:
    """Asks for nothing but ``/healthz``."""
    host = "127.0.0.1" if _is_everywhere(config.desk.host) else config.desk.host
    where = f"http://{f'[{host}]' if ':' in host else host}:{config.desk.port}"
    return AccessFacts(
        keys=[(key.name, key.scope, key.sha256) for key in config.auth.keys],
        sign_in=config.auth.oidc is not None,
        wires=list(_wires(config)),
        address=where,
        console=await _answering(where) if config.desk.port else "silent",
    )


def _wires(config: Config) -> Iterator[Wire]:
    desk = config.desk
    yield Wire(
        "desk.host",
        f"http://{desk.host}:{desk.port}",
        _is_local(desk.host),
        "a proxy that speaks TLS in front of it, and desk.host = 127.0.0.1 or a network of their own",
    )
    if config.redis.url is not None:
        url = config.redis.url.get_secret_value()
        parts = urlsplit(url)
        yield Wire(
            "redis.url",
            address(url),
            parts.scheme in ("rediss", "unix") or _is_local(parts.hostname or ""),
            "redis.url = rediss://…, and redis.ssl_cafile if its certificate is signed by a CA of your own",
        )
    if config.kafka.bootstrap_servers is not None:
        hosts = [one.rpartition(":")[0].strip("[]") for one in config.kafka.bootstrap_servers.split(",")]
        yield Wire(
            "kafka.bootstrap_servers",
            config.kafka.bootstrap_servers,
            "SSL" in config.kafka.security_protocol.split("_") or all(map(_is_local, hosts)),
            "kafka.security_protocol = SASL_SSL, with a listener of the brokers that speaks it",
        )


def _is_everywhere(host: str) -> bool:
    return host in ("0.0.0.0", "::", "")  # noqa: S104 - compared, not bound


def _is_local(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def _answering(where: str) -> Literal["ours", "other", "silent"]:
    async with httpx.AsyncClient(timeout=_ANSWER_SECONDS, trust_env=False) as client:
        try:
            content = (await client.get(f"{where}/healthz")).json()
        except httpx.TransportError:
            return "silent"
        except ValueError:
            return "other"
    return "ours" if content == {"status": "alive"} else "other"
