"""One node: containerd, the kubelet and kube-proxy in a box, and what a test does to them."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from touchline_e2e import node_files, programs
from touchline_e2e.access import Access
from touchline_e2e.box import Box
from touchline_e2e.certificates import Authority
from touchline_e2e.errors import CommandFailed
from touchline_e2e.node_files import Node
from touchline_e2e.processes import Processes

START_S = 60.0
PROGRAMS = ("containerd", "kubelet", "kube-proxy")


class RunningNode:
    """A node of a running cluster."""

    def __init__(self, node: Node, box: Box, processes: Processes) -> None:
        self.node = node
        self.box = box
        self._processes = processes
        self._argv: dict[str, list[str | Path]] = {}

    def prepare(self, authority: Authority, access: Access, server: str) -> None:
        """Write the configuration of everything that runs on the node; `server` is the API server as seen from it."""
        node, folder = self.node, self.box.folder
        serving = authority.server(
            f"kubelet-{node.name}", names=(node.name, node.address), user=f"system:node:{node.name}"
        )
        kubelet_kubeconfig = access.kubeconfig_for(f"system:node:{node.name}", ("system:nodes",), url=server)
        proxy_kubeconfig = access.kubeconfig_for("system:kube-proxy", url=server)
        network = folder / "cni-config" / "net.d"
        network.mkdir(parents=True, exist_ok=True)
        (folder / "resolv.conf").write_text(f"nameserver {node_files.DNS_SERVICE}\n", encoding="utf-8")
        for path, text in {
            network / "10-pods.conflist": node_files.network(node),
            folder / "containerd.toml": node_files.containerd(),
            folder / "kube-proxy.yaml": node_files.proxy(node=node, kubeconfig=proxy_kubeconfig),
            folder / "kubelet.yaml": node_files.kubelet(
                authority=authority.pair.certificate,
                certificate=serving.certificate,
                key=serving.key,
                cgroup=self.box.cgroup,
                resolv_conf=folder / "resolv.conf",
            ),
        }.items():
            path.write_text(text, encoding="utf-8")
        self._argv = {
            "containerd": ["containerd", "--config", folder / "containerd.toml"],
            "kubelet": [
                programs.find("kubelet"),
                f"--config={folder / 'kubelet.yaml'}",
                f"--kubeconfig={kubelet_kubeconfig}",
                f"--hostname-override={node.name}",
                f"--node-ip={node.address}",
            ],
            "kube-proxy": [programs.find("kube-proxy"), f"--config={folder / 'kube-proxy.yaml'}"],
        }

    def start(self, program: str) -> None:
        """Start containerd, kubelet or kube-proxy (again); containerd is waited for, the others are not."""
        self.box.start(program, self._argv[program])
        if program == "containerd":
            self._processes.wait_until(f"{self.node.name}.containerd", self._containerd_answers, START_S)

    def stop(self, program: str, *, kill: bool = False) -> None:
        """Stop one of the node's programs, in order or as a crash. Pods go on without all three of them."""
        self.box.stop(program, kill=kill)

    def restart(self, program: str, *, kill: bool = False) -> None:
        """Stop one of the node's programs and start it again."""
        self.stop(program, kill=kill)
        self.start(program)

    def load(self, archive: Path) -> None:
        """Import an image archive (docker-archive or OCI), as a pull would.

        Raises:
            CommandFailed: containerd refuses it.
        """
        self.run(["ctr", "--namespace", "k8s.io", "images", "import", archive])

    def run(self, words: Sequence[str | Path]) -> str:
        """What a command prints that runs in the node's namespaces.

        Raises:
            CommandFailed: it ended with an error.
        """
        return self._run([*self.box.entering(), *words])

    def ip(self, *words: str) -> None:
        """Change the node's network with `ip`, which sees this machine's processes: it may name another box's.

        Raises:
            CommandFailed: it ended with an error.
        """
        self._run(["nsenter", "--target", str(self.box.pid), "--net", "--", "ip", *words])

    def _run(self, words: Sequence[str | Path]) -> str:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip()[-1000:]
            command = " ".join(str(word) for word in words[words.index("--") + 1 :])
            raise CommandFailed(f"{command} on {self.node.name} ended with {done.returncode}: {said}")
        return done.stdout

    def _containerd_answers(self) -> bool:
        words = [*self.box.entering(), "ctr", "--timeout", "2s", "version"]
        return subprocess.run(words, capture_output=True, check=False).returncode == 0
