"""The operator keeps Kubernetes' conventions in what it writes. The numbers are OPERATOR-CHECKLIST's lines."""

import re
import time
import urllib.request
from datetime import datetime
from typing import Any

import pytest

from support import chart
from support.observed_world import documents, market, policy
from support.operator_process import ROOT, SYSTEM, Operator, Server, eventually
from support.small_engine import SMALL
from support.waiting import wait_until

pytestmark = [pytest.mark.servers, pytest.mark.cluster]

Manifest = dict[str, Any]
CONDITION = {"type", "status", "reason", "message", "lastTransitionTime", "observedGeneration"}
WORKLOADS = ("StatefulSet", "Deployment")


def applied(server: Server, tenant: str, example: str) -> list[tuple[str, str]]:
    """Apply an example; kind and name of what is of our kinds in it."""
    manifests = documents([ROOT / "examples" / example])
    server.apply(tenant, *manifests)
    ours = [each for each in manifests if each["apiVersion"].startswith("touchline.dev/")]
    return [(each["kind"], each["metadata"]["name"]) for each in ours]


def judged(server: Server, tenant: str, kind: str, name: str) -> bool:
    found = server.get(tenant, kind, name) or {}
    return bool((found.get("status") or {}).get("observedGeneration") == found["metadata"]["generation"])


def stored(server: Server, tenant: str, *kinds: str) -> list[Manifest]:
    found = [server.get(tenant, *line.split("/")) for line in server.names(tenant, ",".join(kinds))]
    return [each for each in found if each is not None]


def test_4_16_every_condition_has_all_its_fields_and_no_spec_is_the_operators(
    server: Server, tenant: str, operator: Operator
) -> None:
    ours = applied(server, tenant, "kinds")
    assert len({kind for kind, _ in ours}) == 8
    for kind, name in ours:
        eventually(lambda kind=kind, name=name: judged(server, tenant, kind, name), f"{kind} {name} is judged")  # type: ignore[misc]
    operator.settle()
    for kind, name in ours:
        found = server.get(tenant, kind, name)
        assert found is not None
        conditions = found["status"]["conditions"]
        assert {"Ready", "ReferencesResolved", "Paused"} <= {each["type"] for each in conditions}, kind
        for each in conditions:
            assert set(each) == CONDITION, (kind, each)
            assert each["observedGeneration"] == found["metadata"]["generation"] == 1, (kind, each)
            assert not each["lastTransitionTime"].startswith("1970"), (kind, each)
        owned = {
            (entry["subresource"], *entry["fieldsV1"])
            for entry in found["metadata"]["managedFields"]
            if entry["manager"] == "touchline-operator"
        }
        assert owned == {("status", "f:status")}, kind


def test_5_ready_is_unknown_while_the_operator_cannot_judge(server: Server, tenant: str, operator: Operator) -> None:
    paused = policy("held")
    paused["metadata"]["annotations"] = {"touchline.dev/paused": "true"}
    server.apply(tenant, paused, *SMALL)
    eventually(lambda: server.says(tenant, "suspensionpolicy", "held", "Paused", "True"), "it is paused")
    assert server.says(tenant, "suspensionpolicy", "held", "Ready", "Unknown", "Paused")
    assert set(server.condition(tenant, "suspensionpolicy", "held", "Ready")) == CONDITION
    # No pod runs here, so nobody can be told of it.
    eventually(
        lambda: server.says(tenant, "market", "m", "Ready", "Unknown", "BrokerAway"), "the market waits to be told"
    )


