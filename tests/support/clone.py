"""A clone of this repository and `make` in it, with nothing of this session's environment: what a newcomer has.

The environment is a PATH, a home folder of its own, and how this machine reaches its package index; nothing else. Everything
that was started from here carries that home folder in its environment, which is how the test knows what is left at the end.
"""

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from support.command import Command
from support.engine import REPOSITORY, alive

_INDEX_FILES = ("/etc/pip.conf", "~/.config/pip/pip.conf", "~/.pip/pip.conf")
_INDEX_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
ENDING_S = 30.0


def clone(into: Path) -> Path:
    """The committed state of the working copy that the tests run in. Skips where that is no clone itself."""
    if shutil.which("git") is None or not (REPOSITORY / ".git").exists():
        pytest.skip("these sources are no git clone (or git is not installed): there is nothing to clone from")
    folder = into / "clone"
    subprocess.run(["git", "clone", "--quiet", "--no-local", str(REPOSITORY), str(folder)], check=True)
    return folder


def package_index() -> dict[str, str]:
    """The variables by which this machine's pip finds its packages."""
    found = {
        name: value
        for name, value in os.environ.items()
        if name.startswith("PIP_") or name.upper() in _INDEX_VARIABLES or name == "PYTHON"
    }
    personal = [file for file in map(Path, map(os.path.expanduser, _INDEX_FILES[1:])) if file.exists()]
    if personal and "PIP_CONFIG_FILE" not in found:
        found["PIP_CONFIG_FILE"] = str(personal[0])
    return found


def borrow_environment(folder: Path) -> None:
    """Give a clone its `.venv` without an installation: its own code, the packages of the environment that runs the tests.

    A path file is enough for packages; the project itself is installed as the Makefile does it.
    """
    venv = folder / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    packages = venv / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    python = str(venv / "bin" / "python")
    words = ["install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--ignore-installed", "-e", "."]
    subprocess.run([python, "-m", "pip", *words], cwd=folder, check=True)
    subprocess.run([python, "-m", "compileall", "-q", "components", "operator"], cwd=folder, check=True)
    (venv / ".installed").touch()


class Made(Command):
    """`make TARGET` in a clone, from a terminal of its own; with `with`. What is left at the end is ended by its id."""

    def __init__(self, folder: Path, *words: str) -> None:
        super().__init__(folder.parent / "make.log")
        self.folder = folder
        self.home = folder.parent / "home"
        self._words = ["make", *words]
        self.started = 0.0
        """Epoch seconds."""

    def __enter__(self) -> Self:
        self.home.mkdir()
        environment = package_index()
        own = Path(sys.prefix) / "bin"
        path = [part for part in os.environ["PATH"].split(os.pathsep) if Path(part) != own]
        with self.log.open("wb") as log:
            self.started = time.time()
            self._process = subprocess.Popen(
                self._words,
                cwd=self.folder,
                env={**environment, "PATH": os.pathsep.join(path), "HOME": str(self.home)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.interrupt()
            try:
                self.process.wait(ENDING_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()
        for pid in self.left():
            os.kill(pid, signal.SIGKILL)

    @property
    def installed(self) -> float:
        """Epoch seconds at which the environment was there: when the installation ended, or the start if it was there."""
        return max(self.started, (self.folder / ".venv" / ".installed").stat().st_mtime)

    def says(self, text: str) -> bool:
        """Whether its output has a text.

        Raises:
            AssertionError: it has not, and it has ended.
        """
        if text in self.output:
            return True
        assert self.running, f"it ended before it said {text!r}:\n{self.output}"
        return False

    def interrupt(self) -> None:
        """Ctrl-C: the terminal sends SIGINT to the whole foreground group."""
        os.killpg(self.process.pid, signal.SIGINT)

    def left(self) -> list[int]:
        """Ids of processes that were started from here and still exist."""
        mark = f"HOME={self.home}\0".encode()
        found = []
        for entry in Path("/proc").glob("[0-9]*/environ"):
            try:
                belongs = mark in entry.read_bytes() + b"\0"
            except (OSError, ProcessLookupError):
                continue  # it has just ended, or is not ours to read
            if belongs and alive(int(entry.parent.name)):
                found.append(int(entry.parent.name))
        return found
