"""Tables of ``[[desk.webhooks]]``: whom to tell what happens at the desk."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr, field_validator

from streamsel.config.addresses import ReceiverAddress
from streamsel.config.base import Section
from streamsel.signing import key_of


class WebhookTable(Section):
    """One endpoint. Messages are signed as the Standard Webhooks specification has it."""

    url: ReceiverAddress = Field(
        repr=False, description="Where messages are posted: an https:// address, or one of this machine."
    )
    secret: SecretStr = Field(
        description="whsec_ and the base64 of 24 to 64 random bytes: openssl rand -base64 32"
    )
    events: list[Literal["label.recorded", "label.retracted", "query.offered"]] = Field(
        ["label.recorded", "label.retracted"], min_length=1, description="What it is told of."
    )

    @field_validator("secret")
    @classmethod
    def _usable(cls, secret: SecretStr) -> SecretStr:
        key_of(secret.get_secret_value())
        return secret
