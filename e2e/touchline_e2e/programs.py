"""The programs of a cluster that are built from Go modules: which, at which version, where they are kept, how built.

Versions are pinned in `e2e/tools/*/go.mod` and nowhere else. A program is built once into a folder whose name holds its
version and a digest of everything that decides its bytes, so a changed pin builds anew and an old one stays usable.
"""

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from touchline_e2e import go
from touchline_e2e.errors import BuildFailed, ToolsMissing

TOOLS = Path(__file__).parents[1] / "tools"
FLAGS = ("-trimpath", "-buildvcs=false", "-tags=netgo,osusergo,providerless,selinux_off")
"""`providerless` and `selinux_off` leave out what a test cluster cannot have; the others make programs static."""
ENVIRONMENT = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local"}
REPORT_EVERY_S = 10.0


@dataclass(frozen=True)
class Program:
    """One program to build.

    Attributes:
        name: what it is called.
        module: the folder under `e2e/tools` whose go.mod pins it.
        package: what `go build` is given there.
        pinned_by: the module in go.mod whose version is the program's; None for our own programs.
        links: names by which it must be called, where it is several programs in one.
        version_variable: the variable that the linker sets to the version, where a program does not know it by itself.
    """

    name: str
    module: str
    package: str
    pinned_by: str | None = None
    links: tuple[str, ...] = ()
    version_variable: str | None = None


PROGRAMS = (
    Program("pause", "cluster", "./pause"),
    Program("etcd", "cluster", "./etcd", "go.etcd.io/etcd/server/v3"),
    Program(
        "kubernetes",
        "cluster",
        "./kubernetes",
        "k8s.io/kubernetes",
        (
            "kube-apiserver",
            "kube-controller-manager",
            "kube-proxy",
            "kube-scheduler",
            "kubectl",
            "kubelet",
        ),
        "k8s.io/component-base/version.gitVersion",
    ),
    Program("coredns", "cluster", "./coredns", "github.com/coredns/coredns"),
    Program(
        "helm", "clients", "helm.sh/helm/v3/cmd/helm", "helm.sh/helm/v3", (), "helm.sh/helm/v3/internal/version.version"
    ),
    Program("kstatus", "clients", "./kstatus", "sigs.k8s.io/cli-utils"),
    Program("argocd-judge", "argocd", "./judge", "github.com/argoproj/argo-cd/v3"),
)
"""In the order in which they are built: what the API server needs first."""


def pinned(go_mod: str, module: str) -> str:
    """The version that a go.mod requires of a module, `v1.2.3`.

    Raises:
        ValueError: it requires no such module.
    """
    found = re.search(rf"^(?:require )?\s*{re.escape(module)} (v\S+)", go_mod, re.MULTILINE)
    if found is None:
        raise ValueError(f"{module} is not required")
    return found[1]


def version(program: Program) -> str:
    """The pinned version, without its `v`; `0` for our own programs."""
    if program.pinned_by is None:
        return "0"
    return pinned(_go_mod(program), program.pinned_by).removeprefix("v")


def folder(program: Program) -> Path:
    """Where the program is, or will be once it is built."""
    return go.cache_root() / f"{program.name}-{version(program)}-{_digest(program)}"


def find(name: str) -> Path:
    """A built program, by its name or by one of its links.

    Raises:
        ToolsMissing: it is not built (yet), or there is no such program.
    """
    for program in PROGRAMS:
        if name == program.name or name in program.links:
            path = folder(program) / name
            if path.exists():
                return path
            raise ToolsMissing(f"{name} {version(program)} is not built: run `make e2e-tools`")
    raise ToolsMissing(f"no program {name} is known")


def missing() -> list[Program]:
    """What is still to build."""
    return [program for program in PROGRAMS if not _is_built(program)]


def build(program: Program, say: Callable[[str], None]) -> Path:
    """Build a program unless that was done; says on the way how far it is. Returns its folder.

    Two builds of the same program at once are one: the second waits for the first.

    Raises:
        BuildFailed: the compiler says no.
        ToolsMissing: there is no Go.
    """
    target = folder(program)
    with _alone(target.with_name(f"{target.name}.lock")):
        if _is_built(program):
            return target
        compiler = go.find(go.wanted(_go_mod(program)))
        unfinished = target.with_name(f"{target.name}.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        _compile(compiler, program, unfinished / program.name, say)
        for link in program.links:
            (unfinished / link).symlink_to(program.name)
        unfinished.rename(target)
    return target


def _compile(compiler: Path, program: Program, output: Path, say: Callable[[str], None]) -> None:
    linker = "-s -w"
    if program.version_variable is not None:
        linker += f" -X {program.version_variable}=v{version(program)}"
    # -v prints a line for each package that is compiled; what Go's own cache holds is not printed.
    command: list[str | Path] = [compiler, "build", "-v", *FLAGS, "-ldflags", linker, "-o", output, program.package]
    title = f"{program.name} {version(program)}"
    say(f"{title}: building")
    started = said = time.monotonic()
    compiled, words = 0, []
    with subprocess.Popen(
        command,
        cwd=TOOLS / program.module,
        env=os.environ | ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if re.fullmatch(r"[\w.~/-]+", line.strip()):
                compiled += 1
            elif not line.startswith("go: downloading"):
                words.append(line)
            if time.monotonic() - said > REPORT_EVERY_S:
                said = time.monotonic()
                say(f"{title}: {compiled} packages compiled, {said - started:.0f} s")
    if process.returncode != 0:
        raise BuildFailed(f"{title}: go build ended with {process.returncode}\n{''.join(words)[-3000:]}")
    size = output.stat().st_size / 1_000_000
    say(f"{title}: built, {compiled} packages compiled, {size:.0f} MB, {time.monotonic() - started:.0f} s")


def _go_mod(program: Program) -> str:
    return (TOOLS / program.module / "go.mod").read_text(encoding="utf-8")


def _digest(program: Program) -> str:
    """Of everything that decides the program's bytes, but for the Go tool chain: any that is new enough will do."""
    module = TOOLS / program.module
    digest = hashlib.sha256(repr((program, FLAGS, sorted(ENVIRONMENT.items()))).encode())
    sources = sorted((module / program.package).glob("*.go")) if program.package.startswith("./") else []
    for path in (module / "go.mod", module / "go.sum", *sources):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _is_built(program: Program) -> bool:
    return (folder(program) / program.name).exists()


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
