"""Who may call: keys of programs and people, and the provider that people sign in at."""

from __future__ import annotations

from typing import Annotated, Self
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator

from streamsel.config.base import Positive, Seconds, Section
from streamsel.review.roles import Role

NAME_PATTERN = r"^[\w.@ -]+$"
"""Of a caller: nothing that could be mistaken for something else in a log or a list."""
LONGEST_NAME = 64

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def is_safe(url: SplitResult) -> bool:
    """Whether what is sent there goes over TLS, or never leaves this machine."""
    return url.scheme == "https" or (url.scheme == "http" and url.hostname in _LOOPBACK)


def _safe_address(url: str) -> str:
    parts = urlsplit(url)
    if not is_safe(parts):
        raise ValueError("must be an https:// address")
    if not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError("must be a plain address, without user, query or fragment")
    return url


SafeAddress = Annotated[str, AfterValidator(_safe_address)]
"""Over TLS, unless it never leaves this machine."""


class ApiKey(Section):
    """One key: who it is, what it may do, and the SHA-256 of the secret.

    ``streamsel config key`` makes one.
    """

    name: str = Field(min_length=1, max_length=LONGEST_NAME, pattern=NAME_PATTERN)
    scope: Role
    tier: Positive = Field(1, description="Skill: the caller may claim from queues up to this tier.")
    queues: list[str] | None = Field(None, description="The only queues to claim from; all, if left out.")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", repr=False)


class Oidc(Section):
    """An OpenID Connect provider for people: whoever it vouches for and has one of the roles may come in."""

    issuer: SafeAddress = Field(description="As the provider writes it, e.g. https://login.example.com")
    client_id: str = Field(min_length=1)
    client_secret: SecretStr | None = Field(None, description="None for a public client.")
    redirect_url: SafeAddress = Field(
        description="Of this desk, as registered there: https://desk.example.com/v1/session/callback"
    )
    scopes: list[str] = Field(["openid", "profile", "email"], description="What the provider is asked for.")
    name_claim: str = Field("email", min_length=1, description="The claim under which labels are recorded.")
    role_claim: str = Field("groups", min_length=1, description="The claim that tells the role.")
    roles: dict[str, Role] = Field(
        min_length=1, description="Role by value of role_claim; of several, the one that may do most."
    )
    tier_claim: str | None = Field(None, description="The claim that tells the tier; 1 without it.")
    queues_claim: str | None = Field(None, description="The claim that lists the queues; all without it.")

    @field_validator("redirect_url")
    @classmethod
    def _our_callback(cls, url: str) -> str:
        if not url.endswith("/v1/session/callback"):
            raise ValueError("must end with /v1/session/callback")
        return url

    @field_validator("scopes")
    @classmethod
    def _with_openid(cls, scopes: list[str]) -> list[str]:
        if "openid" not in scopes:
            raise ValueError("must hold 'openid'")
        return scopes


class Auth(Section):
    """Who may call. Without keys or a provider nobody can, but for health, readiness and metrics."""

    keys: list[ApiKey] = Field([], description="One for each caller.")
    oidc: Oidc | None = Field(None, description="Where people sign in.")
    session_seconds: Seconds = Field(12 * 3600.0, description="Then one signs in again, whatever one does.")
    idle_seconds: Seconds = Field(2 * 3600.0, description="A session that is not used for so long is over.")
    calls_per_second: Positive = Field(
        500, description="Of one caller to one process, lastingly; ten seconds' worth may come at once."
    )

    @field_validator("keys")
    @classmethod
    def _distinct(cls, keys: list[ApiKey]) -> list[ApiKey]:
        names = [key.name for key in keys]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"key name '{name}' stands twice; a reviewer is known by it")
        return keys

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.idle_seconds > self.session_seconds:
            raise ValueError("idle_seconds must not exceed session_seconds")
        return self
