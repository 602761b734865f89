"""A cluster that stays after the command that started it: `make e2e-up`, until `make e2e-down`.

A process in the background holds it (the same `with` as a test's); a file says which, and where the cluster is.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from touchline_e2e import application_image, deployment, go
from touchline_e2e.cluster import Cluster
from touchline_e2e.errors import HarnessError, StartFailed

START_S = 600.0
STOP_S = 30.0
POLL_S = 0.2


@dataclass(frozen=True)
class Standing:
    """What the file says: the holder's process id, the kubeconfig (empty while it starts), and the gateway's URL
    (empty where nothing is deployed).
    """

    pid: int
    kubeconfig: str
    gateway: str


def state_file() -> Path:
    """Where a standing cluster is noted."""
    return go.cache_root() / "standing.json"


def find() -> Standing | None:
    """The standing cluster, if its holder lives; a note of a dead one is removed."""
    try:
        standing = Standing(**json.loads(state_file().read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    if _lives(standing.pid):
        return standing
    state_file().unlink(missing_ok=True)
    return None


def up(nodes: int, say: Callable[[str], None]) -> Standing:
    """Start a cluster with Touchline's image, chart and quickstart, held by a process of its own.

    Raises:
        StartFailed: it did not come up; with the holder's last words.
    """
    log = state_file().with_suffix(".log")
    if (standing := find()) is None:
        log.parent.mkdir(parents=True, exist_ok=True)
        standing = Standing(_spawn(log, nodes), "", "")
        _write(standing)
    said, end = 0, time.monotonic() + START_S
    while not standing.kubeconfig:
        said = _repeat(log, said, say)
        if time.monotonic() > end:
            raise StartFailed(f"the cluster was not up within {START_S:.0f} s: `make e2e-down` ends it (see {log})")
        time.sleep(POLL_S)
        if (found := find()) is None:
            _repeat(log, said, say)
            raise StartFailed(f"the cluster did not come up (see {log})")
        standing = found
    _repeat(log, said, say)
    return standing


def _spawn(log: Path, nodes: int) -> int:
    """Start a holder that outlives us, in a session of its own; returns its process id."""
    words = [sys.executable, "-m", "touchline_e2e", "hold", "--nodes", str(nodes)]
    streams = [
        (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    return os.posix_spawn(words[0], words, os.environ, file_actions=streams, setsid=True)


def _repeat(log: Path, said: int, say: Callable[[str], None]) -> int:
    """Say the lines of the holder's log that were not said before; returns how many there are."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    for line in lines[said:]:
        say(line)
    return len(lines)


def _write(standing: Standing) -> None:
    unfinished = state_file().with_suffix(".unfinished")
    unfinished.write_text(json.dumps(asdict(standing)), encoding="utf-8")
    unfinished.rename(state_file())


def hold(nodes: int, say: Callable[[str], None]) -> None:
    """Be the process that holds a standing cluster, until a signal ends it."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        archive = application_image.without_a_registry(say)
        say("starting the cluster")
        with Cluster(nodes=nodes, archives=(archive,)) as cluster:
            gateway = deployment.deploy(cluster, say)
            _write(Standing(os.getpid(), str(cluster.kubeconfig), gateway))
            while True:
                signal.pause()
    finally:
        state_file().unlink(missing_ok=True)


def down() -> bool:
    """End the standing cluster; whether there was one.

    Raises:
        HarnessError: its holder does not end.
    """
    standing = find()
    if standing is None:
        return False
    os.kill(standing.pid, signal.SIGTERM)
    end = time.monotonic() + STOP_S
    while _lives(standing.pid):
        if time.monotonic() > end:
            raise HarnessError(f"process {standing.pid}, which holds the cluster, does not end")
        time.sleep(POLL_S)
    return True


def _lives(pid: int) -> bool:
    """Whether that process is a holder of ours: the number may be another's by now."""
    try:
        return b"touchline_e2e" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False
