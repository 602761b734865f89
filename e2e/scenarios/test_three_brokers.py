"""An engine whose decisions are kept by three brokers (`bets.durability: Quorum`), as pods: each of them may go, one at a time, while
bettors bet."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from scenarios.betting import betting
from scenarios.in_cluster import SETTLES_S, InCluster
from support.waiting import until
from touchline_e2e import deployment

BROKERS = 3


@pytest.fixture
def three(quickstart: InCluster, namespace: str, tmp_path: Path) -> Iterator[InCluster]:
    """The quickstart with three brokers, in a namespace of its own beside the first engine."""
    deployment.let_in(quickstart.cluster, namespace)
    engine = InCluster(quickstart.cluster, namespace, tmp_path)
    engine.apply(*manifests())
    engine.settled()
    yield engine
    engine.delete()


def manifests() -> list[dict[str, Any]]:
    found = [
        each for file in sorted(deployment.QUICKSTART.glob("*.yaml")) for each in yaml.safe_load_all(file.read_text())
    ]
    for each in found:
        if each["kind"] == "OddsEngine":
            each["spec"]["nats"]["managed"]["replicas"] = BROKERS
            each["spec"]["bets"]["durability"] = "Quorum"
    return found


async def test_brokers_go_one_after_the_other_and_then_all_are_replaced_in_turn_and_no_bet_suffers(
    three: InCluster,
) -> None:
    assert len(three.pods("nats")) == BROKERS
    await until(
        lambda: three.get("oddsengine", "main")["status"].get("durability") == "Quorum",
        within=SETTLES_S,
        what=lambda: str(three.get("oddsengine", "main")["status"]),
    )
    for number, pod in enumerate(three.pod_names("nats")):
        async with betting(three, seed=71 + number):
            gone = three.uids("nats")[pod]
            await asyncio.to_thread(three.kill, pod)
            await until(lambda pod=pod, gone=gone: replaced(three, {pod: gone}), within=SETTLES_S)  # type: ignore[misc]

    before = three.uids("nats")
    async with betting(three, seed=75):
        await asyncio.to_thread(three.kubectl, "rollout", "restart", "statefulset/main-nats")
        await until(lambda: replaced(three, before), within=2 * SETTLES_S, what=lambda: str(three.not_ready()))


def replaced(engine: InCluster, before: dict[str, str]) -> bool:
    """Whether each of these pods is another one now, and all are ready."""
    now = engine.uids("nats")
    return (
        len(now) == BROKERS
        and all(now.get(name) not in {None, uid} for name, uid in before.items())
        and not engine.not_ready()
    )
