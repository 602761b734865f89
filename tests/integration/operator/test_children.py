"""The operator against a real API server: children, drift, statuses, deletion. The numbers are OPERATOR-CHECKLIST's lines.

No pods run here: there is no kubelet and no controller for workloads, so engines stay Progressing.
"""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.observed_world import engine
from support.operator_process import ROOT, SYSTEM, USER, Operator, Server, eventually
from support.small_engine import CACHE, SECRET, SMALL, small

pytestmark = [pytest.mark.servers, pytest.mark.cluster]

QUICKSTART = ROOT / "examples" / "quickstart"
GOLDEN = sorted((ROOT / "tests" / "unit" / "operator" / "golden").glob("*.yaml"))
KINDS = "statefulsets,deployments,services,configmaps,secrets,serviceaccounts,networkpolicies,poddisruptionbudgets,horizontalpodautoscalers"


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda path: path.stem)
def test_1_every_planned_child_is_accepted_by_the_api_servers_schemas(
    server: Server, tenant: str, golden: Path
) -> None:
    manifests = [each for each in yaml.safe_load_all(golden.read_text()) if each["kind"] != "PodMonitor"]
    for manifest in manifests:
        manifest["metadata"] |= {"namespace": tenant}
        if manifest["kind"] == "Secret":
            manifest["stringData"] = manifest.pop("data")
    said = server.api.kubectl(
        "apply",
        "--server-side",
        "--dry-run=server",
        "--validate=strict",
        "-f",
        "-",
        stdin=yaml.safe_dump_all(manifests),
    )
    assert said.count("serverside-applied") == len(manifests)


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda path: path.stem)
def test_40_every_planned_pod_is_admitted_where_only_restricted_pods_are(
    server: Server, tenant: str, golden: Path
) -> None:
    for manifest in yaml.safe_load_all(golden.read_text()):
        if manifest["kind"] not in {"StatefulSet", "Deployment"}:
            continue
        template = manifest["spec"]["template"]
        template["spec"].pop("serviceAccountName")
        for claim in manifest["spec"].get("volumeClaimTemplates", ()):
            template["spec"]["volumes"].append({"name": claim["metadata"]["name"], "emptyDir": {}})
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "spec": template["spec"],
            "metadata": {"name": "try", "namespace": tenant},
        }
        server.apply(tenant, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}})
        server.api.kubectl("create", "--dry-run=server", "--validate=strict", "-f", "-", stdin=json.dumps(pod))


def test_the_quickstart_becomes_children_and_says_that_it_progresses(
    server: Server, tenant: str, operator: Operator
) -> None:
    server.apply_files(tenant, QUICKSTART)
    wanted = {
        "statefulset/main-nats", "statefulset/main-valkey", "statefulset/main-book", "deployment/main-gateway",
        "deployment/main-recorder", "deployment/demo-simulator", "deployment/betfair-a-ingest", "deployment/betfair-b-ingest",
    }  # fmt: skip
    eventually(lambda: wanted <= set(server.names(tenant, "statefulsets,deployments")), "all workloads exist")
    eventually(
        lambda: server.says(tenant, "oddsengine", "main", "Progressing", "True", "PodsNotReady"),
        "the engine progresses",
    )
    assert server.says(tenant, "oddsengine", "main", "Ready", "False")
    assert set(server.names(tenant, "poddisruptionbudgets")) == {
        f"poddisruptionbudget/{name}"
        for name in ("main-nats", "main-book", "main-gateway", "betfair-a-ingest", "betfair-b-ingest")
    }


def test_20_the_same_manifests_applied_again_make_the_operator_write_nothing(
    server: Server, tenant: str, operator: Operator
) -> None:
    small(server, tenant, operator)
    mark = server.api.audit.mark()
    server.apply(tenant, *SMALL)
    operator.look_again("OddsEngine", 2)
    operator.settle()
    assert [str(each) for each in server.writes(mark) if each.namespace == tenant] == []


