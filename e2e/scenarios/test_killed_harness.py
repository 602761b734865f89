"""A whole cluster whose harness is killed: no process, no control group, no mount, no device, no file of it stays."""

import os
from pathlib import Path

import pytest

from support.lone_harness import lone_harness
from support.waiting import wait_until
from touchline_e2e.box_init import PLACES

HARNESS = """
    import signal
    from touchline_e2e.cluster import Cluster
    with Cluster() as cluster:
        print(cluster.processes.keeper_pid, cluster.nodes["n1"].box.pid, flush=True)
        signal.pause()
"""


def _belonging(namespace: str, keeper: str) -> dict[int, str]:
    """The node's processes, which are in a PID namespace (`pid:[…]`), and its pods', which are in the keeper's control groups."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            groups = (process / "cgroup").read_text(encoding="utf-8")
            if os.readlink(process / "ns" / "pid") == namespace or f"/touchline-e2e-{keeper}-" in groups:
                found[int(process.name)] = (process / "comm").read_text(encoding="utf-8").strip()
        except OSError:
            continue  # it has just ended
    return found


def _folders() -> list[str]:
    """Which of the places where a node writes there are on this machine."""
    return [place for place in PLACES.values() if Path(place).exists()]


@pytest.mark.skipif(
    "KUBECONFIG" in os.environ or "TOUCHLINE_E2E_CLUSTER" in os.environ, reason="this run is on somebody else's cluster"
)
def test_a_killed_harness_leaves_nothing_of_its_cluster(tmp_path: Path) -> None:
    kernel = Path("/proc/sys/vm/overcommit_memory").read_text(encoding="utf-8")
    devices = sorted(path.name for path in Path("/sys/class/net").iterdir())
    folders = _folders()
    with lone_harness(HARNESS, tmp_path) as (_, (keeper, first)):
        namespace = os.readlink(f"/proc/{first}/ns/pid")
        names = set(_belonging(namespace, keeper).values())
        assert {"pause", "etcd", "kube-apiserver", "containerd", "kubelet", "kube-proxy", "coredns"} <= names
        groups = list(Path("/sys/fs/cgroup").glob(f"**/touchline-e2e-{keeper}-*"))
        assert groups
    wait_until(lambda: not Path(f"/proc/{keeper}").exists(), within=30)
    assert _belonging(namespace, keeper) == {}
    assert [group for group in groups if group.exists()] == []
    assert list(tmp_path.iterdir()) == []
    assert str(tmp_path) not in Path("/proc/self/mountinfo").read_text(encoding="utf-8")
    assert _folders() == folders
    assert sorted(path.name for path in Path("/sys/class/net").iterdir()) == devices
    assert Path("/proc/sys/vm/overcommit_memory").read_text(encoding="utf-8") == kernel
