"""The cluster itself: what the scenarios rely on, and how it bears what they will do to it."""

import functools
import json
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from scenarios.pods import pod, service
from support.waiting import wait_until
from touchline_e2e.cluster import Cluster
from touchline_e2e.deployment import AnyCluster
from touchline_e2e.errors import CommandFailed

SERVER = "import http.server; http.server.HTTPServer(('', 8080), http.server.SimpleHTTPRequestHandler).serve_forever()"
READY = {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 1}


def _ready_nodes(cluster: AnyCluster) -> list[str]:
    items = json.loads(cluster.kubectl("get", "nodes", "-o", "json"))["items"]
    return sorted(
        item["metadata"]["name"]
        for item in items
        for condition in item["status"]["conditions"]
        if condition["type"] == "Ready" and condition["status"] == "True"
    )


def _web(cluster: AnyCluster, namespace: str, name: str, image: str, node: str | None = None) -> None:
    web = pod(name, image, ["python", "-c", SERVER], readinessProbe=READY)
    if node is not None:
        web["spec"]["nodeName"] = node
    document = json.dumps({"apiVersion": "v1", "kind": "List", "items": [web, service(name, 8080)]})
    cluster.kubectl("apply", "--server-side", "--namespace", namespace, "-f", "-", stdin=document)


def _wait_ready(cluster: AnyCluster, namespace: str, name: str) -> None:
    cluster.kubectl("wait", f"pod/{name}", "--namespace", namespace, "--for=condition=Ready", "--timeout=60s")


def _reaches(cluster: AnyCluster, namespace: str, name: str, target: str) -> bool:
    """Whether a pod gets an answer from a Service."""
    source = f"import urllib.request as u; print(u.urlopen('http://{target}:8080', timeout=2).status)"
    try:
        return "200" in cluster.kubectl("exec", name, "--namespace", namespace, "--", "python", "-c", source)
    except CommandFailed:
        return False


def test_a_pod_that_asks_for_rights_is_refused(cluster: AnyCluster, namespace: str, image: str) -> None:
    bold = pod("bold", image, ["true"])
    bold["spec"]["containers"][0]["securityContext"] = {"privileged": True}
    with pytest.raises(CommandFailed, match="violates PodSecurity"):
        cluster.kubectl("apply", "--server-side", "--namespace", namespace, "-f", "-", stdin=json.dumps(bold))


def test_pods_of_two_nodes_reach_each_other_by_service(own_cluster: Cluster, namespace: str, image: str) -> None:
    for name, node in (("here", "n1"), ("there", "n2")):
        _web(own_cluster, namespace, name, image, node)
    for name, other in (("here", "there"), ("there", "here")):
        _wait_ready(own_cluster, namespace, name)
        _wait_ready(own_cluster, namespace, other)
        wait_until(functools.partial(_reaches, own_cluster, namespace, name, other), within=20)


def test_a_node_that_is_cut_off_is_told_apart_and_comes_back(own_cluster: Cluster) -> None:
    assert _ready_nodes(own_cluster) == ["n1", "n2"]
    with own_cluster.partitioned():
        wait_until(lambda: _ready_nodes(own_cluster) == ["n1"], within=40)
    wait_until(lambda: _ready_nodes(own_cluster) == ["n1", "n2"], within=60)


@pytest.mark.parametrize("program", ["kubelet", "containerd"])
def test_pods_outlive_what_started_them(own_cluster: Cluster, namespace: str, image: str, program: str) -> None:
    _web(own_cluster, namespace, "steady", image, "n1")
    _wait_ready(own_cluster, namespace, "steady")
    started = _started_at(own_cluster, namespace, "steady")
    own_cluster.nodes["n1"].restart(program, kill=True)
    wait_until(lambda: _ready_nodes(own_cluster) == ["n1", "n2"], within=60)
    _wait_ready(own_cluster, namespace, "steady")
    assert _started_at(own_cluster, namespace, "steady") == started


def _started_at(cluster: AnyCluster, namespace: str, name: str) -> str:
    words = ("get", "pod", name, "--namespace", namespace)
    return cluster.kubectl(*words, "-o", "jsonpath={.status.containerStatuses[0].state.running.startedAt}")


def test_what_a_pod_stores_is_there_for_the_next_one(cluster: AnyCluster, namespace: str, image: str) -> None:
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "store"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    cluster.kubectl("apply", "--server-side", "--namespace", namespace, "-f", "-", stdin=json.dumps(claim))
    for name, source in (
        ("writer", "open('/store/odds', 'w').write('1.95')"),
        ("reader", "print(open('/store/odds').read())"),
    ):
        user = pod(name, image, ["python", "-c", source])
        user["spec"]["securityContext"] = {"fsGroup": 65532}
        user["spec"]["volumes"].append({"name": "store", "persistentVolumeClaim": {"claimName": "store"}})
        user["spec"]["containers"][0]["volumeMounts"].append({"name": "store", "mountPath": "/store"})
        cluster.kubectl("apply", "--server-side", "--namespace", namespace, "-f", "-", stdin=json.dumps(user))
        ended = "--for=jsonpath={.status.phase}=Succeeded"
        cluster.kubectl("wait", f"pod/{name}", "--namespace", namespace, ended, "--timeout=60s")
    assert cluster.kubectl("logs", "reader", "--namespace", namespace).strip() == "1.95"


def test_the_api_servers_crash_loses_nothing(own_cluster: Cluster, namespace: str) -> None:
    own_cluster.kubectl("create", "configmap", "kept", "--namespace", namespace)
    own_cluster.restart_server(kill=True)
    assert "kept" in own_cluster.kubectl("get", "configmaps", "--namespace", namespace, "-o", "name")


def test_while_etcd_stands_still_pods_serve(own_cluster: Cluster, namespace: str, image: str) -> None:
    _web(own_cluster, namespace, "steady", image)
    _wait_ready(own_cluster, namespace, "steady")
    door = own_cluster.open_service(namespace, "steady", 8080)
    wait_until(lambda: _answers(door), within=20)
    with own_cluster.etcd_stopped():
        with pytest.raises(CommandFailed):
            own_cluster.kubectl("create", "configmap", "stuck", "--namespace", namespace, "--request-timeout=1s")
        assert _answers(door)
    wait_until(own_cluster.is_ready, within=30)
    own_cluster.kubectl("create", "configmap", "after", "--namespace", namespace)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def test_the_audit_log_tells_who_wrote(own_cluster: Cluster, namespace: str) -> None:
    mark = own_cluster.audit.mark()
    own_cluster.kubectl("create", "configmap", "mine", "--namespace", namespace)
    wait_until(lambda: [w.name for w in own_cluster.audit.writes(mark, user="e2e-admin")] == ["mine"])


def test_the_machine_is_as_it_was(own_cluster: Cluster) -> None:
    """The kubelet sets kernel parameters and devices appear: in the nodes, not here."""
    node = own_cluster.nodes["n1"]
    assert node.run(["cat", "/proc/sys/vm/overcommit_memory"]).strip() == "1"
    node.run(["touch", "/etc/mark", "/var/lib/mark"])
    assert not [folder for folder in ("/etc", "/var/lib") if Path(folder, "mark").exists()]
    devices = {path.name for path in Path("/sys/class/net").iterdir()}
    assert not devices & {"cni0", "up0", "port2"}
    assert str(own_cluster.processes.folder / "n1") not in Path("/proc/self/mountinfo").read_text(encoding="utf-8")