@pytest.mark.parametrize(
    ("kind", "name", "edit", "path", "value"),
    [
        ("deployment", "main-gateway", {"spec": {"replicas": 5}}, ("spec", "replicas"), 1),
        ("service", "main-gateway", {"spec": {"ports": [{"port": 81, "targetPort": "http"}]}}, ("spec", "ports", 0, "port"), 80),
        ("networkpolicy", "one-ingest", {"spec": {"policyTypes": ["Ingress"]}}, ("spec", "policyTypes", 1), "Egress"),
    ],
)  # fmt: skip
def test_21_a_child_that_was_edited_is_restored(
    server: Server,
    tenant: str,
    operator: Operator,
    kind: str,
    name: str,
    edit: dict[str, Any],
    path: tuple[Any, ...],
    value: Any,
) -> None:
    small(server, tenant, operator)
    server.patch(tenant, kind, name, edit)

    def restored() -> bool:
        found: Any = server.get(tenant, kind, name)
        for step in path:
            found = found[step] if not isinstance(step, int) or len(found) > step else None
        return bool(found == value)

    eventually(restored, f"{kind} {name} is as planned again", within=10)


@pytest.mark.parametrize(
    ("kind", "name", "within"),
    [("statefulset", "main-book", 10), ("serviceaccount", "main-ingest", 10), ("deployment", "one-ingest", 10),
     ("secret", "main-nats-config", 40)],
)  # fmt: skip
def test_21_a_child_that_was_deleted_is_made_again(
    server: Server, tenant: str, operator: Operator, kind: str, name: str, within: float
) -> None:
    small(server, tenant, operator)
    before = server.get(tenant, kind, name)
    assert before is not None
    server.delete(tenant, kind, name)

    def again() -> bool:
        found = server.get(tenant, kind, name)
        return found is not None and found["metadata"]["uid"] != before["metadata"]["uid"]

    eventually(again, f"{kind} {name} exists again", within=within)


def test_23_what_another_manager_applied_to_a_child_survives(server: Server, tenant: str, operator: Operator) -> None:
    small(server, tenant, operator)
    theirs = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "main-gateway", "annotations": {"mesh.example.com/injected": "yes"}},
        "spec": {"template": {"spec": {"containers": [{"name": "mesh", "image": "mesh:1"}]}}},
    }
    server.apply(tenant, theirs, manager="mesh")
    server.patch(tenant, "deployment", "main-gateway", {"spec": {"replicas": 7}})
    eventually(
        lambda: (server.get(tenant, "deployment", "main-gateway") or {})["spec"]["replicas"] == 1,
        "our own field is restored",
    )
    found = server.get(tenant, "deployment", "main-gateway")
    assert found is not None
    assert found["metadata"]["annotations"]["mesh.example.com/injected"] == "yes"
    assert sorted(each["name"] for each in found["spec"]["template"]["spec"]["containers"]) == ["gateway", "mesh"]
    managers = {each["manager"]: each["operation"] for each in found["metadata"]["managedFields"]}
    assert managers["touchline-operator"] == "Apply"


def test_24_every_child_has_an_owner_and_goes_with_it(server: Server, tenant: str, operator: Operator) -> None:
    small(server, tenant, operator)
    for line in server.names(tenant, KINDS):
        kind, name = line.split("/")
        if name in {"betfair", "default", "kube-root-ca.crt"}:
            continue
        found = server.get(tenant, kind, name)
        assert found is not None
        assert found["metadata"]["ownerReferences"][0]["controller"] is True, line
    server.delete(tenant, "feedprovider", "two")
    eventually(
        lambda: "deployment/two-ingest" not in server.names(tenant, "deployments"), "the provider's children are gone"
    )
    server.delete(tenant, "oddsengine", "main")
    eventually(
        lambda: server.names(tenant, "statefulsets,services,configmaps") in ([], ["configmap/kube-root-ca.crt"]),
        "all are gone",
    )


