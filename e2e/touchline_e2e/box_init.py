"""Process 1 of a node's namespaces: sets them up and becomes `pause`, whose end is the end of everything in them.

Run by its path inside fresh network, mount, PID, UTS and IPC namespaces (`unshare`):

    box_init.py NAME FOLDER ADDRESS or - PAUSE

FOLDER keeps what the node writes; ADDRESS goes on a bridge of the node's own (`-`: somebody else brings the network).
"""

import os
import socket
import subprocess
import sys
from pathlib import Path

PLACES = {
    "kubelet": "/var/lib/kubelet",
    "cni-state": "/var/lib/cni",
    "cni-config": "/etc/cni",
    "pod-logs": "/var/log/pods",
    "container-logs": "/var/log/containers",
}
"""Where a node's programs write, and which folder lies there instead."""

IN_MEMORY = {"/run": "512m", "/var/lib/containerd": "4g"}
"""What is many small files for a short time, and how much memory it may take at most: it is gone with the namespace, at once.
An image takes as much as it weighs; on disk, unpacking it and removing it again took longer than everything else."""

OVERLAID = ("/etc", "/var/lib", "/var/log")
"""What a node sees of the machine and may add to: on a layer of its own, so that not even an empty folder is made outside."""

KERNEL = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}
"""What a kubelet wants of the kernel and would set for the whole machine: here it finds it, on files of ours, and sets nothing."""


def main(name: str, folder: Path, address: str, pause: str) -> None:
    socket.sethostname(name)
    _run("mount", "--make-rprivate", "/")
    for path in OVERLAID:
        upper, work = (folder / "overlays" / f"{path.replace('/', '-')}.{part}" for part in ("upper", "work"))
        upper.mkdir(parents=True)
        work.mkdir()
        _run("mount", "-t", "overlay", "-o", f"lowerdir={path},upperdir={upper},workdir={work}", "overlay", path)
    for path, size in IN_MEMORY.items():
        Path(path).mkdir(parents=True, exist_ok=True)
        _run("mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs", path)
    for place, path in PLACES.items():
        (folder / place).mkdir(parents=True, exist_ok=True)
        Path(path).mkdir(parents=True, exist_ok=True)
        _run("mount", "--bind", str(folder / place), path)
    for setting, value in KERNEL.items():
        stand_in = folder / "kernel" / setting
        stand_in.parent.mkdir(parents=True, exist_ok=True)
        stand_in.write_text(value + "\n", encoding="utf-8")
        if Path("/proc/sys", setting).exists():
            _run("mount", "--bind", str(stand_in), f"/proc/sys/{setting}")
    # A pod's mounts must be seen by the kubelet and the other way round; nobody outside is in this group.
    _run("mount", "--make-rshared", "/")

    _run("ip", "link", "set", "lo", "up")
    if address != "-":
        _run("ip", "link", "add", "up0", "type", "bridge")
        _run("ip", "address", "add", f"{address}/24", "dev", "up0")
        _run("ip", "link", "set", "up0", "up")
        # Service addresses are nobody's: without a route out, a packet to one would not get as far as kube-proxy's rules.
        _run("ip", "route", "add", "default", "dev", "up0")
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1", encoding="utf-8")
    bridged = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")
    if bridged.exists():
        bridged.write_text("1", encoding="utf-8")
    (folder / "ready").touch()
    os.execv(pause, [pause])


def _run(*words: str) -> None:
    subprocess.run(words, check=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], sys.argv[4])
