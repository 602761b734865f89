"""docs/operator-checklist.md names for every line of the checklist a test on a real API server, and every test it names exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TABLE = ROOT / "docs" / "operator-checklist.md"
REQUIRED = {*range(1, 31), 32, 33, 40, 41, 42, 45, 47, 48, 49, 50}
ROW = re.compile(r"^\| (\d+) \| ([^|]+) \| ([^|]+) \| ([^|]*) \|$", re.MULTILINE)
ROWS = {int(number): (server, beside) for number, _, server, beside in ROW.findall(TABLE.read_text(encoding="utf-8"))}
SERVER, UNIT = ROOT / "tests" / "integration", ROOT / "tests" / "unit"


def named(cell: str, folder: Path) -> list[tuple[Path, str]]:
    """The files and tests that a cell names: `test_file::test_name`, a name that ends in … for all that begin so."""
    found = []
    for token in re.findall(r"`([^`]+)`", cell):
        module, _, test = token.partition("::")
        found.append((folder / f"{module if '/' in module else f'operator/{module}'}.py", test))
    return found


def functions(path: Path, name: str) -> list[str]:
    """The functions of a file that a name stands for."""
    functions: list[str] = re.findall(r"^(?:async )?def (test_\w+)\(", path.read_text(encoding="utf-8"), re.MULTILINE)
    start = name.removesuffix("…")
    return [each for each in functions if each.startswith(start) and (each == name or name.endswith("…"))]


def test_every_line_of_the_checklist_is_in_the_table_once_and_in_order() -> None:
    numbers = re.findall(r"^\| (\d+) \|", TABLE.read_text(encoding="utf-8"), re.MULTILINE)
    assert [int(number) for number in numbers] == list(ROWS), "a row is written in another form, or twice"
    assert list(ROWS) == sorted(ROWS)
    assert set(ROWS) >= REQUIRED


@pytest.mark.parametrize("line", sorted(REQUIRED & set(ROWS)))
def test_a_line_is_shown_by_tests_on_a_real_api_server_that_have_its_number(line: int) -> None:
    tests = named(ROWS[line][0], SERVER)
    assert [name for _, name in tests if re.match(rf"test_(\d+_)*{line}_", name)], "no test has its number"
    for path, name in tests:
        assert "pytest.mark.cluster" in path.read_text(encoding="utf-8"), f"{path.name} needs no API server"
        assert re.match(rf"test_((\d+_)*{line}_|\D)", name), f"{name} has another line's number"


@pytest.mark.parametrize("line", ROWS)
def test_every_test_that_the_table_names_exists(line: int) -> None:
    server, beside = ROWS[line]
    for path, name in [*named(server, SERVER), *named(beside, UNIT)]:
        assert path.is_file(), path
        assert functions(path, name), f"{path.name} has no {name}"