def test_25_no_object_has_a_finalizer_of_ours(server: Server, tenant: str, operator: Operator) -> None:
    small(server, tenant, operator)
    for kind, name in (("oddsengine", "main"), ("feedprovider", "one"), ("market", "m"), ("statefulset", "main-book")):
        found = server.get(tenant, kind, name)
        assert found is not None
        assert "finalizers" not in found["metadata"]


def test_a_child_that_is_not_wanted_any_more_is_deleted(server: Server, tenant: str, operator: Operator) -> None:
    autoscaled = {"autoscaling": {"minReplicas": 2, "maxReplicas": 4}, "auth": {"anonymous": {}}}
    server.apply(tenant, SECRET, engine(gateway=autoscaled))
    eventually(lambda: "horizontalpodautoscaler/main-gateway" in server.names(tenant, KINDS), "there is an autoscaler")
    server.apply(tenant, engine())
    eventually(
        lambda: "horizontalpodautoscaler/main-gateway" not in server.names(tenant, KINDS), "the autoscaler is gone"
    )
    deployment = server.get(tenant, "deployment", "main-gateway")
    assert deployment is not None
    assert deployment["spec"]["replicas"] == 1


def test_somebody_elses_object_of_the_same_name_is_not_taken_over(
    server: Server, tenant: str, operator: Operator
) -> None:
    theirs = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "main-book"},
        "spec": {"ports": [{"port": 1}]},
    }
    server.apply(tenant, theirs, *SMALL)
    eventually(
        lambda: server.says(tenant, "oddsengine", "main", "Degraded", "True", "ChildRefused"), "the engine says so"
    )
    found = server.get(tenant, "service", "main-book")
    assert found is not None
    assert found["spec"]["ports"][0]["port"] == 1
    assert server.get(tenant, "deployment", "main-gateway") is not None, "the other children are there"


def test_29_a_paused_object_gets_no_writes_but_says_so(server: Server, tenant: str, operator: Operator) -> None:
    small(server, tenant, operator)
    paused = engine(
        redis=CACHE,
        gateway={"replicas": 4, "auth": {"anonymous": {}}},
    )
    paused["metadata"]["annotations"] = {"touchline.dev/paused": "true"}
    mark = server.api.audit.mark()
    server.apply(tenant, paused)
    eventually(lambda: server.says(tenant, "oddsengine", "main", "Paused", "True"), "it says that it is paused")
    operator.settle()
    written = {
        each.resource for each in server.writes(mark) if each.namespace == tenant and each.name.startswith("main")
    }
    assert written <= {"oddsengines/status", "events"}
    found = server.get(tenant, "deployment", "main-gateway")
    assert found is not None
    assert found["spec"]["replicas"] == 1
    del paused["metadata"]["annotations"]
    server.apply(tenant, paused)
    eventually(
        lambda: (server.get(tenant, "deployment", "main-gateway") or {})["spec"]["replicas"] == 4, "then it works again"
    )
    assert server.says(tenant, "oddsengine", "main", "Paused", "False")


def test_a_namespace_that_is_deleted_goes_and_its_objects_are_not_called_degraded(
    server: Server, operator: Operator
) -> None:
    """Its children go in any order while the engine is still there; what is applied again is refused, and nobody can help it."""
    name = server.namespace("leaving")
    server.let_in(name)
    small(server, name, operator)
    server.api.kubectl("delete", "namespace", name, "--timeout=60s")
    operator.settle()
    told = [line for line in operator.log().splitlines() if f"{name}/" in line]
    assert told
    assert [line for line in told if "is refused" in line or "ChildRefused" in line or "was not written" in line] == []


def test_41_the_operator_asked_for_nothing_that_its_roles_do_not_give(
    server: Server, tenant: str, operator: Operator
) -> None:
    small(server, tenant, operator)
    refused = [
        str(each)
        for each in server.api.audit.requests()
        if each.user == USER and each.code == 403 and each.namespace in {tenant, SYSTEM, ""}
    ]
    assert refused == []
    listed = [
        str(each)
        for each in server.api.audit.requests()
        if each.user == USER and each.resource == "secrets" and each.verb in {"list", "watch"}
    ]
    assert listed == []
