"""An API server alone: etcd and kube-apiserver on loopback, no node, no pods. Ready in about three seconds.

What an operator does to objects can be tested against it in full (schemas, CEL, server-side apply, RBAC, watches, audit);
what a kubelet or a controller would then do cannot, but for the controllers that one asks for.
"""

import contextlib
import signal
from collections.abc import Iterator, Sequence

from touchline.local.servers import free_port
from touchline_e2e import control_plane, programs
from touchline_e2e.access import ADMIN
from touchline_e2e.audit import AuditLog
from touchline_e2e.certificates import Authority
from touchline_e2e.lifetime import Lifetime

__all__ = ["ADMIN", "GARBAGE", "ApiServer"]

START_S = 60.0
GARBAGE = ("garbage-collector-controller", "namespace-controller")
"""The controllers that delete: the children of a deleted owner, what is in a deleted namespace."""


class ApiServer(Lifetime):
    """etcd and kube-apiserver, while the `with` lasts; gone too if this process is killed.

    Attributes:
        audit: every request about a resource: who, what, with which result (`audit_level` Metadata), or with the
            bodies (RequestResponse).
    """

    NEEDS = ("etcd", "kubernetes")

    audit: AuditLog

    def __init__(
        self, *, controllers: Sequence[str] = (), audit_level: str = "Metadata", extra_flags: Sequence[str] = ()
    ) -> None:
        self._controllers = controllers
        self._audit_level = audit_level
        self._extra_flags = extra_flags

    def _start(self) -> None:
        folder = self.processes.folder
        port, etcd_port = free_port(), free_port()
        authority = Authority(folder / "pki")
        super().__init__(folder=folder, authority=authority, url=f"https://127.0.0.1:{port}")
        secrets = control_plane.issue(authority, addresses=("127.0.0.1",))
        policy = control_plane.write_audit_policy(folder / "audit-policy.yaml", self._audit_level)
        self.audit = AuditLog(folder / "log" / "audit.jsonl")
        self.processes.start(
            "etcd",
            control_plane.etcd(
                binary=programs.find("etcd"), folder=folder / "etcd", client_port=etcd_port, peer_port=free_port()
            ),
        )
        self._argv = control_plane.api_server(
            binary=programs.find("kube-apiserver"),
            secrets=secrets,
            etcd_port=etcd_port,
            port=port,
            bind="127.0.0.1",
            advertise="127.0.0.1",
            audit_policy=policy,
            audit_log=self.audit.path,
            alone=True,
            extra=self._extra_flags,
        )
        self.start_server()
        if self._controllers:
            self.processes.start(
                "kube-controller-manager",
                control_plane.controller_manager(
                    binary=programs.find("kube-controller-manager"),
                    secrets=secrets,
                    kubeconfig=self.kubeconfig_for("system:kube-controller-manager"),
                    port=free_port(),
                    controllers=self._controllers,
                ),
            )

    def start_server(self) -> None:
        """Start the API server (again) and wait until it is ready.

        Raises:
            StartFailed: it did not come up.
        """
        self.processes.start("kube-apiserver", self._argv)
        self.processes.wait_until("kube-apiserver", self.is_ready, START_S)

    def stop_server(self, *, kill: bool = False) -> None:
        """Stop the API server: in order, or as a crash (SIGKILL). etcd goes on."""
        if kill:
            self.processes.signal("kube-apiserver", signal.SIGKILL)
        self.processes.stop("kube-apiserver", grace=15)

    def restart_server(self, *, kill: bool = False) -> None:
        """Stop the API server and start it on the same port, with the same state."""
        self.stop_server(kill=kill)
        self.start_server()

    @contextlib.contextmanager
    def etcd_stopped(self) -> Iterator[None]:
        """While this lasts etcd stands still (SIGSTOP): requests to the API server hang or fail, watches are silent."""
        self.processes.signal("etcd", signal.SIGSTOP)
        try:
            yield
        finally:
            self.processes.signal("etcd", signal.SIGCONT)
