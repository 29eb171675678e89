"""The least rights that work, as their servers are told them."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from streamsel.config import Config
from streamsel.doctor.kafka_rights import kafka_rights
from streamsel.doctor.redis_rights import redis_rights
from streamsel.doctor.roles import ProcessRole


@dataclass(frozen=True, slots=True)
class Acl:
    """Of one user, named for its roles."""

    redis: str
    """For ``users.acl``, with a password to be replaced."""
    kafka: Sequence[str]
    """Commands; none where the logs run on Redis."""

    def text(self) -> str:
        """For a person."""
        lines = ["# Redis, in users.acl: choose a password", self.redis]
        if self.kafka:
            lines += ["", "# Kafka: add --bootstrap-server … --command-config …", *self.kafka]
        return "\n".join(lines)


def acl_of(config: Config, roles: AbstractSet[ProcessRole]) -> Acl:
    """Of a process with these roles, under the prefixes and the group that are configured."""
    kafka = config.kafka
    user = f"{config.redis.prefix}-{'-'.join(sorted(roles))}" if len(roles) == 1 else config.redis.prefix
    with_logs = kafka.bootstrap_servers is None
    redis = redis_rights(config.redis.prefix, roles, with_logs=with_logs)
    rights = kafka_rights(kafka.prefix, kafka.group, roles, with_outcomes=config.oracles.outcomes is not None)
    commands = [] if with_logs else list(rights.acls(f"User:{user}"))
    return Acl(f"user {redis.rule(user, 'PASSWORD')}", commands)
