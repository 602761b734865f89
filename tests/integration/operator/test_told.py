"""The operator against a real API server: what it tells in conditions, events and figures. The numbers are OPERATOR-CHECKLIST's lines.

No pods run here: there is no kubelet and no controller for workloads, so engines stay Progressing.
"""

import json
from typing import Any

import pytest

from support.observed_world import engine, market, policy, provider, resource
from support.operator_process import SYSTEM, Operator, Server, eventually
from support.small_engine import SECRET, SMALL, small
from touchline.api import RECORDINGS, SIMULATE, SIMULATE_GROUP

pytestmark = [pytest.mark.servers, pytest.mark.cluster]


def test_27_a_wrong_object_is_told_and_the_others_are_served(server: Server, tenant: str, operator: Operator) -> None:
    server.apply(tenant, market("wrong", policy="strcit", providers=["one", "nobody"]), *SMALL)
    eventually(lambda: server.says(tenant, "market", "wrong", "ReferencesResolved", "False"), "the wrong one says so")
    message = server.condition(tenant, "market", "wrong", "Ready")["message"]
    assert message.startswith("spec.suspensionPolicyRef.name: ")
    assert 'did you mean "strict"?' in message
    eventually(lambda: server.says(tenant, "market", "m", "Conflicted", "True", "EquallySpecific"), "its twin says so")
    eventually(lambda: server.get(tenant, "deployment", "one-ingest") is not None, "providers are run")
    server.delete(tenant, "market", "wrong")
    eventually(lambda: server.says(tenant, "market", "m", "Conflicted", "False"), "the conflict is over")


def test_14_a_secret_that_comes_later_is_found(server: Server, tenant: str, operator: Operator) -> None:
    server.apply(tenant, *SMALL[1:])
    eventually(
        lambda: server.says(tenant, "feedprovider", "one", "ReferencesResolved", "False", "SecretNotFound"),
        "it is missed",
    )
    server.apply(tenant, SECRET)
    eventually(
        lambda: server.says(tenant, "feedprovider", "one", "ReferencesResolved", "True"), "it is found", within=40
    )


def test_a_provider_that_asks_its_group_for_something_else_is_run_once_the_group_asks_for_the_same(
    server: Server, tenant: str, operator: Operator
) -> None:
    """The other provider's change is what ends it: nobody touches the one that waits."""

    def simulated(name: str, what: str) -> dict[str, Any]:
        declared = provider(name)
        declared["metadata"]["annotations"] = {SIMULATE: what, SIMULATE_GROUP: "demo", RECORDINGS: "ConfigMap/races"}
        return declared

    server.apply(tenant, SECRET, engine(), simulated("one", "fixtures"), simulated("two", "recording:race.bz2"))
    eventually(lambda: server.get(tenant, "deployment", "one-ingest") is not None, "the first by name is run")
    eventually(
        lambda: server.says(tenant, "feedprovider", "two", "Ready", "False", "SimulatorConflict"),
        "the other says why not",
    )
    assert server.get(tenant, "deployment", "two-ingest") is None
    server.apply(tenant, simulated("one", "recording:race.bz2"))
    eventually(lambda: server.get(tenant, "deployment", "two-ingest") is not None, "now it is run", within=20)

    def serves() -> list[str]:
        found = server.get(tenant, "deployment", "demo-simulator") or {}
        (container,) = found["spec"]["template"]["spec"]["containers"]
        return [word for word in (container.get("workingDir", ""), *container["command"]) if "=" in word or "/" in word]

    eventually(lambda: serves() == ["/recordings", "one=7101", "two=7102"], "one simulator plays the recording to both")


def test_8_observed_generation_follows_every_change(server: Server, tenant: str, operator: Operator) -> None:
    small(server, tenant, operator)
    server.apply(tenant, market("m", freshness={"maxAge": "700ms"}))

    def followed() -> bool:
        found = server.get(tenant, "market", "m") or {}
        generation = found["metadata"]["generation"]
        status = found.get("status") or {}
        return generation == 2 == status.get("observedGeneration") and all(
            each["observedGeneration"] == 2 for each in status["conditions"]
        )

    eventually(followed, "status and conditions are about the new generation", within=5)


def test_3_conditions_of_another_writer_stay(server: Server, tenant: str, operator: Operator) -> None:
    small(server, tenant, operator)
    theirs = {
        "type": "Audited",
        "status": "True",
        "reason": "Signed",
        "message": "",
        "lastTransitionTime": "2026-11-25T00:00:00Z",
    }
    body = resource("Market", "m", {}) | {"status": {"conditions": [theirs]}}
    del body["spec"]
    server.api.kubectl(
        "apply",
        "--server-side",
        "--subresource=status",
        "--field-manager=auditor",
        "-n",
        tenant,
        "-f",
        "-",
        stdin=json.dumps(body),
    )
    server.apply(tenant, market("m", freshness={"maxAge": "100ms"}))
    eventually(
        lambda: server.says(tenant, "market", "m", "FreshnessAttainable", "False", "MaxAgeTooShort"), "ours changed"
    )
    assert server.says(tenant, "market", "m", "Audited", "True", "Signed")


def test_30_without_a_permission_the_rest_is_still_brought_about(
    server: Server, tenant: str, operator: Operator
) -> None:
    place = server.namespace(f"{tenant}-unbound")
    server.apply(place, *SMALL)
    eventually(
        lambda: server.says(place, "feedprovider", "one", "ReferencesResolved", "Unknown", "NotPermitted"),
        "it says what it lacks",
    )
    assert operator.process.poll() is None
    other = server.namespace(f"{tenant}-bound")
    server.apply(other, policy())
    eventually(
        lambda: server.says(other, "suspensionpolicy", "strict", "ReferencesResolved", "True"), "others are served"
    )


def test_47_events_tell_changes_once_with_their_reasons(server: Server, tenant: str, operator: Operator) -> None:
    small(server, tenant, operator)
    server.apply(tenant, market("lonely", providers=["one"], selector={"sports": ["Tennis"]}))
    eventually(lambda: server.says(tenant, "market", "lonely", "Redundant", "False"), "the condition is there")

    def events() -> list[dict[str, Any]]:
        found = json.loads(server.api.kubectl("get", "events", "-n", tenant, "-o", "json"))["items"]
        return [each for each in found if each["involvedObject"]["name"] == "lonely"]

    eventually(
        lambda: [(each["reason"], each["type"]) for each in events()] == [("OneProvider", "Warning")],
        "one event, one reason",
    )
    operator.settle()
    assert [each["count"] for each in events()] == [1]


def test_45_figures_and_probes_are_served(server: Server, tenant: str, operator: Operator) -> None:
    small(server, tenant, operator)
    assert operator.leads
    assert operator.metric("touchline_operator_reconciles_total", kind="OddsEngine", result="ok") > 0
    assert operator.metric("touchline_operator_reconcile_seconds_count", kind="Market") > 0
    assert operator.metric("touchline_operator_objects", kind="Market") >= 1
    assert (operator.probe("healthz"), operator.probe("readyz")) == (200, 200)
    lease = server.get(SYSTEM, "lease", "touchline-operator")
    assert lease is not None
    assert lease["spec"]["holderIdentity"] == operator.identity
