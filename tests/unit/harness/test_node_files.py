"""What a node's programs are told: valid documents that ask for nothing outside the node's namespaces."""

import ipaddress
import json
import tomllib
from pathlib import Path

import yaml

from touchline_e2e import control_plane, node_files
from touchline_e2e.machine import PACKAGES
from touchline_e2e.node_files import Node

MANIFESTS = Path(__file__).parents[3] / "e2e" / "manifests"


def test_pods_of_two_nodes_never_share_an_address_and_all_are_in_the_clusters_range() -> None:
    first, second = (ipaddress.IPv4Network(Node(number).pods) for number in (1, 2))
    assert not first.overlaps(second)
    assert all(network.subnet_of(ipaddress.IPv4Network(node_files.POD_RANGE)) for network in (first, second))


def test_nodes_pods_and_services_are_in_ranges_of_their_own() -> None:
    ranges = [ipaddress.IPv4Network(text) for text in (node_files.POD_RANGE, control_plane.SERVICE_RANGE)]
    nodes = [ipaddress.IPv4Address(Node(number).address) for number in (1, 2)]
    assert not ranges[0].overlaps(ranges[1])
    assert not any(address in network for address in nodes for network in ranges)
    assert all(address.is_private for address in nodes)


def test_well_known_services_are_in_the_service_range() -> None:
    services = ipaddress.IPv4Network(control_plane.SERVICE_RANGE)
    assert ipaddress.IPv4Address(control_plane.API_SERVICE) == services[1]
    assert ipaddress.IPv4Address(node_files.DNS_SERVICE) in services


def test_containerd_does_without_what_root_here_may_not() -> None:
    plugins = tomllib.loads(node_files.containerd())["plugins"]["io.containerd.grpc.v1.cri"]
    assert plugins["restrict_oom_score_adj"] is True
    assert plugins["containerd"]["runtimes"]["runc"]["options"]["SystemdCgroup"] is False
    assert f"{plugins['cni']['bin_dir']}/bridge" in PACKAGES
    assert plugins["sandbox_image"] == node_files.PAUSE_IMAGE


def test_the_bridge_gives_addresses_from_the_nodes_own_range() -> None:
    bridge = json.loads(node_files.network(Node(2)))["plugins"][0]
    assert bridge["ipam"]["ranges"] == [[{"subnet": "10.244.2.0/24"}]]


def test_the_kubelet_keeps_to_its_control_group_and_trusts_nobody_unknown() -> None:
    document = yaml.safe_load(
        node_files.kubelet(
            authority=Path("/pki/ca.crt"),
            certificate=Path("/pki/kubelet.crt"),
            key=Path("/pki/kubelet.key"),
            cgroup="/touchline-e2e-1-n1",
            resolv_conf=Path("/n1/resolv.conf"),
        )
    )
    assert document["cgroupRoot"] == "/touchline-e2e-1-n1"
    assert document["cgroupDriver"] == "cgroupfs"
    assert document["authentication"]["anonymous"] == {"enabled": False}
    assert document["failCgroupV1"] is False
    assert document["clusterDNS"] == [node_files.DNS_SERVICE]


def test_kube_proxy_leaves_the_machines_connection_table_alone() -> None:
    document = yaml.safe_load(node_files.proxy(node=Node(1), kubeconfig=Path("/proxy.kubeconfig")))
    assert set(document["conntrack"].values()) == {0, "0s"}
    assert document["hostnameOverride"] == "n1"


def test_the_manifests_name_the_addresses_and_images_that_the_harness_gives() -> None:
    objects = [
        item for path in sorted(MANIFESTS.glob("*.yaml")) for item in yaml.safe_load_all(path.read_text("utf-8"))
    ]
    kinds = {item["kind"]: item for item in objects}
    assert kinds["Service"]["spec"]["clusterIP"] == node_files.DNS_SERVICE
    container = kinds["Deployment"]["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == "localhost/coredns:e2e"
    assert container["imagePullPolicy"] == "IfNotPresent"
