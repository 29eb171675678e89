"""The Kubernetes manifests, as both overlays render them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import kubernetes_validate
import pytest
from jsonschema import Draft202012Validator

from streamsel.api.routes.health import OPEN_PATHS
from streamsel.config import Config, load
from tests.deploy.manifests import OVERLAYS, SECRETS, Rendered, keda_schema, rendered

KUBERNETES = "1.32"
OF_KEDA = {"ScaledObject", "TriggerAuthentication"}
OURS = {"streamsel-selector", "streamsel-desk"}


@pytest.fixture(scope="module", params=OVERLAYS)
def manifests(
    request: pytest.FixtureRequest, deploy: Path, tmp_path_factory: pytest.TempPathFactory
) -> Rendered:
    return rendered(deploy, request.param, tmp_path_factory.mktemp("kustomize"))


@pytest.fixture(scope="module")
def production(deploy: Path, tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    return rendered(deploy, "production", tmp_path_factory.mktemp("kustomize"))


def test_every_object_follows_its_kind_s_schema(manifests: Rendered) -> None:
    """Strictly: an unknown field is a mistake."""
    judged = [one for one in manifests.objects if one["kind"] not in OF_KEDA]
    assert judged
    for one in judged:
        kubernetes_validate.validate(one, KUBERNETES, strict=True)


def test_keda_s_objects_follow_its_own_schema(production: Rendered) -> None:
    """And hold no field it does not know."""
    judged = [one for one in production.objects if one["kind"] in OF_KEDA]
    assert {one["kind"] for one in judged} == OF_KEDA
    for one in judged:
        Draft202012Validator(_closed(keda_schema(one["kind"]))).validate(one)


def test_selectors_are_scaled_by_the_lag_of_their_own_group(production: Rendered) -> None:
    """Never by what waits for reviewers, and never beyond what partitions there are."""
    config = _configured(production, "streamsel-selector")
    scaling = production.of_kind("ScaledObject")["streamsel-selector"]["spec"]
    (trigger,) = scaling["triggers"]
    assert scaling["scaleTargetRef"] == {"name": "streamsel-selector"}
    assert trigger["type"] == "kafka"
    assert trigger["metadata"]["topic"] == f"{config.kafka.prefix}events"
    assert trigger["metadata"]["consumerGroup"] == config.kafka.group
    assert trigger["metadata"]["bootstrapServers"] == config.kafka.bootstrap_servers
    assert 2 <= scaling["minReplicaCount"] <= scaling["maxReplicaCount"] == config.kafka.partitions
    assert "streamsel-selector" not in production.of_kind("HorizontalPodAutoscaler")


def test_desks_are_scaled_by_cpu(production: Rendered) -> None:
    """Of what they ask for."""
    scaling = production.of_kind("HorizontalPodAutoscaler")["streamsel-desk"]["spec"]
    assert scaling["scaleTargetRef"]["name"] == "streamsel-desk"
    assert scaling["minReplicas"] >= 2
    assert [metric["resource"]["name"] for metric in scaling["metrics"]] == ["cpu"]
    (desk,) = _containers(production, "streamsel-desk")
    assert "cpu" in desk["resources"]["requests"]


def test_nobody_but_the_autoscalers_sets_the_number_of_replicas(production: Rendered) -> None:
    """Else every apply would set it back."""
    assert {
        name for name, one in production.of_kind("Deployment").items() if "replicas" in one["spec"]
    } == set()


def test_no_disruption_takes_more_than_one_of_either(manifests: Rendered) -> None:
    """The budgets select just the pods of their deployment."""
    budgets = manifests.of_kind("PodDisruptionBudget")
    assert set(budgets) == OURS
    for name, budget in budgets.items():
        assert budget["spec"]["maxUnavailable"] == 1
        labels = dict(manifests.pods())[name]["metadata"]["labels"]
        assert budget["spec"]["selector"]["matchLabels"].items() <= labels.items()


def test_probes_ask_what_the_program_answers(manifests: Rendered) -> None:
    """Ready by /readyz, alive by /healthz, at the port it listens on."""
    for name in OURS:
        (container,) = _containers(manifests, name)
        asked = {probe: container[probe]["httpGet"]["path"] for probe in container if probe.endswith("Probe")}
        assert asked == {
            "startupProbe": "/healthz",
            "livenessProbe": "/healthz",
            "readinessProbe": "/readyz",
        }
        assert set(asked.values()) <= set(OPEN_PATHS)
        (port,) = container["ports"]
        assert port == {"name": "http", "containerPort": 8080}


def test_every_pod_is_as_restricted_as_the_strictest_standard_asks(manifests: Rendered) -> None:
    """No root, no privileges, no capabilities, no token of the API; and what it may take is bounded."""
    for name, template in manifests.pods():
        pod = template["spec"]
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in pod["containers"]:
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False, name
            assert context["capabilities"] == {"drop": ["ALL"]}, name
            assert context.get("readOnlyRootFilesystem") is True or name == "kafka", name
            assert set(container["resources"]["requests"]) == {"cpu", "memory"}, name
            assert "memory" in container["resources"]["limits"], name


def test_they_drain_before_they_are_killed(manifests: Rendered) -> None:
    """Longer than the five seconds that draining may take."""
    for name in OURS:
        assert dict(manifests.pods())[name]["spec"]["terminationGracePeriodSeconds"] > 5


@pytest.mark.parametrize("name", sorted(OURS))
def test_each_role_gets_a_configuration_that_loads(manifests: Rendered, name: str) -> None:
    """From the ConfigMap, the environment, and secrets in files."""
    config = _configured(manifests, name)
    assert config.redis.url is not None
    assert config.redis.url.get_secret_value() == SECRETS["redis-url"]
    assert config.kafka.bootstrap_servers
    if manifests.overlay == "production":
        assert config.kafka.replication_factor == 3
        assert config.kafka.security_protocol == "SASL_SSL"
        assert config.kafka.sasl_password is not None
        assert config.snapshots.key is not None


def test_no_secret_is_in_an_argument_or_a_variable_of_ours(manifests: Rendered) -> None:
    """Files can be read by the process alone; a name is no secret."""
    for name in OURS:
        (container,) = _containers(manifests, name)
        from_secrets = [one["name"] for one in container["env"] if "valueFrom" in one]
        assert set(from_secrets) <= {"STREAMSEL_KAFKA__SASL_USERNAME"}
    shown = str([one for one in manifests.objects if one["kind"] != "Secret"])
    assert [secret for secret in SECRETS.values() if secret in shown] == []


def test_every_pod_is_under_a_network_policy_both_ways(manifests: Rendered) -> None:
    """What no rule names is refused."""
    policies = [one["spec"] for one in manifests.of_kind("NetworkPolicy").values()]
    for name, template in manifests.pods():
        governing = [one for one in policies if _selects(one["podSelector"], template["metadata"]["labels"])]
        ways = {way for one in governing for way in one["policyTypes"]}
        assert ways == {"Ingress", "Egress"}, name


def test_whatever_is_mounted_or_referred_to_is_there(manifests: Rendered) -> None:
    """Secrets of production are the operator's to make."""
    made = set(manifests.of_kind("ConfigMap")) | set(manifests.of_kind("Secret"))
    for name, template in manifests.pods():
        volumes = template["spec"].get("volumes", [])
        wanted = {one["configMap"]["name"] for one in volumes if "configMap" in one}
        if manifests.overlay == "small":
            wanted |= {one["secret"]["secretName"] for one in volumes if "secret" in one}
        assert wanted <= made, name


