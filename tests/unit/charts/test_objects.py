"""What must hold of the chart's objects whatever the values: labels, restricted pods, names that meet. Numbers are OPERATOR-CHECKLIST's."""

from typing import Any

import pytest

from support import chart
from support.chart_cases import CASES
from touchline.api import KINDS, parse_resource
from touchline_operator.__main__ import main
from touchline_operator.plan.network import operator_pods

ALL = [
    pytest.param(case, each, id=f"{case} {each['kind']} {each['metadata'].get('namespace', '')} {each['metadata']['name']}")
    for case, values in CASES.items()
    for each in chart.render(values)
]  # fmt: skip
POD_SPECS = [
    pytest.param(case, pod_spec, id=f"{case} {each['kind']}")
    for case, values in CASES.items()
    for each in chart.render(values)
    if (pod_spec := each["spec"] if each["kind"] == "Pod" else each.get("spec", {}).get("template", {}).get("spec"))
]


def deployment(case: str) -> dict[str, Any]:
    (found,) = chart.of_kind(chart.render(CASES[case]), "Deployment")
    return found


@pytest.mark.parametrize(("case", "manifest"), ALL)
def test_every_object_says_whose_it_is(case: str, manifest: dict[str, Any]) -> None:
    metadata = manifest["metadata"]
    labels = metadata["labels"]
    wanted = {
        "app.kubernetes.io/instance": chart.RELEASE,
        "app.kubernetes.io/part-of": "touchline",
        "app.kubernetes.io/managed-by": "Helm",
        **CASES[case].get("commonLabels", {}),
    }
    assert wanted.items() <= labels.items()
    assert {"app.kubernetes.io/name", "app.kubernetes.io/version", "helm.sh/chart"} <= set(labels)
    assert labels["app.kubernetes.io/component"] == ("test" if manifest["kind"] == "Pod" else "operator")
    assert len(metadata["name"]) <= 63
    assert ("namespace" in metadata) is not manifest["kind"].startswith("Cluster")


@pytest.mark.parametrize("case", CASES)
def test_no_two_objects_are_one(case: str) -> None:
    keys = [
        (each["kind"], each["metadata"].get("namespace"), each["metadata"]["name"])
        for each in chart.render(CASES[case])
    ]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize(("case", "spec"), POD_SPECS)
def test_40_every_pod_is_restricted_and_can_write_nowhere_but_to_tmp(case: str, spec: dict[str, Any]) -> None:
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] > 0
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
    assert [set(volume) - {"name"} for volume in spec["volumes"]] == [{"emptyDir"}]
    for container in spec["containers"]:
        security = container["securityContext"]
        assert security["allowPrivilegeEscalation"] is False
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert security["readOnlyRootFilesystem"] is True
        assert "privileged" not in security
        assert [mount["mountPath"] for mount in container["volumeMounts"]] == ["/tmp"]


@pytest.mark.parametrize(("case", "spec"), POD_SPECS)
def test_48_every_container_says_what_it_needs_and_is_bounded(case: str, spec: dict[str, Any]) -> None:
    for container in spec["containers"]:
        assert set(container["resources"]["requests"]) == {"cpu", "memory"}
        assert "memory" in container["resources"]["limits"]


@pytest.mark.parametrize("case", CASES)
def test_42_only_the_operators_own_pods_have_a_token(case: str) -> None:
    objects = chart.render(CASES[case])
    assert deployment(case)["spec"]["template"]["spec"]["automountServiceAccountToken"] is True
    for account in chart.of_kind(objects, "ServiceAccount"):
        assert account["automountServiceAccountToken"] is False
    for pod in chart.of_kind(objects, "Pod"):
        assert pod["spec"]["automountServiceAccountToken"] is False


@pytest.mark.parametrize("case", CASES)
def test_every_selector_finds_the_operators_pods(case: str) -> None:
    objects = chart.render(CASES[case])
    labels = deployment(case)["spec"]["template"]["metadata"]["labels"]
    found = []
    for each in objects:
        spec = each.get("spec", {})
        if each["kind"] == "Service":
            found.append(spec["selector"])
        elif each["kind"] == "NetworkPolicy":
            found.append(spec["podSelector"]["matchLabels"])
        elif each["kind"] in {"Deployment", "PodDisruptionBudget", "PodMonitor"}:
            found.append(spec["selector"]["matchLabels"])
    assert len(found) >= 2
    assert all(selector.items() <= labels.items() for selector in found)


