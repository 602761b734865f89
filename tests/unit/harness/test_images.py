"""Images made of files: the archive says of itself what is in it, by digests that hold."""

import hashlib
import io
import json
import tarfile
from pathlib import Path

from touchline_e2e import application_image, images


def _members(archive: Path) -> dict[str, bytes]:
    with tarfile.open(archive) as tar:
        return {member.name: content.read() for member in tar if (content := tar.extractfile(member)) is not None}


def test_an_image_of_one_program_holds_it_at_its_place_and_may_run_it(tmp_path: Path) -> None:
    program = tmp_path / "pause"
    program.write_bytes(b"\x7fELF")
    archive = images.of_files(
        tmp_path / "image.tar", reference="localhost/pause:1", files={"/pause": program}, entrypoint=["/pause"]
    )
    members = _members(archive)
    manifest = json.loads(members["manifest.json"])[0]
    assert manifest["RepoTags"] == ["localhost/pause:1"]
    layer = members[manifest["Layers"][0]]
    with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
        assert [(member.name, member.mode) for member in tar] == [("pause", 0o755)]
    configuration = members[manifest["Config"]]
    assert manifest["Config"] == f"{hashlib.sha256(configuration).hexdigest()}.json"
    said = json.loads(configuration)
    assert said["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(layer).hexdigest()}"]
    assert said["config"] == {"Entrypoint": ["/pause"], "User": "65532:65532"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["image.tar", "pause"]


LOCK = """\
# made by make lock
aiohttp==3.14.5 \\
    --hash=sha256:aa \\
    --hash=sha256:ab
async-timeout==5.0.1 ; python_full_version < '3.11.3' \\
    --hash=sha256:bb
colorama==0.4.6 ; sys_platform == 'win32' \\
    --hash=sha256:cc
"""


def test_the_wheels_are_those_of_the_bases_python_and_not_of_ours() -> None:
    wanted = application_image.for_python(LOCK, {"python_full_version": "3.11.2", "sys_platform": "linux"})
    assert wanted.splitlines() == [
        "aiohttp==3.14.5 \\",
        "    --hash=sha256:aa \\",
        "    --hash=sha256:ab",
        "async-timeout==5.0.1 \\",
        "    --hash=sha256:bb",
    ]
    newer = application_image.for_python(LOCK, {"python_full_version": "3.11.9", "sys_platform": "linux"})
    assert "async-timeout" not in newer


def test_the_images_lock_names_every_package_by_hash_and_no_registry() -> None:
    lock = (application_image.ROOT / "requirements-image.lock").read_text(encoding="utf-8")
    packages = [line for line in lock.splitlines() if line[:1] not in {"", " ", "#"}]
    assert len(packages) > 50
    assert lock.count("--hash=sha256:") >= len(packages)
    assert "://" not in lock
    assert [line for line in packages if line.startswith(("pytest", "mypy", "playwright"))] == []


def test_the_image_is_built_anew_for_what_the_dockerfile_copies_and_for_nothing_else() -> None:
    names = {path.relative_to(application_image.ROOT).as_posix() for path in application_image.sources()}
    assert {"Dockerfile", "pyproject.toml", "components/touchline/version.py", "requirements-image.lock"} <= names
    assert not [
        name for name in names if name.startswith(("tests/", "docs/", ".git", ".venv")) or "__pycache__" in name
    ]


def test_what_the_dockerfile_copies_is_let_through_and_nothing_secret_is() -> None:
    lines = (application_image.ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    let_through = {line[1:] for line in lines if line.startswith("!")}
    copied = {path.relative_to(application_image.ROOT).as_posix() for path in application_image.sources()}
    assert "*" in lines
    assert [name for name in copied if not any(name == one or name.startswith(f"{one}/") for one in let_through)] == []
    assert not let_through & {".git", ".env", "tests"}


def test_the_image_runs_the_versions_that_are_tested() -> None:
    def pins(name: str) -> dict[str, str]:
        lines = (application_image.ROOT / name).read_text(encoding="utf-8").splitlines()
        found = (line.split()[0].partition("==") for line in lines if line[:1] not in {"", " ", "#"})
        return {package: version for package, _, version in found}

    tested, shipped = pins("requirements.lock"), pins("requirements-image.lock")
    assert {package: version for package, version in shipped.items() if tested.get(package) != version} == {}