def test_images_are_those_of_the_compose_file(manifests: Rendered, deploy: Path) -> None:
    """One version of everything."""
    compose = (deploy / "compose.yaml").read_text()
    images = {container["image"] for _, one in manifests.pods() for container in one["spec"]["containers"]}
    assert [image for image in images if f"image: {image}\n" not in compose] == []


def _containers(manifests: Rendered, name: str) -> list[dict[str, Any]]:
    containers: list[dict[str, Any]] = dict(manifests.pods())[name]["spec"]["containers"]
    return containers


def _configured(manifests: Rendered, name: str) -> Config:
    """As the program in this pod would load it; the files of the Secret are made here."""
    (container,) = _containers(manifests, name)
    volumes = dict(manifests.pods())[name]["spec"]["volumes"]
    (made,) = [one["configMap"]["name"] for one in volumes if "configMap" in one]
    with TemporaryDirectory() as mounted:
        directory = Path(mounted)
        file = directory / "streamsel.toml"
        file.write_text(manifests.of_kind("ConfigMap")[made]["data"]["streamsel.toml"])
        for secret in ("redis-url", "kafka-password", "snapshots-key"):
            (directory / secret).write_text(SECRETS.get(secret, "s" * 32))
        variables = {
            one["name"]: one.get("value", "streamsel").replace("/run/secrets/streamsel", mounted)
            for one in container["env"]
        }
        return load(file, variables)


def _selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether pods with these labels are selected."""
    by_expression = all(
        labels.get(one["key"]) in one["values"]
        for one in selector.get("matchExpressions", [])
        if one["operator"] == "In"
    )
    return by_expression and selector.get("matchLabels", {}).items() <= labels.items()


def _closed(schema: Any) -> Any:
    """The schema with unknown fields refused wherever it names the known ones."""
    if isinstance(schema, list):
        return [_closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items()}
    if "properties" in schema and "additionalProperties" not in schema:
        closed["additionalProperties"] = False
    return closed
