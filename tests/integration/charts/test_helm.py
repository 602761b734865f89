"""The chart in the hands of the real helm, against a real API server: what it accepts, upgrades, takes back and leaves.

No pod runs here; the scenarios in e2e/ install it on whole nodes.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from support import chart
from support.chart_cases import CASES
from touchline_e2e import access, programs
from touchline_e2e.apiserver import ApiServer
from touchline_e2e.errors import CommandFailed
from touchline_e2e.fixtures import api_server, need

__all__ = ["api_server"]

pytestmark = [pytest.mark.servers, pytest.mark.cluster]

CRD = "suspensionpolicies.touchline.dev"
# As little of the Prometheus operator as makes the API server take a PodMonitor.
POD_MONITORS: dict[str, Any] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "podmonitors.monitoring.coreos.com"},
    "spec": {
        "group": "monitoring.coreos.com",
        "names": {"kind": "PodMonitor", "plural": "podmonitors", "singular": "podmonitor", "listKind": "PodMonitorList"},
        "scope": "Namespaced",
        "versions": [{
            "name": "v1", "served": True, "storage": True,
            "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
        }],
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def server(api_server: ApiServer) -> ApiServer:
    need("helm")
    return api_server


def helm(server: ApiServer, *words: str | Path, kubeconfig: Path | None = None) -> str:
    return access.run([programs.find("helm"), *words], kubeconfig=kubeconfig or server.kubeconfig)


def install(server: ApiServer, namespace: str, *words: str | Path, source: Path = chart.CHART) -> str:
    command = ("upgrade", "--install", "touchline", source, "--namespace", namespace, "--create-namespace")
    return helm(server, *command, *words)


def uninstall(server: ApiServer, namespace: str) -> None:
    helm(server, "uninstall", "touchline", "--namespace", namespace)


def names(server: ApiServer, namespace: str, kinds: str) -> list[str]:
    return server.kubectl("get", kinds, "--namespace", namespace, "-o", "name").split()


def get(server: ApiServer, namespace: str, kind: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(server.kubectl("get", kind, name, "--namespace", namespace, "-o", "json"))
    return found


def values_file(folder: Path, values: dict[str, Any]) -> Path:
    file = folder / "values.yaml"
    file.write_text(yaml.safe_dump(values), encoding="utf-8")
    return file


def older_chart(folder: Path) -> Path:
    """The chart as it was before a field was added to SuspensionPolicy."""
    copy = folder / "touchline"
    shutil.copytree(chart.CHART, copy)
    file = copy / "crds" / "touchline.dev_suspensionpolicies.yaml"
    document = yaml.safe_load(file.read_text(encoding="utf-8"))
    document["metadata"]["annotations"]["touchline.dev/schema"] = "0000000000000000"
    del document["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["reopening"]
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
    return copy


def test_crds_of_an_older_chart_are_named_by_an_upgrade_and_renewed_by_the_documented_command(
    server: ApiServer, tmp_path: Path
) -> None:
    def has_field() -> bool:
        found = get(server, "", "crd", CRD)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
        return "reopening" in found["properties"]

    # First of all: only now has the server no CRDs, and helm never touches those that are there.
    install(server, "old", "--set", "quickstart.enabled=true", source=older_chart(tmp_path))
    before = get(server, "old", "suspensionpolicy", "football")
    assert not has_field()
    assert "reopening" not in before["spec"]

    told = install(server, "old", "--set", "quickstart.enabled=true")
    assert "WARNING" in told
    assert CRD in told
    assert "markets.touchline.dev" not in told, "only those that differ"
    assert not has_field()

    server.kubectl(
        *("apply", "--server-side", "--force-conflicts", "-f", "-"), stdin=helm(server, "show", "crds", chart.CHART)
    )
    assert has_field()
    assert "WARNING" not in install(server, "old", "--set", "quickstart.enabled=true")
    after = get(server, "old", "suspensionpolicy", "football")
    assert after["metadata"]["uid"] == before["metadata"]["uid"]

    # Once more by hand, as GitOps controllers do: nothing is in the way, nothing changes.
    version = get(server, "", "crd", CRD)["metadata"]["resourceVersion"]
    server.kubectl("apply", "--server-side", "-f", chart.CHART / "crds")
    assert get(server, "", "crd", CRD)["metadata"]["resourceVersion"] == version
    uninstall(server, "old")


def test_one_command_installs_the_operator_and_the_quickstart(server: ApiServer) -> None:
    install(server, "shop", "--set", "quickstart.enabled=true")
    assert names(server, "shop", "oddsengines") == ["oddsengine.touchline.dev/main"]
    assert len(names(server, "shop", "feedproviders,markets,suspensionpolicies,entitymaps")) == 7
    assert names(server, "shop", "deployments") == ["deployment.apps/touchline-operator"]
    uninstall(server, "shop")


def test_an_upgrade_is_taken_back_and_the_engine_stays_the_same_object(server: ApiServer) -> None:
    def level() -> str:
        pod = get(server, "back", "deployment", "touchline-operator")["spec"]["template"]["spec"]
        (found,) = [each for each in pod["containers"][0]["args"] if each.startswith("--log-level=")]
        return str(found)

    install(server, "back", "--set", "quickstart.enabled=true")
    uid = get(server, "back", "oddsengine", "main")["metadata"]["uid"]
    install(server, "back", "--reuse-values", "--set", "operator.logLevel=DEBUG")
    assert level() == "--log-level=DEBUG"
    helm(server, "rollback", "touchline", "1", "--namespace", "back")
    assert level() == "--log-level=INFO"
    assert get(server, "back", "oddsengine", "main")["metadata"]["uid"] == uid
    uninstall(server, "back")


def test_an_uninstall_takes_what_the_release_made_and_leaves_crds_and_what_others_made(server: ApiServer) -> None:
    install(server, "gone", "--set", "quickstart.enabled=true")
    mine = {**get(server, "gone", "suspensionpolicy", "football"), "metadata": {"name": "mine"}}
    server.kubectl("apply", "--namespace", "gone", "-f", "-", stdin=json.dumps(mine))
    uninstall(server, "gone")
    kinds = "oddsengines,feedproviders,markets,suspensionpolicies,entitymaps,deployments,services,roles,rolebindings"
    assert names(server, "gone", kinds) == ["suspensionpolicy.touchline.dev/mine"]
    kinds = "clusterroles,clusterrolebindings"
    assert [each for each in names(server, "gone", kinds) if "touchline" in each] == []
    assert len([each for each in names(server, "gone", "crds") if "touchline.dev" in each]) == 8


def test_the_api_server_takes_every_object_with_every_value_set_and_pods_are_restricted(
    server: ApiServer, tmp_path: Path
) -> None:
    server.kubectl("apply", "-f", "-", stdin=json.dumps(POD_MONITORS))
    server.kubectl("wait", "--for=condition=Established", "crd/podmonitors.monitoring.coreos.com", "--timeout=30s")
    for name in CASES["everything"]["tenants"]:
        server.kubectl("create", "namespace", name)
        server.kubectl("label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted")
    # A controller that does not run here would have made it.
    server.kubectl("create", "serviceaccount", "default", "--namespace", chart.NAMESPACE)
    install(server, chart.NAMESPACE, "-f", values_file(tmp_path, CASES["everything"]))
    objects = chart.render(CASES["everything"])
    (deployment,) = chart.of_kind(objects, "Deployment")
    template = deployment["spec"]["template"]
    pod = {"apiVersion": "v1", "kind": "Pod", **template, "metadata": {"name": "operator", **template["metadata"]}}
    for each in (pod, *chart.of_kind(objects, "Pod")):
        # Admission of a pod, which a Deployment's own does not do.
        words = ("create", "--dry-run=server", "--namespace", chart.NAMESPACE, "-f", "-")
        server.kubectl(*words, stdin=json.dumps(each))
    uninstall(server, chart.NAMESPACE)


def test_who_rules_only_one_namespace_installs_the_operator_for_it(server: ApiServer) -> None:
    server.kubectl("create", "namespace", "bets-only")
    server.kubectl(
        *("create", "rolebinding", "ruler", "--clusterrole=cluster-admin", "--user=ruler", "--namespace", "bets-only")
    )
    ruler = server.kubeconfig_for("ruler")
    words = ("upgrade", "--install", "touchline", chart.CHART, "--namespace", "bets-only", "--skip-crds")
    with pytest.raises(CommandFailed, match="cluster scope"):
        helm(server, *words, kubeconfig=ruler)
    alone = ("--set", "operator.namespaces={bets-only}", "--set", "quickstart.enabled=true")
    helm(server, *words, *alone, kubeconfig=ruler)
    helm(server, *words, *alone, "--set", "operator.logLevel=DEBUG", kubeconfig=ruler)
    assert names(server, "bets-only", "oddsengines") == ["oddsengine.touchline.dev/main"]
    uninstall(server, "bets-only")


def test_the_cluster_wide_part_of_a_one_namespace_install_is_applied_apart(server: ApiServer) -> None:
    # Helm's releases know Kubernetes' versions; one that is built from its module takes all to be 1.20.
    of_today = ("--kube-version", "1.36.0")
    text = helm(server, "template", "touchline", chart.CHART, "--show-only", "templates/user-roles.yaml", *of_today)
    server.kubectl("apply", "-f", "-", stdin=text)
    made = ["touchline-admin", "touchline-edit", "touchline-view"]
    assert [each for each in names(server, "default", "clusterroles") if "touchline" in each] == [
        f"clusterrole.rbac.authorization.k8s.io/{name}" for name in made
    ]
    server.kubectl("delete", "clusterroles", *made)


def test_a_wrong_value_is_refused_by_its_name_before_anything_is_sent(server: ApiServer) -> None:
    with pytest.raises(CommandFailed, match="wokers"):
        install(server, "wrong", "--set", "operator.wokers=4")
    assert "namespace/wrong" not in server.kubectl("get", "namespaces", "-o", "name").split()
