"""What the operator does with pods, where a kubelet runs them: the book's are replaced in a safe order while bettors bet, and a
provider that is added to a running engine is let into the broker at once."""

import asyncio
from typing import Any

import pytest

from scenarios.betting import betting
from scenarios.in_cluster import SETTLES_S, InCluster
from support.waiting import until, wait_until

STANDBY, LEADER = "main-book-0", "main-book-1"
"""The leader is made the one that Kubernetes itself would replace first."""
CONNECTED_S = 20.0
"""From `kubectl apply` to a provider's `Connected`. Without a nudge the kubelet alone takes up to a minute and more."""


@pytest.fixture
def led(quickstart: InCluster) -> dict[int, int]:
    """Every shard is led by `LEADER`; their epochs by shard."""
    quickstart.settled()
    if {leader for leader, _ in leaders(quickstart).values()} != {LEADER}:
        quickstart.kubectl("delete", "pod", STANDBY)
        wait_until(lambda: {leader for leader, _ in leaders(quickstart).values()} == {LEADER}, within=SETTLES_S)
        quickstart.settled()
    return {shard: epoch for shard, (_, epoch) in leaders(quickstart).items()}


def leaders(engine: InCluster) -> dict[int, tuple[str, int]]:
    """Leader and epoch of every shard, as the engine's status tells; empty where one of them has none."""
    found = engine.get("oddsengine", engine.name)
    told = (found.get("status") or {}).get("shardLeaders") or ()
    return (
        {each["shard"]: (each["leader"], each["epoch"]) for each in told}
        if len(told) == found["spec"]["shards"]
        else {}
    )


def rolled(engine: InCluster, before: dict[str, str]) -> bool:
    """Whether every pod of the book is another one, ready, and the engine says that it is settled."""
    now = engine.uids("book")
    return len(now) == len(before) and not set(now.values()) & set(before.values()) and not engine.not_ready()


async def test_a_book_is_rolled_standby_first_and_leader_last_and_each_shard_changes_hands_once(
    quickstart: InCluster, led: dict[int, int]
) -> None:
    before, restarts = quickstart.uids("book"), quickstart.restarts()
    order: list[str] = []
    told: dict[str, None] = {}

    def watched() -> bool:
        gone = [name for name, uid in before.items() if quickstart.uids("book").get(name) not in {uid, None}]
        order.extend(name for name in gone if name not in order)
        told[str(quickstart.condition("oddsengine", "main", "Progressing").get("message"))] = None
        return rolled(quickstart, before)

    async with betting(quickstart, seed=61):
        # What changes a pod's template changes the revision, whoever changes it.
        await asyncio.to_thread(quickstart.kubectl, "rollout", "restart", "statefulset/main-book")
        await until(watched, within=SETTLES_S, what=lambda: f"{order} {list(told)}")
    assert order == [STANDBY, LEADER]
    created = {pod["metadata"]["name"]: pod["metadata"]["creationTimestamp"] for pod in quickstart.pods("book")}
    assert created[STANDBY] < created[LEADER]
    assert [message for message in told if message.startswith("book: 1 of 2 pods updated; waiting for ")], list(told)
    await until(lambda: {leader for leader, _ in leaders(quickstart).values()} == {STANDBY}, within=SETTLES_S)
    assert {shard: epoch for shard, (_, epoch) in leaders(quickstart).items()} == {
        shard: epoch + 1 for shard, epoch in led.items()
    }
    assert quickstart.restarts() == restarts, "no container was started again"


def test_new_provider_is_connected_within_seconds_and_the_broker_is_not_restarted(quickstart: InCluster) -> None:
    quickstart.settled()
    broker, restarts = quickstart.uids("nats"), quickstart.restarts()
    provider = third(quickstart)
    quickstart.apply(provider)
    try:
        wait_until(
            lambda: quickstart.condition("feedprovider", "betfair-c", "Connected").get("status") == "True",
            within=CONNECTED_S,
        )
        assert quickstart.uids("nats") == broker
        now = quickstart.restarts()
        assert {name: now[name] for name in restarts} == restarts
        assert not [name for name, count in now.items() if name.startswith("betfair-c") and count]
    finally:
        quickstart.kubectl("delete", "feedprovider", "betfair-c")


def third(engine: InCluster) -> dict[str, Any]:
    """One more provider, from the simulator that runs already: what is waited for is the broker alone."""
    spec = engine.get("feedprovider", "betfair-b")["spec"]
    stream = {"endpoint": f"demo-simulator.{engine.namespace}.svc:7101", "tls": {"mode": "Disabled"}}
    return {
        "apiVersion": "touchline.dev/v1alpha1",
        "kind": "FeedProvider",
        "metadata": {"name": "betfair-c"},
        "spec": {**spec, "upstream": "Betfair-Third", "betfairStream": {**spec["betfairStream"], **stream}},
    }
