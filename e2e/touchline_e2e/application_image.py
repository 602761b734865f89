"""Touchline's own image, from the project's Dockerfile: with docker or podman as anyone would, or with no registry at all.

Without a registry buildah builds it on a base of our own (`base_image.py`) and with wheels that pip has brought here before,
so that nothing inside the build needs a network.
"""

import hashlib
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from packaging.markers import Marker

from touchline_e2e import base_image, go
from touchline_e2e.errors import BuildFailed, ToolsMissing

ROOT = Path(__file__).parents[2]
REFERENCE = "localhost/touchline:e2e"
BASE_PYTHON = {"python_version": "3.11", "python_full_version": "3.11.2"}
"""Debian 12's: what decides which of the locked packages its pip asks for."""
MOST_LAYERS = 100
"""How many images and layers may gather in the harness's store (a build adds up to 20; about 5 GB)."""
_BUILDERS = ("docker", "podman", "buildah")


def with_a_registry(reference: str, base: str | None, say: Callable[[str], None]) -> None:
    """Build the image with the first of docker, podman and buildah that is here, on the Dockerfile's base or another.

    Raises:
        ToolsMissing: none of them is here.
        BuildFailed: the build says no.
    """
    builder = next((name for name in _BUILDERS if shutil.which(name)), None)
    if builder is None:
        raise ToolsMissing(f"an image is built by one of {', '.join(_BUILDERS)}; none is here")
    say(f"{builder} builds {reference}")
    words = [builder, "bud" if builder == "buildah" else "build", "--tag", reference]
    if base is not None:
        words += ["--build-arg", f"BASE_IMAGE={base}"]
    _run([*words, str(ROOT)])


def without_a_registry(say: Callable[[str], None], *, reference: str = REFERENCE) -> Path:
    """Build the image with buildah, and return it as an archive that containerd imports.

    What was built is kept by a digest of everything that goes into it: an unchanged tree builds nothing.

    Raises:
        BuildFailed: a step says no; with its last words.
    """
    archive = archive_of(reference)
    if archive.exists():
        return archive
    archive.parent.mkdir(parents=True, exist_ok=True)
    wheels = _wheels(say)
    buildah = _buildah()
    # Every build leaves its layers for the next one; now and then one starts from nothing.
    if len(_run([*buildah, "images", "--all", "--quiet"]).split()) > MOST_LAYERS:
        _run([*buildah, "rmi", "--all", "--force"])
    bases = _bases(buildah, say)
    say(f"buildah builds {reference}")
    _run(
        [
            *buildah,
            "bud",
            "--quiet",
            "--isolation=chroot",
            "--pull-never",
            "--layers",
            f"--volume={wheels}:/wheels:ro",
            f"--build-arg=BUILD_IMAGE={bases['build']}",
            f"--build-arg=BASE_IMAGE={bases['runtime']}",
            "--build-arg=PIP_OPTIONS=--no-index --find-links=/wheels",
            f"--tag={reference}",
            str(ROOT),
        ]
    )
    unfinished = archive.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    _run([*buildah, "push", "--quiet", reference, f"docker-archive:{unfinished}:{reference}"])
    for old in archive.parent.glob("touchline-*.tar"):
        old.unlink()  # of a tree that is no more; each is hundreds of megabytes
    unfinished.rename(archive)
    say(f"{reference}: {archive.stat().st_size / 1_000_000:.0f} MB, uncompressed")
    return archive


def for_python(lock: str, environment: Mapping[str, str]) -> str:
    """The lines of a lock file that one Python installs, without the markers that say so.

    pip evaluates markers for the Python that runs it, not for the one that the wheels are for.
    """
    lines, wanted = [], True
    for line in lock.splitlines():
        if line[:1] not in {"", " ", "#"}:
            name, _, marker = line.rstrip("\\").strip().partition(" ; ")
            wanted = not marker or Marker(marker).evaluate(dict(environment))
            lines += [f"{name} \\"] if wanted else []
        elif wanted and line.startswith(" "):
            lines.append(line)
    return "\n".join(lines) + "\n"


def _wheels(say: Callable[[str], None]) -> Path:
    """A folder with every wheel that the image's lock file names, brought by this machine's pip."""
    lock = (ROOT / "requirements-image.lock").read_text(encoding="utf-8")
    folder = go.cache_root() / f"wheels-{hashlib.sha256(lock.encode()).hexdigest()[:12]}"
    if folder.exists():
        return folder
    say("bringing the image's wheels")
    unfinished = folder.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    requirements = unfinished / "requirements.txt"
    requirements.write_text(for_python(lock, BASE_PYTHON), encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    target = ["--no-deps", "--only-binary=:all:", f"--python-version={BASE_PYTHON['python_version']}"]
    _run([*pip, *target, "--require-hashes", "--requirement", str(requirements), "--dest", str(unfinished)])
    unfinished.rename(folder)
    return folder


def _buildah() -> list[str]:
    """buildah with a store of our own: the machine's images are not touched."""
    store = go.cache_root() / "buildah"
    return ["buildah", f"--root={store / 'root'}", f"--runroot={store / 'run'}", "--storage-driver=overlay"]


def _bases(buildah: list[str], say: Callable[[str], None]) -> dict[str, str]:
    """The references under which buildah has the bases to build in and to run on."""
    references = {name: f"localhost/touchline-base:{name}-{base_image.KEY}" for name in base_image.Bases._fields}
    for name, reference in references.items():
        if not _has(buildah, reference):
            layer = base_image.base_layers(say)._asdict()[name]
            container = _run([*buildah, "from", "scratch"]).strip()
            _run([*buildah, "add", container, str(layer), "/"])
            _run([*buildah, "commit", "--quiet", "--rm", container, reference])
    return references


def _has(buildah: list[str], reference: str) -> bool:
    words = [*buildah, "inspect", "--type=image", reference]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


def archive_of(reference: str) -> Path:
    """Where the image of this very tree is kept once it is built."""
    digest = hashlib.sha256(f"{reference} {base_image.KEY}".encode())
    for path in sources():
        digest.update(f"\n{path.relative_to(ROOT)}\n".encode())
        digest.update(path.read_bytes())
    return go.cache_root() / "images" / f"touchline-{digest.hexdigest()[:12]}.tar"


def sources() -> list[Path]:
    """Every file that the Dockerfile copies."""
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    found = {ROOT / "Dockerfile"}
    for name in " ".join(copied).split():
        path = ROOT / name
        found |= {path} if path.is_file() else {inside for inside in path.rglob("*") if inside.is_file()}
    return sorted(path for path in found if "__pycache__" not in path.parts)


def _run(words: list[str]) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip()[-2500:]
        raise BuildFailed(f"{' '.join(words[:6])} … ended with {done.returncode}: {said}")
    return done.stdout
