"""The command lines of etcd and of the Kubernetes control plane: pure, from a few facts about the cluster.

Times are short, so that failures show within a test's patience and not within the minutes that suit a data centre.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from touchline_e2e.certificates import Authority, Pair

SERVICE_RANGE = "10.96.0.0/16"
API_SERVICE = "10.96.0.1"
"""The first address of the range is always the API server's own Service."""
ISSUER = "https://kubernetes.default.svc"

AUDIT_POLICY = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
omitManagedFields: true
rules:
  - level: None
    nonResourceURLs: ["/*"]
  - level: {level}
"""


@dataclass(frozen=True)
class Secrets:
    """The files that the control plane's programs authenticate with and sign by."""

    authority: Pair
    serving: Pair
    service_accounts: Pair
    kubelet_client: Pair
    front_proxy: Pair


def issue(authority: Authority, *, addresses: Sequence[str]) -> Secrets:
    """Everything that a control plane needs, signed; `addresses` are those that the API server is reached by."""
    names = ("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "127.0.0.1", API_SERVICE)
    return Secrets(
        authority=authority.pair,
        serving=authority.server("kube-apiserver", names=tuple(dict.fromkeys((*names, *addresses)))),
        service_accounts=authority.signing_key("service-accounts"),
        kubelet_client=authority.client("kubelet-client", user="kube-apiserver", groups=("system:masters",)),
        front_proxy=authority.client("front-proxy", user="front-proxy"),
    )


def write_audit_policy(path: Path, level: str) -> Path:
    """Write which requests are logged: all that are about resources, at `Metadata`, `Request` or `RequestResponse`."""
    path.write_text(AUDIT_POLICY.format(level=level), encoding="utf-8")
    return path


def etcd(*, binary: Path, folder: Path, client_port: int, peer_port: int) -> list[str]:
    """One etcd on loopback. It does not sync its file: a test cluster's state need not survive a power cut."""
    client, peer = f"http://127.0.0.1:{client_port}", f"http://127.0.0.1:{peer_port}"
    return [
        str(binary),
        "--name=e2e",
        f"--data-dir={folder}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=e2e={peer}",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def api_server(
    *,
    binary: Path,
    secrets: Secrets,
    etcd_port: int,
    port: int,
    bind: str,
    advertise: str,
    audit_policy: Path,
    audit_log: Path,
    alone: bool,
    extra: Sequence[str] = (),
) -> list[str]:
    """The API server, with RBAC, node restriction and an audit log.

    Args:
        bind: the address to listen on; `advertise` is the one that pods reach it by, through its Service.
        alone: no cluster is around it: it must not write its own address into the `kubernetes` Service's endpoints
            (it refuses to advertise loopback there).
    """
    return [
        str(binary),
        f"--etcd-servers=http://127.0.0.1:{etcd_port}",
        f"--bind-address={bind}",
        f"--secure-port={port}",
        f"--advertise-address={advertise}",
        *(["--endpoint-reconciler-type=none"] if alone else []),
        f"--service-cluster-ip-range={SERVICE_RANGE}",
        f"--tls-cert-file={secrets.serving.certificate}",
        f"--tls-private-key-file={secrets.serving.key}",
        f"--client-ca-file={secrets.authority.certificate}",
        f"--kubelet-client-certificate={secrets.kubelet_client.certificate}",
        f"--kubelet-client-key={secrets.kubelet_client.key}",
        f"--kubelet-certificate-authority={secrets.authority.certificate}",
        "--kubelet-preferred-address-types=InternalIP",
        f"--service-account-key-file={secrets.service_accounts.certificate}",
        f"--service-account-signing-key-file={secrets.service_accounts.key}",
        f"--service-account-issuer={ISSUER}",
        f"--requestheader-client-ca-file={secrets.authority.certificate}",
        "--requestheader-allowed-names=front-proxy",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        f"--proxy-client-cert-file={secrets.front_proxy.certificate}",
        f"--proxy-client-key-file={secrets.front_proxy.key}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged=true",
        f"--audit-policy-file={audit_policy}",
        f"--audit-log-path={audit_log}",
        # Without it a SIGTERM takes a minute while watches are open.
        "--shutdown-watch-termination-grace-period=1s",
        "--default-not-ready-toleration-seconds=5",
        "--default-unreachable-toleration-seconds=5",
        *extra,
    ]


def controller_manager(
    *, binary: Path, secrets: Secrets, kubeconfig: Path, port: int, controllers: Sequence[str] = ("*",)
) -> list[str]:
    """The controllers (all, or those named), on loopback, without a leader election that nobody would contest."""
    return [
        str(binary),
        *_client(kubeconfig, port),
        f"--controllers={','.join(controllers)}",
        f"--service-account-private-key-file={secrets.service_accounts.key}",
        f"--root-ca-file={secrets.authority.certificate}",
        f"--cluster-signing-cert-file={secrets.authority.certificate}",
        f"--cluster-signing-key-file={secrets.authority.key}",
        "--use-service-account-credentials=true",
        "--node-monitor-period=1s",
        "--node-monitor-grace-period=8s",
    ]


def scheduler(*, binary: Path, kubeconfig: Path, port: int) -> list[str]:
    """The scheduler, on loopback, likewise alone."""
    return [str(binary), *_client(kubeconfig, port)]


def _client(kubeconfig: Path, port: int) -> list[str]:
    return [
        f"--kubeconfig={kubeconfig}",
        f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}",
        "--leader-elect=false",
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
    ]
