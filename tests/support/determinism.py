"""The lint that keeps clocks, unseeded randomness, I/O and hash order out of the state machines (docs/architecture.md).

It reads source, it does not run it. A module of a deciding package is checked unless it is named as a shell: new modules are
checked by default.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

FORBIDDEN_MODULES = frozenset({
    "asyncio", "concurrent", "multiprocessing", "os", "pathlib", "random", "secrets", "select", "signal", "socket", "ssl",
    "subprocess", "threading", "time", "uuid", "nats", "redis", "uvloop", "picows", "httpx", "requests", "websockets",
})  # fmt: skip
FORBIDDEN_CALLS = frozenset({"hash", "id", "input", "open", "print"})
FORBIDDEN_METHODS = frozenset(
    {"now", "utcnow", "today", "time", "monotonic", "time_ns", "monotonic_ns", "perf_counter"}
)


def violations(source: str, name: str) -> list[str]:
    """`file:line: what` for each rule that a module's source breaks."""
    tree = ast.parse(source)
    return [f"{name}:{line}: {what}" for line, what in sorted(_walk(tree))]


def _walk(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] in FORBIDDEN_MODULES:
                    yield node.lineno, f"imports {alias.name}"
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module.split(".")[0] in FORBIDDEN_MODULES:
                yield node.lineno, f"imports from {node.module}"
        elif isinstance(node, ast.Call):
            yield from _call(node)
        elif isinstance(node, ast.For | ast.comprehension):
            where = node.iter
            if _is_set(where):
                yield where.lineno, "iterates over a set: its order depends on hashes; use a dict or sorted()"
        elif isinstance(node, ast.AsyncFunctionDef | ast.Await):
            yield node.lineno, "awaits: a state machine returns outputs instead"


def _call(node: ast.Call) -> Iterator[tuple[int, str]]:
    called = node.func
    if isinstance(called, ast.Name):
        if called.id in FORBIDDEN_CALLS:
            yield node.lineno, f"calls {called.id}()"
        if called.id in {"list", "tuple", "next", "iter", "enumerate"} and node.args and _is_set(node.args[0]):
            yield node.lineno, f"{called.id}() of a set: its order depends on hashes; use sorted()"
    elif isinstance(called, ast.Attribute) and called.attr in FORBIDDEN_METHODS and not node.args:
        yield node.lineno, f"reads a clock: .{called.attr}()"


def _is_set(node: ast.expr) -> bool:
    if isinstance(node, ast.Set | ast.SetComp):
        return True
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"set", "frozenset"}


def modules(root: Path, packages: tuple[str, ...], shells: frozenset[str]) -> Iterator[Path]:
    """Every module of the packages that is not a shell; `shells` holds paths relative to `root`, a folder ends with `/`."""
    for package in packages:
        for path in sorted((root / package).rglob("*.py")):
            relative = path.relative_to(root).as_posix()
            if relative in shells or any(shell.endswith("/") and relative.startswith(shell) for shell in shells):
                continue
            yield path