@pytest.mark.parametrize("case", CASES)
def test_the_brokers_of_an_engine_let_the_operators_pods_in(case: str) -> None:
    peer = operator_pods(chart.NAMESPACE)["podSelector"]["matchLabels"]
    assert peer.items() <= deployment(case)["spec"]["template"]["metadata"]["labels"].items()


@pytest.mark.parametrize("case", CASES)
def test_the_operator_is_told_the_image_that_it_runs_itself_and_the_test_runs_it_too(case: str) -> None:
    image = CASES[case].get("image", {})
    reference = f"{image.get('repository', 'touchline')}:{image.get('tag', '0.1.0')}"
    if "digest" in image:
        reference += f"@{image['digest']}"
    (container,) = deployment(case)["spec"]["template"]["spec"]["containers"]
    (pod,) = chart.of_kind(chart.render(CASES[case]), "Pod")
    assert container["image"] == pod["spec"]["containers"][0]["image"] == reference
    assert f"--image={reference}" in container["args"]


@pytest.mark.parametrize("case", CASES)
def test_the_operators_command_takes_every_argument_of_the_chart(case: str) -> None:
    (container,) = deployment(case)["spec"]["template"]["spec"]["containers"]
    assert container["command"] == ["python", "-m", "touchline_operator"]
    with main.make_context("touchline-operator", list(container["args"])) as context:
        assert list(context.params["namespaces"]) == CASES[case].get("operator", {}).get("namespaces", [])
        assert context.params["lease_namespace"] == chart.NAMESPACE
        assert context.params["port"] == container["ports"][0]["containerPort"]


@pytest.mark.parametrize("case", CASES)
def test_the_probes_ask_what_the_operator_answers_and_the_test_asks_its_service(case: str) -> None:
    (container,) = deployment(case)["spec"]["template"]["spec"]["containers"]
    paths = {kind: container[kind]["httpGet"]["path"] for kind in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert paths == {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}
    objects = chart.render(CASES[case])
    (service,) = chart.of_kind(objects, "Service")
    (pod,) = chart.of_kind(objects, "Pod")
    url = f"http://{service['metadata']['name']}.{chart.NAMESPACE}.svc:{service['spec']['ports'][0]['port']}"
    assert pod["spec"]["containers"][0]["command"][-1] == url
    assert service["spec"]["ports"][0]["targetPort"] == container["ports"][0]["name"]
    compile(pod["spec"]["containers"][0]["command"][2], "the test's program", "exec")


def test_the_quickstart_is_the_examples_in_the_releases_namespace() -> None:
    touchlines = [each for each in chart.render(CASES["quickstart"]) if each["kind"] in KINDS]
    examples = chart.quickstart()
    assert [each["kind"] for each in touchlines] == [each["kind"] for each in examples if each["kind"] in KINDS]
    by_key = {(each["kind"], each["metadata"]["name"]): each for each in touchlines}
    for example in examples:
        if example["kind"] not in KINDS:
            continue
        mine = by_key[example["kind"], example["metadata"]["name"]]
        assert mine["spec"] == example["spec"]
        assert mine["metadata"]["namespace"] == chart.NAMESPACE
        assert mine["metadata"].get("annotations") == example["metadata"].get("annotations")
        parse_resource(mine)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"operator": {"namespaces": ["bets"]}, "quickstart": {"enabled": True}}, "operator.namespaces"),
        ({"tenants": ["bets"], "quickstart": {"enabled": True}}, "tenants"),
        ({"operator": {"replicas": 2}, "podDisruptionBudget": {"minAvailable": 2}}, "podDisruptionBudget.minAvailable"),
    ],
)
def test_values_that_cannot_work_together_are_refused_by_name(values: dict[str, Any], told: str) -> None:
    with pytest.raises(chart.HelmError, match=told):
        chart.render(values)


def test_a_pod_monitor_is_refused_where_the_cluster_does_not_have_that_kind() -> None:
    values = {"metrics": {"podMonitor": {"enabled": True}}}
    with pytest.raises(chart.HelmError, match=r"monitoring\.coreos\.com/v1"):
        chart.sources(values, api_versions=())
    assert "PodMonitor" in chart.sources(values)["pod-monitor.yaml"]


@pytest.mark.parametrize("release", ["touchline", "odds", "a" * 53, "touchline-" + "b" * 43])
def test_names_are_short_enough_for_any_release(release: str) -> None:
    for each in chart.render(release=release):
        assert len(each["metadata"]["name"]) <= 63
        assert each["metadata"]["name"].startswith(("touchline", f"{release[:30]}-touchline"))
