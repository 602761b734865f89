"""`python -m touchline_operator.servers.reload`: SIGHUP to a server whenever its configuration folders change.

The kubelet swaps a mounted Secret's files as a whole some time after the Secret changed; what counts is their content. Nobody here
knows which files a server had read when it started: it may have been those that were swapped a moment later. So each
process is told once, soon after it was first seen, and then after each change; to read the same again does nothing.
"""

import argparse
import hashlib
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

EVERY_S = 1.0


def content(folders: Sequence[Path]) -> str:
    """A hash of all files in the folders."""
    digest = hashlib.sha256()
    for folder in folders:
        for file in sorted(folder.iterdir()):
            if file.is_file():
                digest.update(f"{file}\x00".encode() + file.read_bytes() + b"\x00")
    return digest.hexdigest()


def server_pid(pid_file: Path) -> int | None:
    """The server's process id; None while it has none."""
    try:
        text = pid_file.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    return int(text) if text.isdigit() else None


def follow(folders: Sequence[Path], pid_file: Path, stopped: list[int], *, every_s: float = EVERY_S) -> None:
    """Look each second until a signal number stands in `stopped`."""
    told: tuple[int, str] | None = None
    print(f"watching {len(folders)} folders", flush=True)
    while not stopped:
        time.sleep(every_s)
        pid = server_pid(pid_file)
        if pid is None or told == (now := (pid, content(folders))):
            continue
        told = now
        try:
            os.kill(pid, signal.SIGHUP)
            print(f"process {pid} was told to read its configuration", flush=True)
        except ProcessLookupError:
            print(f"process {pid} is gone; the next one is told", flush=True)


def main() -> None:
    """Parse the command line and follow."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pid-file", type=Path, required=True, help="where the server writes its process id")
    parser.add_argument("folders", nargs="+", type=Path, help="folders with its configuration")
    options = parser.parse_args()
    stopped: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda signum, _frame: stopped.append(signum))
    follow(options.folders, options.pid_file, stopped)
    sys.exit(0)


if __name__ == "__main__":
    main()
