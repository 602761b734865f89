"""The operator's deciding rooms are pure, and no room reaches into one that it may not know (docs/operator.md)."""

import ast
from pathlib import Path

import pytest

from support.determinism import violations

ROOT = Path(__file__).parents[3] / "operator" / "touchline_operator"
PURE = [*sorted(path for room in ("world", "check", "plan", "status") for path in (ROOT / room).rglob("*.py")),
        ROOT / "run" / "queue.py", ROOT / "run" / "lease.py", ROOT / "run" / "watch_age.py", ROOT / "bus" / "mirror.py",
        ROOT / "kube" / "differs.py"]  # fmt: skip
MAY_KNOW = {
    "world": {"world"},
    "check": {"world", "check"},
    "plan": {"world", "check", "plan"},
    "status": {"world", "check", "status"},
    "kube": {"world", "status", "kube"},
    "bus": {"world", "bus"},
    "servers": set(),
}


@pytest.mark.parametrize("path", PURE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_deciding_module_is_deterministic(path: Path) -> None:
    assert violations(path.read_text(encoding="utf-8"), path.name) == []


@pytest.mark.parametrize("room", sorted(MAY_KNOW))
def test_a_room_knows_only_the_rooms_below_it(room: str) -> None:
    strangers = {
        f"{path.name}: {name}"
        for path in (ROOT / room).rglob("*.py")
        for name in _imports(path)
        if name.startswith("touchline_operator.") and name.split(".")[1] not in MAY_KNOW[room] | {"errors", room}
    }
    assert strangers == set()


def _imports(path: Path) -> list[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    return found + [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
