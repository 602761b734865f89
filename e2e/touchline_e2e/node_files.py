"""The configuration of one node's programs: pure, as text.

The choices are those of a node that shares a machine with whatever else runs there: it takes what it finds (cgroup v1 or
v2, swap, a nearly full disk) and changes nothing outside its own namespaces.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

POD_RANGE = "10.244.0.0/16"
DNS_SERVICE = "10.96.0.10"
PAUSE_IMAGE = "localhost/pause:e2e"
CONTAINERD_SOCKET = "/run/containerd/containerd.sock"
CNI_PLUGINS = "/usr/lib/cni"
"""Where Debian's containernetworking-plugins are."""


@dataclass(frozen=True)
class Node:
    """One node: its name, the address that others reach it by, and the range of its pods' addresses."""

    number: int

    @property
    def name(self) -> str:
        return f"n{self.number}"

    @property
    def address(self) -> str:
        """On a network of the cluster's own that no other namespace sees."""
        return f"172.31.255.{self.number}"

    @property
    def pods(self) -> str:
        return f"10.244.{self.number}.0/24"


def containerd() -> str:
    """containerd's configuration (version 2, which containerd 1.6 and 2 both read).

    `restrict_oom_score_adj`: a process without CAP_SYS_RESOURCE cannot lower its OOM score, and runc gives up on it.
    """
    return f"""\
version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", \
"io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs"]

[grpc]
address = "{CONTAINERD_SOCKET}"

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{PAUSE_IMAGE}"
disable_apparmor = true
restrict_oom_score_adj = true

[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "overlayfs"
default_runtime_name = "runc"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
SystemdCgroup = false

[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{CNI_PLUGINS}"
conf_dir = "/etc/cni/net.d"
"""


def network(node: Node) -> str:
    """The bridge that a node's pods hang on. It enforces no NetworkPolicy: they are accepted and have no effect."""
    bridge = {
        "type": "bridge",
        "bridge": "cni0",
        "isGateway": True,
        "ipMasq": False,
        "hairpinMode": True,
        "ipam": {"type": "host-local", "ranges": [[{"subnet": node.pods}]], "routes": [{"dst": "0.0.0.0/0"}]},
    }
    ports = {"type": "portmap", "capabilities": {"portMappings": True}}
    return json.dumps({"cniVersion": "1.0.0", "name": "pods", "plugins": [bridge, ports]}, indent=2)


def kubelet(*, authority: Path, certificate: Path, key: Path, cgroup: str, resolv_conf: Path) -> str:
    """The kubelet's configuration; `cgroup` is the control group, from the root, below which all pods are."""
    document: dict[str, Any] = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(authority)},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(certificate),
        "tlsPrivateKeyFile": str(key),
        "containerRuntimeEndpoint": f"unix://{CONTAINERD_SOCKET}",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": cgroup,
        "failCgroupV1": False,
        "failSwapOn": False,
        "protectKernelDefaults": False,
        "clusterDNS": [DNS_SERVICE],
        "clusterDomain": "cluster.local",
        "resolvConf": str(resolv_conf),
        # A full disk or little memory on the machine is not the test's subject.
        "evictionHard": {
            "memory.available": "100Mi",
            "nodefs.available": "1%",
            "nodefs.inodesFree": "1%",
            "imagefs.available": "1%",
        },
        # Images came from us and cannot be pulled again.
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "volumePluginDir": "/var/lib/kubelet/volumeplugins",
        "nodeStatusUpdateFrequency": "2s",
        "nodeLeaseDurationSeconds": 4,
    }
    return yaml.safe_dump(document, sort_keys=False)


def proxy(*, node: Node, kubeconfig: Path) -> str:
    """kube-proxy's configuration. Its conntrack limits are left alone: they are the machine's and not the namespace's."""
    document: dict[str, Any] = {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        "hostnameOverride": node.name,
        "clusterCIDR": POD_RANGE,
        "clientConnection": {"kubeconfig": str(kubeconfig)},
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
        "metricsBindAddress": "127.0.0.1:10249",
    }
    return yaml.safe_dump(document, sort_keys=False)
