"""kstatus, the program by which the suite asks what Flux and its like would make of an object."""

import json
import subprocess
from typing import Any

import pytest

from touchline_e2e import programs
from touchline_e2e.fixtures import need

pytestmark = [pytest.mark.servers, pytest.mark.cluster]


@pytest.fixture(autouse=True)
def _built() -> None:
    need("kstatus")


def _market(name: str, *, ready: str | None, observed: int = 3) -> dict[str, Any]:
    conditions = [] if ready is None else [{"type": "Ready", "status": ready, "reason": "Tested", "message": "as told"}]
    return {
        "apiVersion": "touchline.dev/v1alpha1",
        "kind": "Market",
        "metadata": {"name": name, "namespace": "book", "generation": 3},
        "status": {"observedGeneration": observed, "conditions": conditions},
    }


def _judge(text: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([programs.find("kstatus")], input=text, capture_output=True, text=True, check=False)


def test_an_object_is_current_only_when_its_last_change_was_seen_and_it_is_ready() -> None:
    told = {
        "ready": _market("ready", ready="True"),
        "held": _market("held", ready="False"),
        "stale": _market("stale", ready="True", observed=2),
    }
    said = [json.loads(line) for line in _judge("\n".join(map(json.dumps, told.values()))).stdout.splitlines()]
    assert {line["name"]: line["status"] for line in said} == {
        "ready": "Current",
        "held": "InProgress",
        "stale": "InProgress",
    }
    assert {(line["kind"], line["namespace"]) for line in said} == {("Market", "book")}


def test_a_list_is_judged_item_by_item() -> None:
    items = [_market("first", ready="True"), _market("second", ready="False")]
    done = _judge(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    assert [json.loads(line)["name"] for line in done.stdout.splitlines()] == ["first", "second"]


def test_what_is_no_object_is_an_error() -> None:
    done = _judge("{")
    assert done.returncode == 1
    assert "kstatus: unexpected EOF" in done.stderr
