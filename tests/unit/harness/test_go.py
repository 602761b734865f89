"""Finding a Go tool chain: versions are compared as numbers, never as text."""

from pathlib import Path

import pytest

from touchline_e2e import go, programs
from touchline_e2e.errors import ToolsMissing


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("go version go1.26.8 linux/amd64", (1, 26, 8)),
        ("go 1.26.0", (1, 26, 0)),
        ("go version go1.9 plan9/386", (1, 9)),
    ],
)
def test_a_version_is_read_as_numbers(text: str, version: tuple[int, ...]) -> None:
    assert go.version_of(text) == version


def test_a_go_without_a_version_is_an_error() -> None:
    with pytest.raises(ValueError, match="no Go version"):
        go.version_of("go version devel +abcdef")


def test_one_point_nine_is_older_than_one_point_twenty_six() -> None:
    assert go.version_of("go 1.9") < go.version_of("go 1.26.0")


@pytest.mark.parametrize("module", sorted({program.module for program in programs.PROGRAMS}))
def test_the_go_of_the_wheel_is_new_enough_for_every_module(module: str) -> None:
    least = go.wanted((programs.TOOLS / module / "go.mod").read_text(encoding="utf-8"))
    assert go.version_of(f"go{go.WHEEL.partition('==')[2]}") >= least


def test_the_cache_lies_where_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert go.cache_root().as_posix() == "/somewhere/touchline/e2e"
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setenv("HOME", "/home/trader")
    assert go.cache_root().as_posix() == "/home/trader/.cache/touchline/e2e"


def _program(path: Path, body: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(0o755)


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The wheel's tool chain as it lies in the cache, with the script beside it that cannot run there."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "machine"))
    folder = go.cache_root() / go.WHEEL.replace("==", "-")
    _program(folder / "bin" / "go", "exit 1")
    _program(folder / "go" / "bin" / "go", "echo go version go1.26.6 linux/amd64")
    (folder / "go" / "VERSION").touch()
    return folder / "go" / "bin" / "go"


def test_the_machines_own_go_is_taken_where_it_is_new_enough(wheel: Path, tmp_path: Path) -> None:
    _program(tmp_path / "machine" / "go", "echo go version go1.27.1 linux/amd64")
    assert go.find((1, 26, 0)) == tmp_path / "machine" / "go"


@pytest.mark.parametrize("version", [None, "go version go1.9.4 linux/amd64", "go version devel +abcdef"])
def test_the_wheels_go_is_taken_otherwise(wheel: Path, tmp_path: Path, version: str | None) -> None:
    if version is not None:
        _program(tmp_path / "machine" / "go", f"echo {version}")
    assert go.find((1, 26, 0)) == wheel


@pytest.mark.usefixtures("wheel")
def test_a_go_that_is_too_old_even_so_is_an_error() -> None:
    with pytest.raises(ToolsMissing, match=r"Go 1\.99 or newer is needed"):
        go.find((1, 99))
