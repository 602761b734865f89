"""The programs of one cluster, started and watched through a keeper (see `keeper.py` for why not by ourselves)."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from touchline_e2e.errors import HarnessError, StartFailed

_KEEPER = Path(__file__).with_name("keeper.py")
POLL_S = 0.05
LAST_WORDS = 1500
"""How much of a program's log an error shows, in characters."""


class Processes:
    """A keeper, a work folder of its own, and the programs that it runs. All of it is gone after `end`.

    May be used from several threads; each call is answered before the next one is sent.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pids: dict[str, int] = {}
        self._keeper = subprocess.Popen(
            [sys.executable, "-I", "-S", _KEEPER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.folder = Path(self._ask(do="folder")["path"])
        """Certificates, stores and logs; removed at the end."""
        (self.folder / "log").mkdir()

    @property
    def keeper_pid(self) -> int:
        return self._keeper.pid

    def start(self, name: str, argv: Sequence[str | Path], env: Mapping[str, str] | None = None) -> int:
        """Start a program; its output goes to `log_of(name)`. Returns its process id.

        Raises:
            HarnessError: it cannot be executed, or one of that name runs.
        """
        words = [str(word) for word in argv]
        answer = self._ask(
            do="start", name=name, argv=words, log=str(self.log_of(name)), env=None if env is None else dict(env)
        )
        self._pids[name] = int(answer["pid"])
        return self._pids[name]

    def pid_of(self, name: str) -> int:
        """The process id of a program that was started; raises KeyError for one that was not."""
        return self._pids[name]

    def log_of(self, name: str) -> Path:
        return self.folder / "log" / f"{name}.log"

    def signal(self, name: str, number: int) -> None:
        self._ask(do="signal", name=name, number=int(number))

    def exit_code(self, name: str) -> int | None:
        """None while it runs; negative where a signal ended it."""
        code: int | None = self._ask(do="poll", name=name)["code"]
        return code

    def stop(self, name: str, grace: float = 10.0) -> int:
        """Ask it to end, kill it after `grace` seconds; returns its exit code."""
        return int(self._ask(do="stop", name=name, grace=grace)["code"])

    def join(self, name: str, within: float) -> int:
        """Wait for a program's own end, kill it when that takes longer than `within` seconds; returns its exit code."""
        end = time.monotonic() + within
        while time.monotonic() < end:
            code = self.exit_code(name)
            if code is not None:
                return code
            time.sleep(POLL_S)
        return self.stop(name, grace=0)

    def undo(self, what: str, path: Path) -> None:
        """Have the keeper remove a tree or a control group once nothing runs any more; the newest first."""
        self._ask(do="undo", what=what, path=str(path))

    def wait_until(self, name: str, ready: Callable[[], bool], within: float) -> None:
        """Wait until a program answers.

        Raises:
            StartFailed: it ended, or did not become ready within that many seconds; with its last words.
        """
        end = time.monotonic() + within
        while not ready():
            code = self.exit_code(name)
            if code is not None:
                raise StartFailed(f"{name} ended with {code}:\n{self.last_words(name)}")
            if time.monotonic() > end:
                raise StartFailed(f"{name} was not ready within {within:.0f} s:\n{self.last_words(name)}")
            time.sleep(POLL_S)

    def check(self) -> None:
        """See that everything that was started runs.

        Raises:
            StartFailed: a program has ended; with its last words.
        """
        for name in self._pids:
            code = self.exit_code(name)
            if code is not None:
                raise StartFailed(f"{name} ended with {code}:\n{self.last_words(name)}")

    def last_words(self, name: str) -> str:
        log = self.log_of(name)
        return log.read_text(encoding="utf-8", errors="replace")[-LAST_WORDS:] if log.exists() else "(it said nothing)"

    def end(self) -> None:
        """End everything that was started and undo what was registered. May be called again."""
        if self._keeper.poll() is None:
            self._ask(do="end")
        for stream in (self._keeper.stdin, self._keeper.stdout):
            if stream is not None:
                stream.close()
        self._keeper.wait()

    def _ask(self, **request: Any) -> dict[str, Any]:
        assert self._keeper.stdin is not None
        assert self._keeper.stdout is not None
        with self._lock:
            try:
                self._keeper.stdin.write(json.dumps(request) + "\n")
                self._keeper.stdin.flush()
            except BrokenPipeError as error:
                raise HarnessError(f"the keeper (process {self._keeper.pid}) is gone") from error
            line = self._keeper.stdout.readline()
        if not line:
            raise HarnessError(f"the keeper (process {self._keeper.pid}) is gone")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise HarnessError(f"{request['do']} {request.get('name', '')}: {answer['error']}")
        return answer
