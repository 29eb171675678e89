"""Where the logs and the desk's store are, and how to speak to their servers."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlencode

from pydantic import Field, SecretStr, model_validator

from streamsel.config.base import Positive, Seconds, Section


class Kafka(Section):
    """An Apache Kafka cluster; without bootstrap_servers the logs run on Redis streams."""

    bootstrap_servers: str | None = Field(None, description="host:port, comma-separated.")
    group: str = Field("streamsel", min_length=1, description="Consumer group of the selectors.")
    session_seconds: Seconds = Field(
        6.0,
        description="A selector that died is missed after this long, and its partitions go to others. "
        "Brokers refuse less than their group.min.session.timeout.ms.",
    )
    prefix: str = Field("", description="Put before every topic's name, e.g. 'payments.'.")
    partitions: Positive = Field(1, description="Of the events topic, if it must be created.")
    replication_factor: Positive = Field(1, description="Of topics that must be created.")
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="What the brokers' listener speaks: SSL encrypts, SASL signs in by password."
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = Field(
        None, description="How to sign in, where security_protocol begins with SASL."
    )
    sasl_username: str | None = Field(None, description="Who signs in.")
    sasl_password: SecretStr | None = Field(None, description="Their password.")
    ssl_cafile: Path | None = Field(
        None, description="Certificates of those who may vouch for a broker; the system's without it."
    )
    ssl_certfile: Path | None = Field(
        None, description="Our certificate, where brokers ask for one, and its chain."
    )
    ssl_keyfile: Path | None = Field(None, description="Its key, if that is not in ssl_certfile.")

    @model_validator(mode="after")
    def _can_sign_in(self) -> Self:
        if self.security_protocol.startswith("SASL"):
            for key in ("sasl_mechanism", "sasl_username", "sasl_password"):
                if getattr(self, key) is None:
                    raise ValueError(f"security_protocol {self.security_protocol} needs {key}")
        return self


class Redis(Section):
    """A Redis 7 or Valkey server; without url an embedded Valkey keeps its data under data_dir."""

    url: SecretStr | None = Field(
        None, description="redis://, rediss:// or unix:// address, with credentials if any."
    )
    ssl_cafile: Path | None = Field(
        None,
        description="Certificates of those who may vouch for a rediss:// server; the system's without it.",
    )
    ssl_certfile: Path | None = Field(None, description="Our certificate, where the server asks for one.")
    ssl_keyfile: Path | None = Field(None, description="Its key, if that is not in ssl_certfile.")
    prefix: str = Field("streamsel", pattern=r"^[\w.-]+$", description="Of every key.")
    data_dir: Path = Field(Path(".streamsel"), description="Where the embedded server keeps its data.")

    @model_validator(mode="after")
    def _encrypted(self) -> Self:
        given = [
            key for key in ("ssl_cafile", "ssl_certfile", "ssl_keyfile") if getattr(self, key) is not None
        ]
        if given and not (self.url and self.url.get_secret_value().startswith("rediss://")):
            raise ValueError(f"{given[0]} needs a url that begins with rediss://")
        return self

    @property
    def address(self) -> str | None:
        """The url, completed by the certificates as redis-py takes them; ``None`` without a url."""
        if self.url is None:
            return None
        files = {
            "ssl_ca_certs": self.ssl_cafile,
            "ssl_certfile": self.ssl_certfile,
            "ssl_keyfile": self.ssl_keyfile,
        }
        options = urlencode({name: str(path) for name, path in files.items() if path is not None})
        url = self.url.get_secret_value()
        return f"{url}{'&' if '?' in url else '?'}{options}" if options else url
