"""Two base images without a registry: Debian with Python, by debootstrap, less what no container needs. Made once.

They stand in for the Dockerfile's own default base, where no registry is reached. The one that the image is built in has venv,
pip and strip; the one that it runs on is the same root file system without them, so that both have the same Python.
"""

import fnmatch
import hashlib
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from touchline_e2e import go
from touchline_e2e.errors import BuildFailed

SUITE = "bookworm"
PACKAGES = ("python3", "python3-venv", "ca-certificates", "binutils")
KEY = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]
"""What both bases are kept under: another version of this file makes others."""
TRIMMED = (
    "usr/share/bash-completion",
    "usr/share/doc",
    "usr/share/gcc",
    "usr/share/info",
    "usr/share/lintian",
    "usr/share/locale",
    "usr/share/man",
    "usr/share/zoneinfo",  # the tzdata wheel has them
    "usr/lib/python3*/idlelib",
    "usr/lib/python3*/pydoc_data",
    "usr/lib/python3*/test",
    "usr/lib/*-linux-gnu/gconv",
    "var/cache/*",
    "var/lib/apt",
    "var/log",
)
"""Documentation and caches. Compiled modules of the standard library stay: nobody can write them later."""
ABSENT = (
    # What builds: strip and its libraries, venv with the wheels of pip and setuptools.
    *("binutils*", "libbinutils", "libctf*", "libgprofng0", "libjansson4"),
    *(
        "python3-venv",
        "python3.*-venv",
        "python3-pip-whl",
        "python3-setuptools-whl",
        "python3-distutils",
        "python3-lib2to3",
    ),
    # What installs further packages, and its libraries.
    *(
        "adduser",
        "apt",
        "debconf",
        "debian-archive-keyring",
        "dpkg",
        "gpgv",
        "init-system-helpers",
        "perl-base",
        "tzdata",
    ),
    *("libapt-pkg*", "libgcrypt20", "libgpg-error0", "libseccomp2", "libsystemd0", "libxxhash0", "liblz4-1"),
    *("libgnutls30", "libhogweed6", "libidn2-0", "libnettle8", "libp11-kit0", "libtasn1-6", "libunistring2"),
    # Disks, devices, terminals.
    *("bsdutils", "e2fsprogs", "logsave", "mount", "sysvinit-utils", "util-linux*"),
    *("libblkid1", "libext2fs2", "libmount1", "libsmartcols1", "libss2", "libudev1"),
    # Accounts: a container has one user, without a name.
    *("login", "passwd", "libaudit*", "libcap-ng0", "libpam*", "libsemanage*", "libsepol2"),
    # The command; Python has the library.
    "openssl",
)
"""Packages that the base to run on does without (patterns). A shell, coreutils and tar (for `kubectl cp`) stay."""
EMPTIED = ("usr/lib/python3*/distutils", "usr/lib/python3*/ensurepip", "usr/lib/python3*/lib2to3", "var/lib/dpkg/info")
"""Folders of these packages that hold more than their lists name, and the lists."""


class Bases(NamedTuple):
    """Root file systems as uncompressed tars."""

    build: Path
    runtime: Path


def base_layers(say: Callable[[str], None]) -> Bases:
    """The bases to build in and to run on, from the cache or made now (a minute).

    Raises:
        BuildFailed: debootstrap or tar says no.
    """
    bases = Bases(*(go.cache_root() / f"base-{SUITE}-{KEY}-{name}.tar" for name in Bases._fields))
    if all(layer.exists() for layer in bases):
        return bases
    say(f"base image: Debian {SUITE} with {', '.join(PACKAGES)} (once, about a minute)")
    bases.build.parent.mkdir(parents=True, exist_ok=True)
    root = go.cache_root() / f"base-{SUITE}-{KEY}.root"
    shutil.rmtree(root, ignore_errors=True)
    try:
        _run(["debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", SUITE, str(root)])
        trim(root, TRIMMED)
        _pack(root, bases.build)
        remove_packages(root, ABSENT)
        trim(root, EMPTIED)
        _pack(root, bases.runtime)
    finally:
        shutil.rmtree(root, ignore_errors=True)
    for old in set(go.cache_root().glob(f"base-{SUITE}-*.tar")) - set(bases):
        old.unlink()  # made by another version of this file
    return bases


def trim(root: Path, patterns: Sequence[str]) -> None:
    """Delete files and whole folders by patterns that are relative to the root."""
    for pattern in patterns:
        for path in root.glob(pattern):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()


def remove_packages(root: Path, patterns: Sequence[str]) -> None:
    """Delete the files of packages, and what dpkg's database says of them: nobody is told of what is not there.

    dpkg itself would not: it asks the packages' own scripts, and these ask for each other.

    Raises:
        BuildFailed: a pattern means no package of this root, so that it would be a dead word here.
    """
    database = root / "var/lib/dpkg"
    names = {path: path.stem.partition(":")[0] for path in (database / "info").glob("*.list")}
    for pattern in patterns:
        if not fnmatch.filter(names.values(), pattern):
            raise BuildFailed(f"no package of {SUITE} here is called {pattern}")
    gone = {path: name for path, name in names.items() if any(fnmatch.fnmatch(name, pattern) for pattern in patterns)}
    # Folders belong to many packages. Backwards, each is empty when its turn comes.
    for line in sorted(_paths(gone) - _paths(names.keys() - gone.keys()), reverse=True):
        path = root / line.lstrip("/")
        if path.is_dir():
            if not path.is_symlink() and not any(path.iterdir()):
                path.rmdir()
        else:
            path.unlink(missing_ok=True)
    status = database / "status"
    paragraphs = status.read_text(encoding="utf-8").split("\n\n")
    said = [text for text in paragraphs if _name(text) not in gone.values()]
    status.write_text("\n\n".join(said), encoding="utf-8")


def _paths(lists: Iterable[Path]) -> set[str]:
    return {line for path in lists for line in path.read_text(encoding="utf-8").splitlines()}


def _name(paragraph: str) -> str | None:
    found = re.search(r"^Package: (\S+)$", paragraph, re.MULTILINE)
    return found[1] if found else None


def _pack(root: Path, layer: Path) -> None:
    unfinished = layer.with_suffix(".unfinished")
    _run(["tar", "--create", "--file", str(unfinished), "--directory", str(root), "--numeric-owner", "."])
    unfinished.rename(layer)


def _run(words: list[str]) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip()[-1500:]
        raise BuildFailed(f"{words[0]} ended with {done.returncode}: {said}")
