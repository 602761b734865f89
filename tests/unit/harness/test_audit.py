"""The audit log: writes are told from reads, and what is still being written is left alone."""

import json
from pathlib import Path
from typing import Any

import pytest

from touchline_e2e.audit import AuditLog, parse


def _line(verb: str, *, user: str = "operator", **about: str) -> str:
    event: dict[str, Any] = {"verb": verb, "user": {"username": user}, "responseStatus": {"code": 200}}
    if about:
        event["objectRef"] = about
    return json.dumps(event) + "\n"


def test_an_event_says_who_did_what_to_which_object() -> None:
    request = parse(_line("patch", resource="markets", subresource="status", namespace="book", name="nfl"))
    assert str(request) == "operator patch markets/status book/nfl -> 200"


def test_an_event_without_an_object_is_read_too() -> None:
    assert str(parse(_line("get"))) == "operator get   -> 200"


@pytest.mark.parametrize("verb", ["create", "update", "patch", "delete", "deletecollection"])
def test_what_asks_for_a_change_is_a_write(verb: str) -> None:
    assert parse(_line(verb)).writes


@pytest.mark.parametrize("verb", ["get", "list", "watch"])
def test_what_only_looks_is_no_write(verb: str) -> None:
    assert not parse(_line(verb)).writes


def test_a_mark_divides_before_from_after(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit.jsonl")
    assert (log.mark(), list(log.requests())) == (0, [])
    log.path.write_text(_line("create", user="admin") + _line("list"), encoding="utf-8")
    mark = log.mark()
    with log.path.open("a", encoding="utf-8") as more:
        more.write(_line("patch") + _line("delete", user="admin") + '{"verb": "upd')
    assert [request.verb for request in log.requests(mark)] == ["patch", "delete"]
    assert [request.verb for request in log.writes(mark, user="admin")] == ["delete"]
    assert [request.verb for request in log.writes()] == ["create", "patch", "delete"]
