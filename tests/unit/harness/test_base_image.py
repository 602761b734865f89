"""The base to run on is the one to build in, less whole packages: neither their files stay, nor what dpkg says of them."""

from pathlib import Path

import pytest

from touchline_e2e import application_image, base_image
from touchline_e2e.errors import BuildFailed


def _root(folder: Path) -> Path:
    """A root file system of two packages that share folders and a file, as dpkg describes it."""
    database = folder / "var/lib/dpkg"
    (database / "info").mkdir(parents=True)
    (folder / "usr/bin").mkdir(parents=True)
    (folder / "usr/lib/strip").mkdir(parents=True)
    (folder / "bin").symlink_to("usr/bin")
    (folder / "mnt").mkdir()
    (folder / "media").symlink_to("mnt")
    for name in ("usr/bin/ls", "usr/bin/both", "usr/bin/strip.real", "usr/lib/strip/scripts"):
        (folder / name).write_text("x", encoding="utf-8")
    (folder / "usr/bin/strip").symlink_to("/usr/bin/strip.real")
    lists = {
        "coreutils": "/.\n/usr\n/usr/bin\n/bin/ls\n/usr/bin/both\n",
        "binutils:amd64": (
            "/.\n/bin\n/media\n/usr\n/usr/bin/both\n/usr/bin\n/usr/bin/strip\n/usr/bin/strip.real\n/usr/lib\n/usr/lib/strip\n/usr/lib/strip/scripts\n"
        ),
    }
    for name, lines in lists.items():
        (database / "info" / f"{name}.list").write_text(lines, encoding="utf-8")
    (database / "status").write_text(
        "Package: binutils\nArchitecture: amd64\nDescription: tools\n .\n more\n\nPackage: coreutils\nStatus: ok\n\n",
        encoding="utf-8",
    )
    return folder


def test_a_package_goes_with_its_files_its_links_and_the_folders_that_are_nobody_elses(tmp_path: Path) -> None:
    root = _root(tmp_path)
    base_image.remove_packages(root, ["binutils*"])
    left = {path.relative_to(root).as_posix() for path in root.rglob("*") if "var" not in path.relative_to(root).parts}
    assert left == {"bin", "media", "mnt", "usr", "usr/bin", "usr/bin/both", "usr/bin/ls"}
    assert (root / "bin/ls").is_file()


def test_dpkg_says_nothing_of_a_package_that_is_gone(tmp_path: Path) -> None:
    root = _root(tmp_path)
    base_image.remove_packages(root, ["binutils*"])
    assert (root / "var/lib/dpkg/status").read_text(encoding="utf-8") == "Package: coreutils\nStatus: ok\n\n"


def test_a_package_that_nobody_knows_is_an_error_and_nothing_is_deleted(tmp_path: Path) -> None:
    root = _root(tmp_path)
    with pytest.raises(BuildFailed, match="no package of bookworm here is called libbfd"):
        base_image.remove_packages(root, ["binutils*", "libbfd*"])
    assert (root / "usr/bin/strip.real").exists()


def test_another_version_of_the_base_is_another_image(monkeypatch: pytest.MonkeyPatch) -> None:
    before = application_image.archive_of("localhost/touchline:test")
    monkeypatch.setattr(base_image, "KEY", "0" * 12)
    assert application_image.archive_of("localhost/touchline:test") != before
