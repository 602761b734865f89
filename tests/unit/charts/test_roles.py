"""What the chart allows the operator and people. The operator's own tests run it with exactly these roles."""

from typing import Any

import pytest

from support import chart
from support.chart_cases import CASES
from touchline.api import KINDS

PLURALS = sorted(model.info.plural for model in KINDS.values())
RULES = [
    pytest.param(rule, id=f"{case} {each['metadata']['name']} {'+'.join(rule['resources'])}")
    for case, values in CASES.items()
    for each in chart.of_kind(chart.render(values), "Role", "ClusterRole")
    for rule in each["rules"]
]


@pytest.mark.parametrize("rule", RULES)
def test_41_no_rule_has_a_wildcard(rule: dict[str, Any]) -> None:
    assert not [word for words in rule.values() for word in words if "*" in word]


@pytest.mark.parametrize("case", CASES)
def test_41_no_secrets_for_the_whole_cluster_and_by_name_only_elsewhere(case: str) -> None:
    objects = chart.render(CASES[case])
    everywhere = {each["roleRef"]["name"] for each in chart.of_kind(objects, "ClusterRoleBinding")}
    for role in chart.of_kind(objects, "Role", "ClusterRole"):
        for rule in role["rules"]:
            if "secrets" in rule["resources"]:
                assert not {"list", "watch", "deletecollection"} & set(rule["verbs"])
                assert role["kind"] == "Role" or role["metadata"]["name"] not in everywhere
                # Kubernetes would add it to a role that somebody binds for the whole cluster.
                assert not [label for label in role["metadata"]["labels"] if "aggregate-to" in label]


@pytest.mark.parametrize(
    ("case", "namespaces"), [("default", ["touchline"]), ("everything", ["bets", "lab", "touchline"])]
)
def test_secrets_are_bound_in_each_tenants_namespace_and_nowhere_else(case: str, namespaces: list[str]) -> None:
    bindings = chart.of_kind(chart.render(CASES[case]), "RoleBinding")
    bound = [each["metadata"]["namespace"] for each in bindings if each["roleRef"]["name"].endswith("-secrets")]
    assert sorted(bound) == namespaces


def test_41_for_some_namespaces_there_are_roles_in_them_and_nothing_that_reaches_further() -> None:
    objects = chart.render({"operator": {"namespaces": ["bets", "lab"]}})
    assert not chart.of_kind(objects, "ClusterRole", "ClusterRoleBinding")
    roles = {
        each["metadata"]["namespace"]: each["rules"]
        for each in chart.of_kind(objects, "Role")
        if not each["metadata"]["name"].endswith("-lease")
    }
    assert set(roles) == {"bets", "lab"}
    whole = chart.of_kind(chart.render(), "ClusterRole")
    as_everywhere = [
        rule for name in ("touchline-operator", "touchline-operator-secrets") for rule in rules(whole, name)
    ]
    assert roles["bets"] == roles["lab"] == as_everywhere


def rules(roles: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    (found,) = [each["rules"] for each in roles if each["metadata"]["name"] == name]
    rules: list[dict[str, Any]] = found
    return rules


def test_every_binding_is_to_a_role_of_the_chart_and_for_its_service_account() -> None:
    for values in CASES.values():
        objects = chart.render(values)
        roles = {(each["kind"], each["metadata"].get("namespace"), each["metadata"]["name"]) for each in objects}
        for binding in chart.of_kind(objects, "RoleBinding", "ClusterRoleBinding"):
            ref = binding["roleRef"]
            namespace = binding["metadata"]["namespace"] if ref["kind"] == "Role" else None
            assert (ref["kind"], namespace, ref["name"]) in roles
            (subject,) = binding["subjects"]
            assert ("ServiceAccount", subject["namespace"], subject["name"]) in roles


def test_the_operator_may_read_every_kind_and_write_its_status_and_no_spec() -> None:
    found = rules(chart.of_kind(chart.render(), "ClusterRole"), "touchline-operator")
    own = {
        resource: rule["verbs"]
        for rule in found
        if rule["apiGroups"] == ["touchline.dev"]
        for resource in rule["resources"]
    }
    assert sorted(name for name in own if "/" not in name) == PLURALS
    assert sorted(name for name in own if name.endswith("/status")) == [f"{name}/status" for name in PLURALS]
    assert {tuple(verbs) for name, verbs in own.items() if "/" not in name} == {("get", "list", "watch")}
    assert {tuple(verbs) for name, verbs in own.items() if name.endswith("/status")} == {("patch",)}


def test_peoples_roles_are_added_to_those_of_kubernetes_and_name_every_kind() -> None:
    roles = chart.of_kind(chart.render(), "ClusterRole")
    into = {
        each["metadata"]["name"]: sorted(
            label.removeprefix("rbac.authorization.k8s.io/aggregate-to-")
            for label in each["metadata"]["labels"]
            if "aggregate-to" in label
        )
        for each in roles
    }
    assert into["touchline-view"] == ["admin", "edit", "view"]
    assert into["touchline-edit"] == ["admin", "edit"]
    assert into["touchline-admin"] == ["admin"]
    for name in ("touchline-view", "touchline-edit", "touchline-admin"):
        (rule,) = rules(roles, name)
        assert sorted(rule["resources"]) == PLURALS
    assert rules(roles, "touchline-view")[0]["verbs"] == ["get", "list", "watch"]
