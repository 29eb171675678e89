"""The least rights on Kafka that work: which operations each process does on which topics and groups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Literal

from streamsel.doctor.roles import ProcessRole

Operation = Literal["Describe", "DescribeConfigs", "Read", "Write"]
"""As ``kafka-acls.sh`` names them. Who may read or write may describe."""

_CHECKED: AbstractSet[Operation] = frozenset({"Describe", "DescribeConfigs"})
_READ: AbstractSet[Operation] = _CHECKED | {"Read"}
_WRITTEN: AbstractSet[Operation] = _CHECKED | {"Write"}
_BOTH: AbstractSet[Operation] = _READ | {"Write"}

_OF_EVERY_PROCESS: Mapping[str, AbstractSet[Operation]] = {
    "epochs": _READ,
    "labels": _BOTH,
    "configurations": _BOTH,
    "audit": _BOTH,
    "summaries": _READ,
    "decisions": _READ,
    "dead-letters": _WRITTEN,
    "events": _CHECKED,
    "outcomes": _CHECKED,
}
_OF_A_ROLE: Mapping[ProcessRole, Mapping[str, AbstractSet[Operation]]] = {
    "selector": {"events": _READ, "decisions": _BOTH, "summaries": _BOTH},
    "desk": {"events": _WRITTEN},
}


@dataclass(frozen=True, slots=True)
class KafkaRights:
    """Of one process."""

    topics: Mapping[str, AbstractSet[Operation]]
    groups: AbstractSet[str]
    """To join."""

    def acls(self, principal: str) -> Iterator[str]:
        """Commands, each to be completed by where the brokers are and how to speak to them."""
        for topic, operations in self.topics.items():
            wanted = " ".join(f"--operation {one}" for one in sorted(operations))
            yield f"kafka-acls.sh --add --allow-principal {principal} {wanted} --topic {topic}"
        for group in sorted(self.groups):
            yield f"kafka-acls.sh --add --allow-principal {principal} --operation Read --group {group}"


def kafka_rights(
    prefix: str, group: str, roles: AbstractSet[ProcessRole], *, epoch: int = 1, with_outcomes: bool = False
) -> KafkaRights:
    """``epoch`` is that of the label log; ``with_outcomes``: an outcomes topic is followed."""
    topics = dict(_OF_EVERY_PROCESS)
    groups: set[str] = set()
    for role in roles:
        for name, operations in _OF_A_ROLE[role].items():
            topics[name] = topics[name] | operations
    if "selector" in roles:
        groups.add(group)
    if "desk" in roles and with_outcomes:
        topics["outcomes"] = topics["outcomes"] | _READ
        groups.add(f"{group}-outcomes")
    if epoch > 1:
        topics[f"labels.{epoch}"] = topics.pop("labels")
    return KafkaRights({prefix + name: topics[name] for name in sorted(topics)}, frozenset(groups))
