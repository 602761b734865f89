"""The state machines read no clock, draw no randomness and do not depend on hash order."""

from pathlib import Path

import pytest

from support.determinism import modules, violations

ROOT = Path(__file__).parents[3] / "components" / "touchline"
PACKAGES = ("domain", "book", "desk", "gateway", "feeds", "ingest", "recorder")
SHELLS = frozenset({
    "book/shell/", "book/__main__.py", "book/lvc.py", "book/node.py",
    "desk/store.py",
    "feeds/interface.py", "feeds/betfair/adapter.py", "feeds/betfair/connection.py",
    "feeds/replay/adapter.py", "feeds/replay/recording.py", "feeds/replay/transport.py",
    "gateway/web/", "gateway/__main__.py", "gateway/auth.py", "gateway/bets.py", "gateway/cache.py", "gateway/declared.py",
    "gateway/door.py", "gateway/intake.py", "gateway/process.py", "gateway/server.py", "gateway/service.py",
    "gateway/sockets.py", "gateway/tls.py", "gateway/turns.py",
    "ingest/__main__.py", "ingest/capture.py", "ingest/clock.py", "ingest/corrections.py", "ingest/durable.py",
    "ingest/feed.py", "ingest/identities.py", "ingest/process.py", "ingest/receiver.py", "ingest/reception.py", "ingest/registry.py",
    "ingest/service.py", "ingest/turn.py",
    "recorder/__main__.py", "recorder/audit_log.py", "recorder/process.py", "recorder/recorder.py", "recorder/verify.py",
})  # fmt: skip
"""Modules that connect the machines to sockets, files and timers."""


@pytest.mark.parametrize("path", [*modules(ROOT, PACKAGES, SHELLS)], ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_deciding_module_is_deterministic(path: Path) -> None:
    assert violations(path.read_text(encoding="utf-8"), path.name) == []


def test_every_shell_named_here_exists() -> None:
    assert [shell for shell in sorted(SHELLS) if not (ROOT / shell).exists()] == []


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("import time", "imports time"),
        ("from random import choice", "imports from random"),
        ("from datetime import datetime\nx = datetime.now()", "reads a clock"),
        ("for x in {1, 2}:\n    pass", "iterates over a set"),
        ("y = [x for x in set(z)]", "iterates over a set"),
        ("y = list(frozenset(z))", "list() of a set"),
        ("y = hash(z)", "calls hash()"),
        ("async def f():\n    pass", "awaits"),
        ("y = open('f')", "calls open()"),
    ],
)
def test_the_lint_sees(source: str, what: str) -> None:
    assert any(what in found for found in violations(source, "m.py"))


def test_the_lint_leaves_sorted_sets_and_passed_in_clocks_alone() -> None:
    assert violations("for x in sorted({1, 2}):\n    y = now + x\nz = len(set(y))", "m.py") == []
