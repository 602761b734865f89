"""A base image without a registry: Debian with Python, by debootstrap, less what no container needs. Made once.

It stands in for the Dockerfile's own default base, where no registry is reached.
"""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from touchline_e2e import go
from touchline_e2e.errors import BuildFailed

SUITE = "bookworm"
PACKAGES = ("python3", "python3-venv", "ca-certificates")
TRIMMED = (
    "usr/share/doc",
    "usr/share/info",
    "usr/share/lintian",
    "usr/share/locale",
    "usr/share/man",
    "usr/share/zoneinfo",  # the tzdata wheel has them
    "usr/lib/python3*/__pycache__",
    "usr/lib/python3*/lib2to3",
    "usr/lib/python3*/pydoc_data",
    "usr/lib/x86_64-linux-gnu/gconv",
    "usr/lib/x86_64-linux-gnu/perl-base",
    "usr/bin/perl*",
    "usr/lib/apt",
    "usr/bin/apt*",
    "var/cache/apt",
    "var/lib/apt",
    "var/lib/dpkg/info",
    "var/log",
)
"""Documentation and what installs further packages: nobody does that in a container."""


def base_layer(say: Callable[[str], None]) -> Path:
    """The base as an uncompressed tar, from the cache or made now (a minute).

    Raises:
        BuildFailed: debootstrap or tar says no.
    """
    layer = go.cache_root() / f"base-{SUITE}-{len(TRIMMED)}.tar"
    if layer.exists():
        return layer
    say(f"base image: Debian {SUITE} with {', '.join(PACKAGES)} (once, about a minute)")
    layer.parent.mkdir(parents=True, exist_ok=True)
    root = layer.with_suffix(".root")
    shutil.rmtree(root, ignore_errors=True)
    unfinished = layer.with_suffix(".unfinished")
    try:
        _run(["debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", SUITE, str(root)])
        for pattern in TRIMMED:
            for path in root.glob(pattern):
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink()
        _run(["tar", "--create", "--file", str(unfinished), "--directory", str(root), "--numeric-owner", "."])
    finally:
        shutil.rmtree(root, ignore_errors=True)
    unfinished.rename(layer)
    return layer


def _run(words: list[str]) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip()[-1500:]
        raise BuildFailed(f"{words[0]} ended with {done.returncode}: {said}")
