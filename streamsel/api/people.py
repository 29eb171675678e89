"""Who somebody is here, by what the provider says of them."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from streamsel.api.callers import Caller
from streamsel.config.auth import LONGEST_NAME, NAME_PATTERN, Oidc
from streamsel.review.roles import highest


class NotInvited(Exception):
    """The provider knows them, but they are not let in here. The message is fit to show."""


def caller_of(claims: Mapping[str, Any], settings: Oidc, taken: Collection[str]) -> Caller:
    """The caller behind a verified ID token. ``taken`` are the names of API keys: whoever may choose a name
    at the provider must not become somebody else here. Raises ``NotInvited``."""
    name = _claim(claims, settings.name_claim)
    if not isinstance(name, str) or len(name) > LONGEST_NAME or not re.fullmatch(NAME_PATTERN, name):
        raise NotInvited(f"The provider's claim {settings.name_claim} is missing, or no name we take.")
    if settings.name_claim == "email" and claims.get("email_verified") is False:
        raise NotInvited("The provider has not verified this email address.")
    if name in taken:
        raise NotInvited("This name is that of an API key.")
    given = _texts(_claim(claims, settings.role_claim))
    role = highest(settings.roles[one] for one in given if one in settings.roles)
    if role is None:
        raise NotInvited(f"The provider's claim {settings.role_claim} names no role that is let in here.")
    return Caller(name, role, _tier(claims, settings), _queues(claims, settings))


def _tier(claims: Mapping[str, Any], settings: Oidc) -> int:
    tier = None if settings.tier_claim is None else _claim(claims, settings.tier_claim)
    if isinstance(tier, str) and tier.isascii() and tier.isdecimal():
        tier = int(tier)
    return tier if type(tier) is int and tier >= 1 else 1


def _queues(claims: Mapping[str, Any], settings: Oidc) -> Sequence[str] | None:
    if settings.queues_claim is None:
        return None
    return _texts(_claim(claims, settings.queues_claim))


def _claim(claims: Mapping[str, Any], name: str) -> Any:
    """By its name as it stands, or by dotted path, as in realm_access.roles."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _texts(value: Any) -> list[str]:
    """A text, or a list of them."""
    values = value if isinstance(value, list) else [value]
    return [one for one in values if isinstance(one, str)]
