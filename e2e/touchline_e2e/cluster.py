"""A whole cluster from nothing: control plane and nodes in namespaces of their own, on one machine, without Docker.

All of it is one tree of processes under one keeper. The machine's own network, mounts, processes and kernel settings stay
as they are: nodes are on a bridge inside the first node's network namespace, and this machine reaches them through doors
on its loopback (`forward.py`).
"""

import contextlib
import json
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from touchline.local.servers import free_port
from touchline_e2e import control_plane, images, machine, node_files, programs, storage
from touchline_e2e.audit import AuditLog
from touchline_e2e.box import Box
from touchline_e2e.certificates import Authority
from touchline_e2e.errors import StartFailed
from touchline_e2e.lifetime import Lifetime
from touchline_e2e.node import RunningNode
from touchline_e2e.node_files import Node
from touchline_e2e.processes import POLL_S

START_S = 90.0
API_PORT = 6443
ETCD_PORT = 2379
MANIFESTS = Path(__file__).parents[1] / "manifests"
_FORWARD = Path(__file__).with_name("forward.py")
_FIRST = Node(1)


class Cluster(Lifetime):
    """One or two nodes, while the `with` lasts; gone too if this process is killed.

    Attributes:
        nodes: by name, `n1` first: the control plane is there.
        audit: every request about a resource (see `touchline_e2e.audit`).
    """

    NEEDS = ("pause", "etcd", "kubernetes", "coredns")
    """The clients (helm, kstatus) are looked for by who calls them."""

    nodes: dict[str, RunningNode]
    audit: AuditLog

    def __init__(self, *, nodes: int = 1, archives: Sequence[Path] = ()) -> None:
        """Args:
        nodes: 1 or 2.
        archives: images to import on every node while the control plane comes up.
        """
        if nodes not in {1, 2}:
            raise ValueError(f"a cluster has one or two nodes, not {nodes}")
        self._count = nodes
        self._archives = archives
        self._server_url = f"https://{_FIRST.address}:{API_PORT}"

    def _check(self) -> None:
        machine.check()
        super()._check()

    def _start(self) -> None:
        folder = self.processes.folder
        port = free_port()
        authority = Authority(folder / "pki")
        super().__init__(folder=folder, authority=authority, url=f"https://127.0.0.1:{port}")
        self.audit = AuditLog(folder / "log" / "audit.jsonl")
        self.nodes = {}
        first = self._add_node(_FIRST, authority, _FIRST.address)
        self._start_control_plane(first.box, authority)
        self._open(first.box, {port: f"127.0.0.1:{API_PORT}"})
        if self._count == 2:
            self._add_second(authority)
        # Importing images takes the longest, and the API server needs that time anyway.
        for node in self.nodes.values():
            node.start("containerd")
            for archive in (*system_images(), *self._archives):
                node.load(archive)
        self.processes.wait_until("n1.kube-apiserver", self.is_ready, START_S)
        self._start_controllers(first.box)
        for node in self.nodes.values():
            node.start("kubelet")
            node.start("kube-proxy")
        self.kubectl("apply", "--server-side", "-f", MANIFESTS)
        folders = {name: storage.make_folders(node.box.folder) for name, node in self.nodes.items()}
        self.kubectl("apply", "--server-side", "-f", "-", stdin=storage.documents(folders))
        self._wait_until_ready()

    def _add_node(self, node: Node, authority: Authority, address: str | None) -> RunningNode:
        box = Box(self.processes, name=node.name, address=address, pause=programs.find("pause"))
        running = RunningNode(node, box, self.processes)
        running.prepare(authority, self, self._server_url)
        self.nodes[node.name] = running
        return running

    def _add_second(self, authority: Authority) -> None:
        """The second node hangs on the first one's bridge by a cable (veth) that `partitioned` unplugs."""
        first, node = self.nodes["n1"], Node(2)
        second = self._add_node(node, authority, None)
        first.ip("link", "add", "port2", "type", "veth", "peer", "name", "up0", "netns", str(second.box.pid))
        first.ip("link", "set", "port2", "master", "up0", "up")
        first.ip("route", "add", node.pods, "via", node.address)
        second.ip("address", "add", f"{node.address}/24", "dev", "up0")
        second.ip("link", "set", "up0", "up")
        second.ip("route", "add", "default", "dev", "up0")
        second.ip("route", "add", _FIRST.pods, "via", _FIRST.address)

    def _start_control_plane(self, box: Box, authority: Authority) -> None:
        self._secrets = control_plane.issue(authority, addresses=(_FIRST.address,))
        policy = control_plane.write_audit_policy(self.processes.folder / "audit-policy.yaml", "Metadata")
        box.start(
            "etcd",
            control_plane.etcd(
                binary=programs.find("etcd"),
                folder=self.processes.folder / "etcd",
                client_port=ETCD_PORT,
                peer_port=ETCD_PORT + 1,
            ),
        )
        self._api_server = control_plane.api_server(
            binary=programs.find("kube-apiserver"),
            secrets=self._secrets,
            etcd_port=ETCD_PORT,
            port=API_PORT,
            bind="0.0.0.0",  # of the box's own network
            advertise=_FIRST.address,
            audit_policy=policy,
            audit_log=self.audit.path,
            alone=False,
        )
        box.start("kube-apiserver", self._api_server)

    def _start_controllers(self, box: Box) -> None:
        """The rest of the control plane, which ends at once where the API server has not made its own roles yet."""
        box.start(
            "kube-controller-manager",
            control_plane.controller_manager(
                binary=programs.find("kube-controller-manager"),
                secrets=self._secrets,
                kubeconfig=self.kubeconfig_for("system:kube-controller-manager", url=self._server_url),
                port=10257,
            ),
        )
        box.start(
            "kube-scheduler",
            control_plane.scheduler(
                binary=programs.find("kube-scheduler"),
                kubeconfig=self.kubeconfig_for("system:kube-scheduler", url=self._server_url),
                port=10259,
            ),
        )

    def _wait_until_ready(self) -> None:
        """Every node Ready and names resolved.

        Raises:
            StartFailed: not within the bound, or a program ended meanwhile; with its last words.
        """
        end = time.monotonic() + START_S
        while not (self._nodes_are_ready() and self._names_resolve()):
            self.processes.check()
            if time.monotonic() > end:
                pods = self.kubectl("get", "nodes,pods,events", "--all-namespaces")
                raise StartFailed(f"the cluster is not ready:\n{pods}\n{self.processes.last_words('n1.kubelet')}")
            time.sleep(POLL_S)

    def _nodes_are_ready(self) -> bool:
        items = json.loads(self.kubectl("get", "nodes", "-o", "json"))["items"]
        ready = [
            item["metadata"]["name"]
            for item in items
            for condition in item["status"].get("conditions", [])
            if condition["type"] == "Ready" and condition["status"] == "True"
        ]
        return sorted(ready) == sorted(self.nodes)

    def _names_resolve(self) -> bool:
        coredns = json.loads(self.kubectl("get", "deployment", "coredns", "-n", "kube-system", "-o", "json"))
        return bool(coredns["status"].get("readyReplicas"))

    def load(self, archive: Path) -> None:
        """Import an image archive on every node."""
        for node in self.nodes.values():
            node.load(archive)

    def open(self, address: str, port: int) -> int:
        """A door on this machine's loopback to an address of the cluster's (a pod's, a Service's); returns its port."""
        here = free_port()
        self._open(self.nodes["n1"].box, {here: f"{address}:{port}"})
        return here

    def open_service(self, namespace: str, name: str, port: int) -> int:
        """A door to a Service's port: what a client outside the cluster connects to, on loopback."""
        service = json.loads(self.kubectl("get", "service", name, "-n", namespace, "-o", "json"))
        return self.open(service["spec"]["clusterIP"], port)

    def open_pod(self, namespace: str, name: str, port: int) -> int:
        """A door to one pod's port, while that pod lasts."""
        pod = json.loads(self.kubectl("get", "pod", name, "-n", namespace, "-o", "json"))
        return self.open(pod["status"]["podIP"], port)

    def _open(self, box: Box, doors: dict[int, str]) -> None:
        name = f"door.{min(doors)}"
        words = [f"{port}={target}" for port, target in doors.items()]
        self.processes.start(name, [sys.executable, "-I", "-S", _FORWARD, str(box.pid), *words])

    def start_server(self) -> None:
        """Start the API server (again) and wait until it is ready."""
        self.nodes["n1"].box.start("kube-apiserver", self._api_server)
        self.processes.wait_until("n1.kube-apiserver", self.is_ready, START_S)

    def stop_server(self, *, kill: bool = False) -> None:
        """Stop the API server, in order or as a crash (SIGKILL)."""
        self.nodes["n1"].box.stop("kube-apiserver", kill=kill)

    def restart_server(self, *, kill: bool = False) -> None:
        """Stop the API server and start it with the same state."""
        self.stop_server(kill=kill)
        self.start_server()

    @contextlib.contextmanager
    def etcd_stopped(self) -> Iterator[None]:
        """While this lasts etcd stands still (SIGSTOP)."""
        box = self.nodes["n1"].box
        box.signal("etcd", signal.SIGSTOP)
        try:
            yield
        finally:
            box.signal("etcd", signal.SIGCONT)

    @contextlib.contextmanager
    def partitioned(self) -> Iterator[None]:
        """While this lasts the second node is cut off from the first and from the control plane."""
        first = self.nodes["n1"]
        first.ip("link", "set", "port2", "down")
        try:
            yield
        finally:
            first.ip("link", "set", "port2", "up")


def system_images() -> list[Path]:
    """The images that every node needs (made once, beside the programs that they hold)."""
    archives = []
    for name, inside, reference in (
        ("pause", "/pause", node_files.PAUSE_IMAGE),
        ("coredns", "/coredns", "localhost/coredns:e2e"),
    ):
        program = programs.find(name)
        archive = program.with_name("image.tar")
        if not archive.exists():
            images.of_files(archive, reference=reference, files={inside: program}, entrypoint=[inside])
        archives.append(archive)
    return archives
