"""The process that starts a cluster's programs and outlives whoever asked for them, just long enough to end them.

A test that is killed (`kill -9`, out of memory, a CI's time limit) runs no clean-up of its own. So the harness starts
nothing itself: it starts this keeper, tells it by lines of JSON on standard input what to run and what to undo, and the
keeper ends and undoes it all when that pipe closes, for whatever reason. It is a session of its own, so that a signal to
the terminal's or the test runner's process group does not reach it. Should the keeper itself be killed, the kernel kills
its children (PR_SET_PDEATHSIG; the keeper has one thread, so the signal means its end and nothing less).

Requests, each answered by one line (`{"error": …}` where it failed):

    {"do": "start", "name": N, "argv": […], "log": PATH, "env": {…}}   -> {"pid": P}
    {"do": "signal", "name": N, "number": S}                            -> {}
    {"do": "poll", "name": N}                                           -> {"code": null or exit code}
    {"do": "stop", "name": N, "grace": SECONDS}                         -> {"code": C}
    {"do": "folder"}                                                    -> {"path": a new folder, removed at the end}
    {"do": "undo", "what": "tree" or "cgroup", "path": PATH}            -> {}
    {"do": "end"}                                                       -> {} once everything is ended and undone

Only the standard library, and run by its path (`python -I -S keeper.py`), so that it is up in 20 ms.
"""

import contextlib
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

GRACE_S = 2.0
"""How long everything together has at the end to stop by itself before it is killed."""
POLL_S = 0.02
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


class Keeper:
    """What runs, in the order in which it was started, and what to undo once it does not."""

    def __init__(self) -> None:
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._undo: list[tuple[str, Path]] = []
        self._prctl = ctypes.CDLL(None, use_errno=True).prctl
        # Orphans of children (a wrapper's own child) become ours, so that they can be found and killed at the end.
        self._prctl(_PR_SET_CHILD_SUBREAPER, 1)

    def start(self, name: str, argv: list[str], log: str, env: dict[str, str] | None = None) -> dict[str, Any]:
        running = self._children.get(name)
        if running is not None and running.poll() is None:
            raise ValueError(f"{name} is running already")
        with Path(log).open("ab") as output:
            self._children[name] = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=env,
                start_new_session=True,
                preexec_fn=self._die_with_us(os.getpid()),  # noqa: PLW1509 - there is one thread
            )
        return {"pid": self._children[name].pid}

    def _die_with_us(self, keeper: int) -> Callable[[], None]:
        def arm() -> None:
            self._prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != keeper:  # it died before this was armed
                os._exit(1)

        return arm

    def signal(self, name: str, number: int) -> dict[str, Any]:
        self._children[name].send_signal(number)
        return {}

    def poll(self, name: str) -> dict[str, Any]:
        return {"code": self._children[name].poll()}

    def stop(self, name: str, grace: float) -> dict[str, Any]:
        child = self._children[name]
        child.send_signal(signal.SIGCONT)
        child.terminate()
        try:
            child.wait(grace)
        except subprocess.TimeoutExpired:
            _kill_session(child)
        return {"code": child.wait()}

    def folder(self) -> dict[str, Any]:
        # Made here and not by who asks, so that there is no moment in which nobody would remove it.
        path = Path(tempfile.mkdtemp(prefix="touchline-e2e-"))
        self.undo("tree", str(path))
        return {"path": str(path)}

    def undo(self, what: str, path: str) -> dict[str, Any]:
        if what not in UNDO:
            raise ValueError(f"nothing known to undo a {what!r}")
        self._undo.append((what, Path(path)))
        return {}

    def end(self) -> dict[str, Any]:
        """End everything, newest first, and undo what was registered, newest first. May be called twice."""
        newest_first = list(reversed(self._children.values()))
        for child in newest_first:
            with contextlib.suppress(ProcessLookupError):
                child.send_signal(signal.SIGCONT)
                child.terminate()
        end = time.monotonic() + GRACE_S
        while time.monotonic() < end and any(child.poll() is None for child in newest_first):
            time.sleep(POLL_S)
        for child in newest_first:
            _kill_session(child)
        _kill_the_adopted()
        while self._undo:
            what, path = self._undo.pop()
            UNDO[what](path)
        return {}

    def serve(self) -> None:
        """Answer requests until the pipe closes or somebody asks for the end; then end everything."""
        requests: dict[str, Callable[..., dict[str, Any]]] = {
            "start": self.start,
            "signal": self.signal,
            "poll": self.poll,
            "stop": self.stop,
            "folder": self.folder,
            "undo": self.undo,
            "end": self.end,
        }
        try:
            for line in sys.stdin:
                request = json.loads(line)
                do = request.pop("do")
                try:
                    answer = requests[do](**request)
                except (OSError, ValueError, KeyError) as error:
                    answer = {"error": f"{type(error).__name__}: {error}"}
                sys.stdout.write(json.dumps(answer) + "\n")
                sys.stdout.flush()
                if do == "end":
                    return
        finally:
            self.end()


def _kill_session(child: "subprocess.Popen[bytes]") -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _kill_the_adopted() -> None:
    """Kill what children left behind: as the subreaper we are its parent now."""
    tasks = Path(f"/proc/self/task/{os.getpid()}/children")
    for _ in range(100):
        orphans = [int(pid) for pid in tasks.read_text().split()]
        if not orphans:
            return
        for pid in orphans:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        time.sleep(POLL_S)


def _remove_tree(path: Path) -> None:
    shutil.rmtree(path, ignore_errors=True)


def _remove_cgroup(path: Path) -> None:
    """Kill what is left in a control group and below, and remove them; the kernel needs a moment to let them go."""
    for _ in range(100):
        # The deepest first: a group goes only after those in it.
        groups = sorted(path.rglob("cgroup.procs"), key=lambda procs: -len(procs.parts)) if path.is_dir() else []
        if not groups:
            return
        for procs in groups:
            with contextlib.suppress(OSError):
                for pid in procs.read_text().split():
                    os.kill(int(pid), signal.SIGKILL)
                procs.parent.rmdir()
        time.sleep(POLL_S)


UNDO: dict[str, Callable[[Path], None]] = {"tree": _remove_tree, "cgroup": _remove_cgroup}


def main() -> None:
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    # An orderly end by the process's own id too: the loop's read is interrupted, `finally` ends everything.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    Keeper().serve()


if __name__ == "__main__":
    main()