def test_6_a_transition_time_moves_with_the_status_and_with_nothing_else(
    server: Server, tenant: str, operator: Operator
) -> None:
    def ready() -> Manifest:
        return server.condition(tenant, "market", "m", "Ready")

    server.apply(tenant, market("m", policy="absent"))
    eventually(lambda: ready()["reason"] == "SuspensionPolicyNotFound", "its policy is missed")
    first = ready()
    # Times are told to the second: what is written from now on would be told apart.
    wait_until(lambda: time.time() > datetime.fromisoformat(first["lastTransitionTime"]).timestamp() + 1)
    server.apply(tenant, market("m", policy="away"))
    eventually(lambda: "away" in ready()["message"], "the message is another")
    server.apply(tenant, market("m"), policy())
    eventually(lambda: ready()["reason"] == "FeedProviderNotFound", "the reason is another")
    assert (ready()["status"], ready()["lastTransitionTime"]) == ("False", first["lastTransitionTime"])
    assert ready()["observedGeneration"] == 3
    server.apply(tenant, *SMALL)
    eventually(lambda: ready()["status"] == "Unknown", "nothing is missed any more")
    assert ready()["lastTransitionTime"] > first["lastTransitionTime"]


def pods_and_what_protects_them(server: Server, tenant: str, operator: Operator) -> list[Manifest]:
    """Every workload of the quickstart's, and the operator's own as the chart has it, as the server stored them."""
    applied(server, tenant, "quickstart")
    eventually(lambda: len(stored(server, tenant, *WORKLOADS)) == 8, "all workloads exist")
    eventually(lambda: "main-gateway" in str(server.names(tenant, "poddisruptionbudgets")), "so do their budgets")
    operator.settle()
    server.apply(SYSTEM, *chart.of_kind(chart.render(namespace=SYSTEM), "Deployment", "PodDisruptionBudget"))
    return [*stored(server, tenant, *WORKLOADS), *stored(server, SYSTEM, *WORKLOADS)]


def test_42_48_pods_have_no_token_and_say_what_they_need_how_they_are_and_how_many_may_go(
    server: Server, tenant: str, operator: Operator
) -> None:
    workloads = pods_and_what_protects_them(server, tenant, operator)
    assert len(workloads) == 9
    for each in workloads:
        where, pod = each["metadata"]["name"], each["spec"]["template"]["spec"]
        assert pod["automountServiceAccountToken"] is (each["metadata"]["namespace"] == SYSTEM), where
        assert [volume for volume in pod["volumes"] if "projected" in volume] == [], where
        for container in pod["containers"]:
            assert set(container["resources"]["requests"]) == {"cpu", "memory"}, where
            assert "memory" in container["resources"]["limits"], where
        probed = {probe for container in pod["containers"] for probe in container if probe.endswith("Probe")}
        assert {"readinessProbe", "livenessProbe"} <= probed, where
    accounts = [*stored(server, tenant, "ServiceAccount"), *stored(server, SYSTEM, "ServiceAccount")]
    ours = [each for each in accounts if each["metadata"]["name"] != "default"]
    assert len(ours) >= 6
    assert {each["automountServiceAccountToken"] for each in ours} == {False}

    def protected(namespace: str) -> dict[str, list[str]]:
        budgets = stored(server, namespace, "PodDisruptionBudget")
        return {
            budget["metadata"]["name"]: [
                each["metadata"]["name"]
                for each in workloads
                if each["metadata"]["namespace"] == namespace
                and budget["spec"]["selector"]["matchLabels"].items()
                <= each["spec"]["template"]["metadata"]["labels"].items()
            ]
            for budget in budgets
        }

    assert protected(tenant) == {
        name: [name] for name in ("main-book", "main-gateway", "main-nats", "betfair-a-ingest", "betfair-b-ingest")
    }
    assert [len(names) for names in protected(SYSTEM).values()] == [1]


def test_45_no_figure_has_a_label_that_grows_with_what_there_is(
    server: Server, tenant: str, operator: Operator
) -> None:
    server.apply(tenant, *SMALL)
    eventually(lambda: server.get(tenant, "deployment", "main-gateway") is not None, "it works")
    with urllib.request.urlopen(f"http://127.0.0.1:{operator.port}/metrics", timeout=5) as answer:
        lines = [line for line in answer.read().decode().splitlines() if line.startswith("touchline_operator_")]
    labels = {label for line in lines for label in re.findall(r'(\w+)="', line)}
    assert {"kind", "result"} <= labels <= {"kind", "result", "verb", "resource", "le"}
    assert not [line for line in lines if tenant in line or "main-gateway" in line]
