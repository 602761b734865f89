"""Every child of every example, against golden files: a change of a plan is seen in review, line by line.

`UPDATE_GOLDEN=1` writes them anew.
"""

import base64
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.manifests import SETS
from support.observed_world import NAMESPACE, complete, documents, observe, world_of
from touchline_operator.plan.engine import engine_children
from touchline_operator.plan.provider import provider_children
from touchline_operator.world.keys import Manifest
from touchline_operator.world.observed import Capabilities

GOLDEN = Path(__file__).parent / "golden"
PLANNED = ["quickstart", "replay", "single-region", "multi-region us-east", "multi-region us-west"]


def children(example: str) -> list[Manifest]:
    """Every child of an example's engine and providers."""
    world = world_of(documents(SETS[example]))
    observed = complete(observe(world, "OddsEngine", "main", capabilities=Capabilities(pod_monitors=True)))
    found = engine_children(observed)
    for provider in world.customs("FeedProvider", NAMESPACE):
        found += provider_children(replace(observed, target=provider))
    return found


def readable(manifest: Manifest) -> Manifest:
    """The manifest without YAML's references to equal parts, and a Secret's values in clear: they are made up."""
    plain: Manifest = json.loads(json.dumps(manifest))
    if plain["kind"] == "Secret":
        plain["data"] = {key: base64.b64decode(value).decode() for key, value in plain["data"].items()}
    return plain


@pytest.mark.parametrize("example", PLANNED)
def test_the_plan_of_an_example_is_its_golden_file(example: str) -> None:
    text = yaml.safe_dump_all([readable(each) for each in children(example)], sort_keys=False, width=130)
    file = GOLDEN / f"{example.replace(' ', '-')}.yaml"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8"), "look at the difference; UPDATE_GOLDEN=1 takes it over"


@pytest.mark.parametrize("example", PLANNED)
def test_20_the_same_world_is_planned_the_same_whatever_the_order_it_came_in(example: str) -> None:
    manifests = documents(SETS[example])
    forward, backward = world_of(manifests), world_of(reversed(manifests))
    plans = [engine_children(complete(observe(world, "OddsEngine", "main"))) for world in (forward, backward)]
    assert plans[0] == plans[1]


ALL = [
    pytest.param(example, manifest, id=f"{example} {manifest['kind']} {manifest['metadata']['name']}")
    for example in PLANNED
    for manifest in children(example)
]
WORKLOADS = [case for case in ALL if case.values[1]["kind"] in {"StatefulSet", "Deployment"}]  # type: ignore[index]


@pytest.mark.parametrize(("example", "manifest"), ALL)
def test_24_every_child_is_owned_and_labelled(example: str, manifest: dict[str, Any]) -> None:
    metadata = manifest["metadata"]
    (owner,) = metadata["ownerReferences"]
    assert owner["controller"] is True
    assert owner["uid"].startswith(("uid-oddsengine-", "uid-feedprovider-"))
    wanted = {"app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/component",
              "app.kubernetes.io/part-of", "app.kubernetes.io/managed-by"}  # fmt: skip
    assert wanted <= set(metadata["labels"])
    assert len(metadata["name"]) <= 63


@pytest.mark.parametrize(("example", "manifest"), WORKLOADS)
def test_40_every_pod_is_restricted(example: str, manifest: dict[str, Any]) -> None:
    spec = manifest["spec"]["template"]["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
    assert all("hostPath" not in volume for volume in spec["volumes"])
    for container in spec["containers"]:
        security = container["securityContext"]
        assert security["allowPrivilegeEscalation"] is False
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert security["readOnlyRootFilesystem"] is True
        assert "privileged" not in security


@pytest.mark.parametrize(("example", "manifest"), WORKLOADS)
def test_42_no_pod_has_a_service_account_token(example: str, manifest: dict[str, Any]) -> None:
    assert manifest["spec"]["template"]["spec"]["automountServiceAccountToken"] is False


@pytest.mark.parametrize(("example", "manifest"), WORKLOADS)
def test_48_every_container_says_what_it_needs_and_is_bounded(example: str, manifest: dict[str, Any]) -> None:
    for container in manifest["spec"]["template"]["spec"]["containers"]:
        assert set(container["resources"]["requests"]) == {"cpu", "memory"}
        assert "memory" in container["resources"]["limits"]


@pytest.mark.parametrize("example", PLANNED)
def test_43_every_workload_has_a_network_policy_for_its_pods(example: str) -> None:
    planned = children(example)
    policies = [each["spec"] for each in planned if each["kind"] == "NetworkPolicy"]
    for manifest in planned:
        if manifest["kind"] in {"StatefulSet", "Deployment"}:
            labels = manifest["spec"]["template"]["metadata"]["labels"]
            matching = [each for each in policies if each["podSelector"]["matchLabels"].items() <= labels.items()]
            assert [each["policyTypes"] for each in matching] == [["Ingress", "Egress"]], manifest["metadata"]["name"]


@pytest.mark.parametrize("example", PLANNED)
def test_no_pod_mounts_or_reads_the_material_or_anybody_elses_password(example: str) -> None:
    for manifest in children(example):
        if manifest["kind"] not in {"StatefulSet", "Deployment"}:
            continue
        name = manifest["metadata"]["name"]
        spec = manifest["spec"]["template"]["spec"]
        mounted = [volume["secret"]["secretName"] for volume in spec["volumes"] if "secret" in volume]
        read = [
            entry["valueFrom"]["secretKeyRef"]["name"]
            for container in spec["containers"]
            for entry in container.get("env", ())
            if "secretKeyRef" in entry.get("valueFrom", {})
        ]
        credentials = [each for each in (*mounted, *read) if each.endswith("-credentials")]
        assert not [each for each in (*mounted, *read) if each.endswith(("-material", "-authority"))]
        assert all(each == f"{name}-credentials" for each in credentials), (name, credentials)


def test_a_witness_runs_brokers_and_nothing_else() -> None:
    names = {each["metadata"]["name"] for each in children("multi-region us-west") if each["kind"] == "StatefulSet"}
    assert names == {"main-nats"}
    assert not [each for each in children("multi-region us-west") if each["kind"] == "Deployment"]
