"""A book rolled to another revision by the operator and the real StatefulSet controller. The test is the kubelet (pods become what it
says) and the book (who leads what)."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import nats
import pytest
from nats.js.errors import NotFoundError

from support.observed_world import engine
from support.operator_process import USER, Operator, Server, calmly
from support.small_engine import CACHE
from support.unscheduled_pods import api_server, forbidden_pods
from touchline.local.servers import NatsServer

__all__ = ["api_server"]

pytestmark = [pytest.mark.servers, pytest.mark.cluster]

SHARDS = 9
NODES = ("main-book-0", "main-book-1", "main-book-2")


@dataclass
class Book:
    """Three nodes of an engine on a real broker. `leading` is who leads each shard and since which epoch."""

    server: Server
    tenant: str
    url: str
    leading: dict[int, tuple[str, int]] = field(default_factory=dict)

    def declare(self, image: str) -> None:
        spec = {"shards": SHARDS, "image": image, "redis": CACHE, "nats": {"external": {"urls": [self.url]}}}
        self.server.apply(self.tenant, engine(**spec))

    def pods(self) -> dict[str, dict[str, Any]]:
        chosen = ("-l", "app.kubernetes.io/component=book", "-o", "json")
        items = json.loads(self.server.api.kubectl("get", "pods", "-n", self.tenant, *chosen))["items"]
        return {item["metadata"]["name"]: item for item in items}

    def uids(self) -> dict[str, str]:
        return {name: str(pod["metadata"]["uid"]) for name, pod in self.pods().items()}

    def images(self) -> list[str]:
        return [pod["spec"]["containers"][0]["image"] for _, pod in sorted(self.pods().items())]

    def set(self, pod: str, *, ready: bool) -> None:
        """What a kubelet says of a pod that works, or of one whose process ends again and again."""
        at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        state = {"running": {"startedAt": at}} if ready else {"waiting": {"reason": "CrashLoopBackOff"}}
        container = {"name": "book", "ready": ready, "restartCount": 0, "image": "i", "imageID": "i", "state": state}
        condition = {"type": "Ready", "status": "True" if ready else "False", "lastTransitionTime": at}
        status = {"phase": "Running", "conditions": [condition], "containerStatuses": [container]}
        words = ("patch", "pod", pod, "-n", self.tenant, "--subresource=status", "--type=merge")
        self.server.api.kubectl(*words, "-p", json.dumps({"status": status}))

    def deletions(self) -> list[str]:
        """Pods that the operator deleted, in order."""
        return [
            each.name
            for each in self.server.api.audit.writes(0, user=USER)
            if (each.verb, each.resource, each.namespace) == ("delete", "pods", self.tenant) and each.code < 300
        ]

    def said(self, type_: str) -> str:
        found = self.server.condition(self.tenant, "oddsengine", "main", type_)
        return f"{found.get('status')} {found.get('reason')} {found.get('message')}"

    async def speak(self) -> None:
        """Every node says each half second what it leads, until cancelled."""
        client = await nats.connect(self.url)
        try:
            bucket = None
            while True:
                with contextlib.suppress(NotFoundError):
                    bucket = bucket or await client.jetstream().key_value("status")
                for node in {name for name, _ in self.leading.values()} if bucket is not None else ():
                    shards = {
                        str(number): {"leading": True, "epoch": epoch}
                        for number, (name, epoch) in self.leading.items()
                        if name == node
                    }
                    assert bucket is not None
                    await bucket.put(f"book.{node}", json.dumps({"leads": sorted(shards), "shards": shards}).encode())
                await asyncio.sleep(0.5)
        finally:
            await client.close()


@pytest.fixture
async def book(server: Server, tenant: str, operator: Operator, broker: NatsServer) -> AsyncIterator[Book]:
    """Settled at the image `touchline:before`; the highest ordinal leads everything."""
    found = Book(server, tenant, broker.url, dict.fromkeys(range(SHARDS), (NODES[2], 1)))
    await asyncio.to_thread(found.declare, "touchline:before")
    await calmly(lambda: set(found.uids()) == set(NODES), "the pods are made")
    for node in NODES:
        found.set(node, ready=True)
    voice = asyncio.create_task(found.speak())
    await calmly(lambda: len(leaders(found)) == SHARDS, "the operator knows the leaders")
    yield found
    voice.cancel()
    await asyncio.gather(voice, return_exceptions=True)


def leaders(book: Book) -> list[dict[str, Any]]:
    found = book.server.get(book.tenant, "oddsengine", "main") or {}
    return list((found.get("status") or {}).get("shardLeaders") or ())


async def replaced(book: Book, node: str, before: dict[str, str]) -> dict[str, str]:
    """Wait until a node is another pod, and see that the others are not; returns the pods as they are now."""
    await calmly(lambda: book.uids().get(node, before[node]) != before[node], f"{node} is replaced")
    after = book.uids()
    assert {name for name in before if after[name] != before[name]} == {node}
    return after


async def test_a_book_is_rolled_one_ready_pod_after_the_other_and_the_leader_last(
    book: Book, operator: Operator
) -> None:
    before = book.uids()
    await asyncio.to_thread(book.declare, "touchline:after")
    now = await replaced(book, NODES[1], before)
    await calmly(
        lambda: book.said("Progressing").startswith(
            "True PodsNotReady book: 1 of 3 pods updated; waiting for main-book-1"
        ),
        "the engine says how far it is",
    )
    await asyncio.to_thread(operator.look_again, "OddsEngine", 2)
    assert book.uids() == now, "nobody else goes before it is ready"

    book.set(NODES[1], ready=True)
    now = await replaced(book, NODES[0], now)
    book.set(NODES[0], ready=True)
    now = await replaced(book, NODES[2], now)
    book.leading = dict.fromkeys(range(SHARDS), (NODES[0], 2))
    book.set(NODES[2], ready=True)
    await calmly(lambda: "main-book" not in book.said("Progressing"), "the book is rolled")
    assert book.images() == ["touchline:after"] * 3
    assert book.deletions() == [NODES[1], NODES[0], NODES[2]]

    mark = book.server.api.audit.mark()
    await asyncio.to_thread(operator.look_again, "OddsEngine", 2)
    asked = [
        str(each) for each in book.server.api.audit.requests(mark) if each.user == USER and each.resource == "pods"
    ]
    assert asked == [], "pods are asked for only while there is something to replace"


async def test_nobody_goes_while_it_is_not_known_who_leads(book: Book, operator: Operator) -> None:
    before = book.uids()
    del book.leading[SHARDS - 1]
    await calmly(lambda: len(leaders(book)) == SHARDS - 1, "a shard has no leader")
    await asyncio.to_thread(book.declare, "touchline:after")
    await calmly(lambda: "waiting for each shard to have a leader" in book.said("Progressing"), "it waits")
    await asyncio.to_thread(operator.look_again, "OddsEngine", 2)
    assert book.uids() == before
    book.leading[SHARDS - 1] = (NODES[1], 1)
    await replaced(book, NODES[0], before)


async def test_a_revision_that_cannot_run_is_mended_and_one_that_cannot_either_stops_the_rollout(
    book: Book, operator: Operator
) -> None:
    book.leading = {}
    for node in NODES:
        book.set(node, ready=False)
    before = book.uids()
    await asyncio.to_thread(book.declare, "touchline:worse")
    now = await replaced(book, NODES[2], before)
    book.set(NODES[2], ready=False)
    await asyncio.to_thread(operator.look_again, "OddsEngine", 2)
    assert book.uids() == now, "the new one is as broken"

    await asyncio.to_thread(book.declare, "touchline:mended")
    for node in reversed(NODES):
        now = await replaced(book, node, now)
        book.set(node, ready=True)
    await calmly(lambda: "main-book" not in book.said("Progressing"), "the book is mended")
    assert book.images() == ["touchline:mended"] * 3


async def test_30_without_the_permission_the_engine_says_what_is_missing_and_goes_on_when_it_is_given(
    book: Book, operator: Operator
) -> None:
    before = book.uids()
    with forbidden_pods(book.server):
        await asyncio.to_thread(book.declare, "touchline:after")
        await calmly(lambda: book.said("Degraded").startswith("True RolloutNotPermitted"), "the engine says so")
        assert "list and delete pods" in book.said("Degraded")
        assert book.said("Progressing").startswith("True PodsNotReady book: 0 of 3 pods updated")
        assert book.uids() == before
    await replaced(book, NODES[1], before)
    await calmly(lambda: book.said("Degraded").startswith("False"), "it is over")


async def test_a_book_that_an_older_operator_let_roll_by_itself_waits_for_deletions_now(book: Book) -> None:
    raw = book.server.get(book.tenant, "statefulset", "main-book")
    assert raw is not None
    older = {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {name: raw["metadata"][name] for name in ("name", "labels", "annotations", "ownerReferences")},
        "spec": {**raw["spec"], "updateStrategy": {"type": "RollingUpdate"}},
    }
    mark = book.server.api.audit.mark()
    words = ("apply", "--server-side", "--force-conflicts", "--field-manager=touchline-operator", "-f", "-")
    said = await asyncio.to_thread(book.server.api.kubectl, *words, "-n", book.tenant, stdin=json.dumps(older))
    assert "serverside-applied" in said

    def waits() -> bool:
        found = book.server.get(book.tenant, "statefulset", "main-book") or {}
        return bool(found["spec"]["updateStrategy"] == {"type": "OnDelete"})

    await calmly(waits, "it waits for deletions", within=10)
    refused = [str(each) for each in book.server.writes(mark) if each.code == 422]
    assert refused == []
