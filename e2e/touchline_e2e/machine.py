"""What this machine must have for a whole cluster: Linux, root, a few programs of the distribution's, a kernel's features."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from touchline_e2e.errors import ToolsMissing, Unsupported
from touchline_e2e.node_files import CNI_PLUGINS

PACKAGES = {
    "containerd": "containerd",
    "runc": "runc",
    "iptables": "iptables",
    "conntrack": "conntrack",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "mount": "mount",
    f"{CNI_PLUGINS}/bridge": "containernetworking-plugins",
    "buildah": "buildah",
    "debootstrap": "debootstrap",
}
"""A program (on the PATH, or by its own path), and the Debian package that brings it."""


def missing_packages() -> list[str]:
    """The Debian packages whose programs are not here."""
    return sorted({package for program, package in PACKAGES.items() if shutil.which(program) is None})


def install_packages(say: Callable[[str], None]) -> None:
    """Install what is missing, with apt-get as root; where that cannot be, say what somebody else must install.

    Raises:
        ToolsMissing: apt-get says no.
    """
    packages = missing_packages()
    if not packages:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        say(f"for a whole cluster this machine lacks the packages {' '.join(packages)} (Debian's names)")
        return
    say(f"installing {' '.join(packages)}")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
        done = subprocess.run(["apt-get", "-qq", *words], env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ToolsMissing(f"apt-get {words[0]} ended with {done.returncode}: {done.stderr.strip()[-1000:]}")


def check() -> None:
    """See that a whole cluster can run here.

    Raises:
        Unsupported: it is not Linux, or we are not root.
        ToolsMissing: packages are missing.
    """
    if sys.platform != "linux":
        raise Unsupported("a cluster of one's own needs Linux; elsewhere use `make e2e-kind` or KUBECONFIG")
    if os.geteuid() != 0:
        raise Unsupported("a cluster of one's own needs root; without it use `make e2e-kind` or KUBECONFIG")
    if packages := missing_packages():
        raise ToolsMissing(f"packages are missing: apt-get install {' '.join(packages)}")
    supported = Path("/proc/filesystems").read_text(encoding="utf-8").split()
    if "overlay" not in supported:
        raise Unsupported("the kernel has no overlay file system")
