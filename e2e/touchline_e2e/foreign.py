"""Clusters that somebody else runs: the one in KUBECONFIG, and kind's in Docker. The same calls as `Cluster`, where they can be.

What only the harness's own cluster can do (stopping etcd, killing a kubelet, reading the audit log) is not here: scenarios
that need it are skipped with that reason.
"""

import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from touchline.local.servers import free_port
from touchline_e2e import access, programs
from touchline_e2e.application_image import REFERENCE
from touchline_e2e.errors import BuildFailed, ToolsMissing, Unsupported
from touchline_e2e.processes import Processes

FORWARD_S = 20.0


class ForeignCluster:
    """The cluster of a kubeconfig; doors to its Services are `kubectl port-forward`."""

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig
        self._kubectl = _program("kubectl")

    def __enter__(self) -> Self:
        self.processes = Processes()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.processes.end()

    def kubectl(self, *words: str | Path, stdin: str | None = None, kubeconfig: Path | None = None) -> str:
        """What kubectl prints; raises CommandFailed."""
        return access.run([self._kubectl, *words], stdin=stdin, kubeconfig=kubeconfig or self.kubeconfig)

    def load(self, archive: Path) -> None:
        """Raises Unsupported: images reach this cluster by its registry. Name yours in TOUCHLINE_E2E_IMAGE."""
        raise Unsupported(f"{archive.name} cannot be loaded here: push it where the cluster pulls from")

    def open_service(self, namespace: str, name: str, port: int) -> int:
        """A door on this machine's loopback to a Service's port; returns its port here."""
        return self._forward(namespace, f"service/{name}", port)

    def open_pod(self, namespace: str, name: str, port: int) -> int:
        """A door to one pod's port, while that pod lasts."""
        return self._forward(namespace, f"pod/{name}", port)

    def _forward(self, namespace: str, target: str, port: int) -> int:
        here = free_port()
        door = f"door.{here}"
        words: list[str | Path] = [
            self._kubectl,
            f"--kubeconfig={self.kubeconfig}",
            "port-forward",
            f"--namespace={namespace}",
        ]
        self.processes.start(door, [*words, target, f"{here}:{port}"])
        log = self.processes.log_of(door)
        self.processes.wait_until(door, lambda: "Forwarding from" in log.read_text(encoding="utf-8"), FORWARD_S)
        return here


class KindCluster(ForeignCluster):
    """A cluster that kind makes in Docker for as long as the `with` lasts."""

    NAME = "touchline-e2e"

    def __init__(self, folder: Path) -> None:
        for program in ("docker", "kind"):
            _program(program)
        super().__init__(folder / "kind.kubeconfig")

    def __enter__(self) -> Self:
        super().__enter__()
        _run(["kind", "create", "cluster", "--name", self.NAME, "--kubeconfig", str(self.kubeconfig), "--wait", "120s"])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        _run(["kind", "delete", "cluster", "--name", self.NAME])

    def load(self, archive: Path) -> None:
        """Import an image archive on every node."""
        _run(["kind", "load", "image-archive", str(archive), "--name", self.NAME])

    def build(self) -> str:
        """Build Touchline's image with Docker and give it to the nodes; returns its reference."""
        root = Path(__file__).parents[2]
        _run(["docker", "build", "--tag", REFERENCE, str(root)])
        _run(["kind", "load", "docker-image", REFERENCE, "--name", self.NAME])
        return REFERENCE


def _program(name: str) -> Path:
    here = shutil.which(name)
    if here is not None:
        return Path(here)
    if name == "kubectl":
        return programs.find(name)
    raise ToolsMissing(f"{name} is not installed")


def _run(words: list[str]) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BuildFailed(f"{' '.join(words[:3])} ended with {done.returncode}: {done.stderr.strip()[-1500:]}")
