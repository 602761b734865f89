"""What 100, 500 and 2,000 custom resources cost the operator, on a real API server: half FeedProviders, half Markets, one engine.

At each size a new API server gets the objects while no operator runs; then one is started. Counted are the time until the last object
is judged and the last child is there, its requests that write (from the server's audit log) for each object, its memory, its CPU and
its requests while nothing changes, and how long one changed object takes to be judged. No pods run: that is the cluster's cost, not ours.

    PYTHONPATH=e2e:tests python -m bench operator_scale        (`make bench` does so; wants `make e2e-tools`)
"""

from __future__ import annotations

import functools
import importlib.util
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.machine import cpu_seconds, resident_kb
from bench.rows import Row, row, skipped

if TYPE_CHECKING:
    from support.operator_process import Server
    from touchline_e2e.audit import AuditLog

NAME = "operator"
SIZES = (100, 500, 2_000)
REST_S = 30.0
QUIET_S = 5.0
CHANGES = 10
WITHIN_S = 600.0
POLL_S = 0.25
TENANT = "scale"
CHUNK = 500
LINEAR = 1.5
"""Cost of an object at the largest size, against the smallest: more would be a list in a loop."""


class Point(NamedTuple):
    """One size: seconds until all is judged, writes for an object, resident MB, share of a core and requests a minute at rest, ms."""

    objects: int
    seconds: float
    writes: float
    memory_mb: float
    rest_cpu: float
    rest_requests: float
    change_ms: list[float]


def measure() -> list[Row]:
    """Rows for each size, and how the cost of one object grows."""
    if any(importlib.util.find_spec(name) is None for name in ("touchline_e2e", "support")):
        return [skipped(NAME, "PYTHONPATH lacks e2e or tests")]
    from touchline_e2e.errors import HarnessError

    try:
        points = [_point(size) for size in SIZES]
    except HarnessError as error:
        return [skipped(NAME, str(error)[:80])]
    rows = [each for point in points for each in _rows(point)]
    small, large = points[0], points[-1]
    each_small, each_large = small.seconds / small.objects, large.seconds / large.objects
    name = f"{NAME}: time for an object, {large.objects:,} against {small.objects:,}"
    grown = each_large / each_small
    rows.append(row(name, [each_large * 1e3], "ms", reference=f"{small.objects}", ratio=grown, at_most=LINEAR))
    return rows


def _rows(point: Point) -> list[Row]:
    size = f"{NAME} {point.objects:,} objects"
    return [
        row(f"{size}: all judged", [point.seconds], "s"),
        row(f"{size}: writes for an object", [point.writes], "requests"),
        row(f"{size}: memory", [point.memory_mb], "MB"),
        row(f"{size}: CPU at rest", [point.rest_cpu * 100], "% of a core"),
        row(f"{size}: requests at rest", [point.rest_requests], "a minute"),
        row(f"{size}: one change judged", point.change_ms, "ms"),
    ]


def _point(size: int) -> Point:
    from support.operator_process import USER, Operator, Server
    from touchline.local.servers import NatsServer
    from touchline_e2e.apiserver import GARBAGE, ApiServer

    with (
        tempfile.TemporaryDirectory() as folder,
        NatsServer(Path(folder)) as broker,
        ApiServer(controllers=GARBAGE) as api,
    ):
        server = Server(api)
        server.install()
        server.namespace(TENANT)
        server.let_in(TENANT)
        _apply(server, size, broker.url)
        mark = api.audit.mark()
        began = time.monotonic()
        with Operator(server, log=Path(folder) / "operator.log", log_level="INFO") as operator:
            _wait(lambda: _judged(server) and _children(server) == size // 2)
            seconds = time.monotonic() - began
            _wait(functools.partial(_quiet, api.audit, USER))
            writes = len(server.writes(mark))
            pid = operator.process.pid
            mark, cpu, since = api.audit.mark(), cpu_seconds(pid), time.monotonic()
            _wait(lambda: time.monotonic() - since >= REST_S)
            rested = time.monotonic() - since
            asked = [each for each in api.audit.requests(mark) if each.user == USER and each.resource != "leases"]
            return Point(
                objects=size,
                seconds=seconds,
                writes=writes / size,
                memory_mb=resident_kb(pid) / 1024,
                rest_cpu=(cpu_seconds(pid) - cpu) / rested,
                rest_requests=len(asked) * 60 / rested,
                change_ms=[_change(server, number) for number in range(CHANGES)],
            )


def _apply(server: Server, size: int, broker: str) -> None:
    """Half providers, half markets, each with a league of its own; applied in parts, as a GitOps controller does."""
    from support.observed_world import engine, market, policy, provider
    from support.small_engine import SECRET

    outside = engine(
        nats={"external": {"urls": [broker]}}, redis={"external": {"url": "redis://cache.example.com:6379/0"}}
    )
    server.apply(TENANT, SECRET, outside, policy())
    objects: list[dict[str, Any]] = []
    for number in range(size // 2):
        objects.append(provider(f"p{number}"))
        selector = {"sports": ["Football"], "leagues": [f"league-{number}"]}
        objects.append(market(f"m{number}", providers=[f"p{number}"], selector=selector))
    for first in range(0, len(objects), CHUNK):
        server.apply(TENANT, *objects[first : first + CHUNK])


def _quiet(audit: AuditLog, user: str) -> bool:
    """Whether the operator asks for nothing for some seconds: its first look over everything is done."""
    mark, end = audit.mark(), time.monotonic() + QUIET_S
    while time.monotonic() < end:
        if any(each.user == user and each.resource != "leases" for each in audit.requests(mark)):
            return False
        time.sleep(POLL_S)
    return True


def _statuses(server: Server) -> Iterator[dict[str, Any]]:
    yield from json.loads(server.api.kubectl("get", "feedproviders,markets", "-n", TENANT, "-o", "json"))["items"]


def _judged(server: Server) -> bool:
    return all(
        each.get("status", {}).get("observedGeneration") == each["metadata"]["generation"] for each in _statuses(server)
    )


def _children(server: Server) -> int:
    names = server.api.kubectl(
        "get", "deployments", "-n", TENANT, "-l", "app.kubernetes.io/component=ingest", "-o", "name"
    )
    return len(names.splitlines())


def _change(server: Server, number: int) -> float:
    """Milliseconds from kubectl's answer until the operator's judgement of the new generation stands."""
    name, limit = f"m{number}", f"{150 + number}.00"
    patch = json.dumps({"spec": {"betting": {"stake": {"max": limit}}}})
    server.api.kubectl("patch", "market", name, "-n", TENANT, "--type=merge", "-p", patch)
    changed = time.monotonic()
    wanted = server.get(TENANT, "market", name) or {}
    server.api.kubectl(
        *("wait", f"market/{name}", "-n", TENANT, "--timeout=60s"),
        f"--for=jsonpath={{.status.observedGeneration}}={wanted['metadata']['generation']}",
    )
    return (time.monotonic() - changed) * 1e3


def _wait(condition: Any) -> None:
    end = time.monotonic() + WITHIN_S
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"not within {WITHIN_S:.0f} s")
        time.sleep(POLL_S)
