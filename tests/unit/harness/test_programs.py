"""The cluster's programs: pinned in go.mod alone, kept under a name that changes with whatever decides their bytes."""

import re
import shutil
from pathlib import Path

import pytest

from touchline_e2e import programs
from touchline_e2e.errors import ToolsMissing

KUBERNETES = next(program for program in programs.PROGRAMS if program.name == "kubernetes")


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of `e2e/tools` to change, and an empty cache."""
    copy = tmp_path / "tools"
    shutil.copytree(programs.TOOLS, copy)
    monkeypatch.setattr(programs, "TOOLS", copy)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return copy


def _replace(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def test_a_version_is_read_from_a_single_line_and_from_a_block() -> None:
    assert programs.pinned("require example.org/a v1.2.3\n", "example.org/a") == "v1.2.3"
    assert programs.pinned("require (\n\texample.org/a v1.2.3 // indirect\n)\n", "example.org/a") == "v1.2.3"


def test_a_module_whose_name_only_begins_alike_is_another() -> None:
    with pytest.raises(ValueError, match="not required"):
        programs.pinned("require example.org/a/v2 v2.0.0\n", "example.org/a")


@pytest.mark.parametrize("program", programs.PROGRAMS, ids=lambda program: program.name)
def test_every_program_has_a_pinned_version(program: programs.Program) -> None:
    number = programs.version(program)
    assert re.fullmatch(r"\d+\.\d+\.\d+", number) if program.pinned_by else number == "0"


def test_every_staging_module_is_replaced_by_the_version_that_belongs_to_kubernetes() -> None:
    go_mod = (programs.TOOLS / "cluster" / "go.mod").read_text(encoding="utf-8")
    belongs = "v0" + programs.version(KUBERNETES).removeprefix("1")
    replaced = dict(re.findall(r"^\s+(k8s\.io/\S+) => k8s\.io/\S+ (v\S+)$", go_mod, re.MULTILINE))
    assert len(replaced) >= 30
    assert {module: number for module, number in replaced.items() if number != belongs} == {}


def test_another_version_is_kept_elsewhere(tools: Path) -> None:
    before = programs.folder(KUBERNETES)
    _replace(tools / "cluster" / "go.mod", "k8s.io/kubernetes v1.36.3", "k8s.io/kubernetes v1.36.4")
    assert before.name.startswith("kubernetes-1.36.3-")
    assert programs.folder(KUBERNETES).name.startswith("kubernetes-1.36.4-")


def test_a_changed_source_or_sum_is_kept_elsewhere_and_a_stranger_changes_nothing(tools: Path) -> None:
    before = programs.folder(KUBERNETES)
    (tools / "clients" / "kstatus" / "main.go").write_text("package main\n", encoding="utf-8")
    assert programs.folder(KUBERNETES) == before
    with (tools / "cluster" / "kubernetes" / "main.go").open("a", encoding="utf-8") as source:
        source.write("// a remark\n")
    changed = programs.folder(KUBERNETES)
    with (tools / "cluster" / "go.sum").open("a", encoding="utf-8") as sums:
        sums.write("\n")
    assert len({before, changed, programs.folder(KUBERNETES)}) == 3


@pytest.mark.usefixtures("tools")
def test_a_program_that_is_not_built_says_which_command_builds_it() -> None:
    with pytest.raises(ToolsMissing, match=r"kubelet 1\.\d+\.\d+ is not built: run `make e2e-tools`"):
        programs.find("kubelet")
    assert programs.missing() == list(programs.PROGRAMS)


@pytest.mark.usefixtures("tools")
def test_a_built_program_is_found_by_its_links_too() -> None:
    target = programs.folder(KUBERNETES)
    target.mkdir(parents=True)
    (target / "kubernetes").touch()
    (target / "kubectl").symlink_to("kubernetes")
    assert programs.find("kubectl") == target / "kubectl"
    assert KUBERNETES not in programs.missing()


def test_an_unknown_program_is_an_error() -> None:
    with pytest.raises(ToolsMissing, match="no program docker"):
        programs.find("docker")


def test_no_registry_is_named_beside_the_pins() -> None:
    """Go's own environment says where modules come from."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(programs.TOOLS.rglob("go.mod"))]
    assert [found for text in texts for found in re.findall(r"https?://\S+|GOPROXY|proxy\.\S+", text)] == []
