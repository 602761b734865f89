"""The state directory of one local engine: broker store, credentials, secrets, logs, and who holds it.

lock             held with flock by the running `touchline up`; the kernel lets go of it however that process ends
run.json         where the running engine is reached (0600: it holds the command line's own broker credentials)
nats/ valkey/    the servers' configuration and stores
secrets/         one folder per Secret, one file per key (0700)
logs/            one file per process
"""

import errno
import fcntl
import json
import os
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from touchline.local.errors import NotRunning, StateDirError

DEFAULT = Path(".touchline")


class RunRecord(msgspec.Struct):
    """How other commands reach the engine that runs on this directory."""

    pid: int
    gateway: str
    nats_url: str
    user: str
    password: str
    started_at: int
    """Epoch microseconds."""
    certificate: str = ""
    """File with the certificate of an https gateway."""
    files: list[str] = []
    processes: dict[str, int] = {}
    """Process id by name, as of the last change."""
    simulators: dict[str, int] = {}
    """Control port by simulator (`touchline.sim.control`)."""


class StateDir:
    """The directory, locked while in the `with` block."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self._lock: int | None = None

    @property
    def nats(self) -> Path:
        return self.root / "nats"

    @property
    def valkey(self) -> Path:
        return self.root / "valkey"

    @property
    def secrets(self) -> Path:
        return self.root / "secrets"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def run_file(self) -> Path:
        return self.root / "run.json"

    @property
    def lock_file(self) -> Path:
        return self.root / "lock"

    def __enter__(self) -> Self:
        """Create the directory where needed and take the lock.

        Raises:
            StateDirError: it cannot be created or written, or another `touchline up` holds it.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            for folder in (self.nats, self.valkey, self.secrets, self.logs):
                folder.mkdir(mode=0o700, exist_ok=True)
                folder.chmod(0o700)
            lock = os.open(self.lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise describe(error, self.root) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(lock, 32).decode(errors="replace").strip()
            os.close(lock)
            raise StateDirError(
                f"another `touchline up` (process {holder or 'unknown'}) runs on the state directory {self.root}",
                fix="stop it with Ctrl-C, or give this one its own with --state-dir DIR",
            ) from error
        try:
            os.ftruncate(lock, 0)
            os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:
            os.close(lock)
            raise describe(error, self.root) from error
        self._lock = lock
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.run_file.unlink(missing_ok=True)
        self.lock_file.unlink(missing_ok=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def write_run(self, record: RunRecord) -> None:
        """Tell other commands where the engine is; replaces the record atomically.

        Raises:
            StateDirError: the directory cannot be written, or the disk is full.
        """
        self.write_private(self.run_file, msgspec.json.format(msgspec.json.encode(record)))

    def write_private(self, path: Path, content: bytes) -> None:
        """Write one file that only its owner may read, atomically.

        Raises:
            StateDirError: the directory cannot be written, or the disk is full.
        """
        draft = path.with_name(path.name + ".new")
        try:
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            draft.replace(path)
        except OSError as error:
            if draft.exists():
                draft.unlink()
            raise describe(error, self.root) from error


def read_run(root: Path) -> RunRecord:
    """The record of the engine that runs on a state directory.

    Raises:
        NotRunning: no engine holds it.
    """
    state = StateDir(root)
    fix = "start one with `touchline up FILE`, or name its state directory with --state-dir"
    try:
        record = msgspec.json.decode(state.run_file.read_bytes(), type=RunRecord)
        os.kill(record.pid, 0)
    except (FileNotFoundError, NotADirectoryError, ProcessLookupError) as error:
        raise NotRunning(f"no engine runs on the state directory {state.root}", fix=fix) from error
    except PermissionError as error:
        raise NotRunning(
            f"{state.run_file} belongs to another user", fix="run this command as the user that runs `touchline up`"
        ) from error
    except (msgspec.DecodeError, json.JSONDecodeError) as error:
        raise NotRunning(f"{state.run_file} is not a run record: {error}", fix=fix) from error
    return record


def describe(error: OSError, root: Path) -> StateDirError:
    """Say what is wrong with a directory in words, and what to do."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return StateDirError(
            f"the disk that holds the state directory {root} is full",
            fix="free some space, or put the state elsewhere with --state-dir DIR",
        )
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return StateDirError(
            f"the state directory {root} cannot be written: {error.strerror}",
            fix="change its permissions, or name another with --state-dir DIR",
        )
    if error.errno in {errno.EEXIST, errno.ENOTDIR}:
        return StateDirError(
            f"{root} cannot be the state directory: {error.filename or root} is a file",
            fix="name a directory with --state-dir DIR",
        )
    return StateDirError(f"the state directory {root} cannot be used: {error}", fix="name another with --state-dir DIR")
