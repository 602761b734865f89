"""The namespaces of one node, and programs in them. Everything in them ends with their first process."""

import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from touchline_e2e.errors import StartFailed
from touchline_e2e.processes import Processes

_INIT = Path(__file__).with_name("box_init.py")
NAMESPACES = ("--net", "--mount", "--pid", "--uts", "--ipc")
START_S = 15.0
CGROUPS = Path("/sys/fs/cgroup")
CONTROLLERS_V1 = ("blkio", "cpu", "cpuacct", "cpuset", "devices", "freezer", "memory", "pids", "systemd", "unified")
"""The hierarchies in which runc makes groups; `unified` is where a machine in transition has version 2 beside them."""


class Box:
    """Net, mount, PID, UTS and IPC namespaces, with a process 1 that only waits, and a control group for its pods.

    Attributes:
        pid: of process 1, as seen from outside: whose namespaces others enter.
        cgroup: the name of the control group below which the node's pods are, from the root.
    """

    def __init__(self, processes: Processes, *, name: str, address: str | None, pause: Path) -> None:
        """Make the namespaces and wait until they are set up.

        Raises:
            StartFailed: they cannot be made; with the reason.
        """
        self._processes = processes
        self.name = name
        self.folder = processes.folder / name
        self.folder.mkdir()
        self.cgroup = f"/touchline-e2e-{processes.keeper_pid}-{name}"
        self._make_cgroups()
        init: list[str | Path] = [sys.executable, "-I", "-S", _INIT, name, self.folder, address or "-", pause]
        words: list[str | Path] = ["unshare", *NAMESPACES, "--fork", "--kill-child", "--mount-proc", *init]
        wrapper = processes.start(self._of("box"), words)
        processes.wait_until(self._of("box"), (self.folder / "ready").exists, START_S)
        self.pid = _only_child(wrapper)

    def _make_cgroups(self) -> None:
        if (CGROUPS / "cgroup.controllers").exists():  # cgroup v2
            group = CGROUPS / self.cgroup.lstrip("/")
            self._processes.undo("cgroup", group)
            group.mkdir()
            return
        for controller in CONTROLLERS_V1:
            if not (CGROUPS / controller).is_dir():
                continue
            group = CGROUPS / controller / self.cgroup.lstrip("/")
            self._processes.undo("cgroup", group)
            group.mkdir()
            if controller == "cpuset":  # a new group may use no processor and no memory until it is told which
                for file in ("cpuset.cpus", "cpuset.mems"):
                    (group / file).write_text((group.parent / file).read_text(encoding="utf-8"), encoding="utf-8")

    def start(self, program: str, argv: Sequence[str | Path]) -> None:
        """Start a program in the namespaces; it is called `NODE.PROGRAM` in the keeper and in its log's name."""
        self._processes.start(self._of(program), [*self.entering(), *argv])

    def entering(self) -> list[str]:
        """The words before a command that is to run in the namespaces."""
        return ["nsenter", "--target", str(self.pid), "--net", "--mount", "--pid", "--uts", "--ipc", "--"]

    def signal(self, program: str, number: int) -> None:
        """Signal the program itself: the process that the keeper knows only waits for it."""
        wrapper = self._processes.pid_of(self._of(program))
        os.kill(_only_child(wrapper), number)
        if number == signal.SIGCONT:  # nsenter stopped itself together with its child
            os.kill(wrapper, number)

    def stop(self, program: str, *, kill: bool = False) -> int:
        """End a program in order, or as a crash; returns its exit code (negative: the signal)."""
        with contextlib.suppress(StartFailed, ProcessLookupError):
            self.signal(program, signal.SIGCONT)
            self.signal(program, signal.SIGKILL if kill else signal.SIGTERM)
        return self._processes.join(self._of(program), within=30)

    def _of(self, program: str) -> str:
        return f"{self.name}.{program}"


def _only_child(pid: int) -> int:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()
    if len(children) != 1:
        raise StartFailed(f"process {pid} has {len(children)} children, not one")
    return int(children[0])
