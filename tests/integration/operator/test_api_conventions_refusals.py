"""The operator and a server that refuses its writes: for a while, or for good. The number is OPERATOR-CHECKLIST's line."""

from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest

from support.operator_process import Operator, Server, eventually
from support.small_engine import SMALL, counted
from touchline_e2e.audit import Request
from touchline_e2e.errors import CommandFailed

pytestmark = [pytest.mark.servers, pytest.mark.cluster]

Manifest = dict[str, Any]
REFUSED = "gateways are not wanted in this namespace"


def attempts(server: Server, tenant: str, mark: int) -> list[Request]:
    """The operator's refused tries to write the gateway's Deployment."""
    return [
        each
        for each in server.writes(mark)
        if (each.namespace, each.resource, each.name) == (tenant, "deployments", "main-gateway") and each.code >= 400
    ]


def gaps_s(requests: list[Request]) -> list[float]:
    at = [datetime.fromisoformat(each.event["requestReceivedTimestamp"]) for each in requests]
    return [(later - earlier).total_seconds() for earlier, later in pairwise(at)]


def admission(kind: str, name: str, **body: Any) -> Manifest:
    return {"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": {"name": name}, **body}


def of_deployments(tenant: str) -> Manifest:
    rule = {
        "apiGroups": ["apps"],
        "apiVersions": ["v1"],
        "operations": ["CREATE", "UPDATE"],
        "resources": ["deployments"],
    }
    return {"rules": [rule], "namespace": {"matchLabels": {"kubernetes.io/metadata.name": tenant}}}


def tried(server: Server, tenant: str) -> str:
    """What the server says to a Deployment that is like a gateway's; nothing is stored."""
    words = ["create", "deployment", "main-gateway", "--image=gateway:test", "-n", tenant, "--dry-run=server"]
    try:
        return server.api.kubectl(*words)
    except CommandFailed as error:
        return str(error)


@pytest.fixture
def forbidden(server: Server, tenant: str) -> Iterator[str]:
    """A policy of the cluster's, under which a gateway can never be; its binding's name."""
    where = of_deployments(tenant)
    constraints = {"resourceRules": where["rules"], "namespaceSelector": where["namespace"]}
    expression = {"expression": "object.metadata.name != 'main-gateway'", "message": REFUSED}
    name = f"no-gateways-{tenant}"
    server.apply(
        "",
        admission(
            "ValidatingAdmissionPolicy", name, spec={"matchConstraints": constraints, "validations": [expression]}
        ),
        admission("ValidatingAdmissionPolicyBinding", name, spec={"policyName": name, "validationActions": ["Deny"]}),
    )
    eventually(lambda: REFUSED in tried(server, tenant), "the policy is in force")
    yield name
    server.api.kubectl(
        "delete", "validatingadmissionpolicy,validatingadmissionpolicybinding", name, "--ignore-not-found"
    )


def test_28_a_child_that_is_refused_for_good_is_told_and_not_tried_again_and_again(
    server: Server, tenant: str, operator: Operator, forbidden: str
) -> None:
    mark = server.api.audit.mark()
    server.apply(tenant, *SMALL)
    eventually(lambda: server.says(tenant, "oddsengine", "main", "Degraded", "True", "ChildRefused"), "it is told")
    assert REFUSED in server.condition(tenant, "oddsengine", "main", "Degraded")["message"]
    assert server.says(tenant, "oddsengine", "main", "Ready", "False", "ChildRefused")
    eventually(lambda: counted(server, tenant), "others are served")
    eventually(lambda: "statefulset/main-book" in server.names(tenant, "statefulsets"), "so are its other children")
    # It looks again when something changes (its broker does not come), and else every ten seconds.
    eventually(lambda: sum(gaps_s(attempts(server, tenant, mark))) > 12, "it is tried again, now and then")
    assert len(attempts(server, tenant, mark)) <= 6
    assert REFUSED in server.condition(tenant, "oddsengine", "main", "Degraded")["message"]
    server.api.kubectl("delete", "validatingadmissionpolicybinding", forbidden)
    eventually(lambda: server.get(tenant, "deployment", "main-gateway") is not None, "what is allowed again is made")
    eventually(lambda: server.says(tenant, "oddsengine", "main", "Degraded", "False"), "and told")


@pytest.fixture
def broken(server: Server, tenant: str) -> Iterator[str]:
    """A webhook that nobody answers for: the server says 500 to every Deployment of one namespace."""
    where, name = of_deployments(tenant), f"broken-{tenant}"
    hook = {
        "name": "nobody.example.com",
        "clientConfig": {"url": "https://127.0.0.1:1/"},
        "rules": where["rules"],
        "namespaceSelector": where["namespace"],
        "failurePolicy": "Fail",
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    server.apply("", admission("ValidatingWebhookConfiguration", name, webhooks=[hook]))
    eventually(lambda: "nobody.example.com" in tried(server, tenant), "the webhook is in force")
    yield name
    server.api.kubectl("delete", "validatingwebhookconfiguration", name, "--ignore-not-found")


def test_28_while_the_server_answers_500_the_operator_waits_longer_each_time_and_then_converges(
    server: Server, tenant: str, operator: Operator, broken: str
) -> None:
    mark = server.api.audit.mark()
    server.apply(tenant, *SMALL)
    # The first tries are also those that the children before the gateway cause.
    eventually(lambda: gaps_s(attempts(server, tenant, mark))[-1:] > [1.5], "it waits")
    tries = attempts(server, tenant, mark)
    assert {each.code for each in tries} == {500}
    *_, before, last = gaps_s(tries)
    assert last > 1.5 * before
    assert len(tries) <= 12
    assert operator.metric("touchline_operator_reconciles_total", kind="OddsEngine", result="retry") >= 4
    server.api.kubectl("delete", "validatingwebhookconfiguration", broken)
    eventually(lambda: server.get(tenant, "deployment", "main-gateway") is not None, "it converges")
    eventually(lambda: server.get(tenant, "deployment", "one-ingest") is not None, "for all that wait")
