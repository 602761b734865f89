"""A real recording that a simulator pod serves over the provider's protocol: what a bettor outside the cluster gets of it."""

import asyncio
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from scenarios.in_cluster import InCluster
from support.bettors import bettors
from support.recordings import recording
from support.waiting import until
from touchline.domain.version import Version
from touchline.local.client import TouchlineClient
from touchline.local.replica import Replica
from touchline_e2e import deployment
from touchline_e2e.deployment import AnyCluster

EXAMPLE = deployment.ROOT / "examples" / "recorded-feed"
WITHIN_S = 90.0


pytestmark = pytest.mark.usefixtures("quickstart")


@pytest.fixture
def races(cluster: AnyCluster, namespace: str, tmp_path: Path) -> Iterator[InCluster]:
    """The example in a namespace of its own, with a horse race in the ConfigMap: as its README and docs/install.md say."""
    file = recording("betfair/betfair_parser/1.185781277.bz2")
    engine = InCluster(cluster, namespace, tmp_path)
    deployment.let_in(cluster, namespace)
    engine.kubectl("create", "configmap", "recordings", f"--from-file=race.bz2={file}")
    engine.kubectl("apply", "-f", EXAMPLE)
    engine.settled()
    yield engine
    engine.delete()


async def test_prices_move_a_bet_is_accepted_and_a_lost_feed_is_seen_in_kubectl_get_markets(races: InCluster) -> None:
    async with TouchlineClient(races.url) as client:
        await client.subscribe("*", within=WITHIN_S)
        await client.wait_for(_open, within=WITHIN_S)
        (market,) = client.replica.markets
        for _ in range(3):
            moved = functools.partial(_moved, market, client.replica.markets[market].version)
            await client.wait_for(moved, within=WITHIN_S)
        async with bettors(races.url, count=1, seed=3) as answers:
            await until(lambda: bool(answers.accepted), within=WITHIN_S, what=answers.tally)

        await asyncio.to_thread(races.simulator, "POST", "/faults", {"kind": "Silence", "for": "15s"})
        await client.wait_for(lambda replica: not _open(replica), within=WITHIN_S)
        assert client.replica.markets[market].holds
        await until(lambda: races.row("market", "races")["SUSPENDED"] == "1", within=WITHIN_S)
        # Why changes while it lasts (late, lost, then recovering): that one is named, with the market, is what counts.
        assert re.search(
            rf"1 of 1 market is suspended; 1 [A-Z]\w+ \(\w+\), such as {market}",
            races.kubectl("describe", "market", "races"),
        )
        assert races.row("market", "races")["WHY"]
        # The market opens when the feed is complete again.
        await client.wait_for(_open, within=WITHIN_S)
        await until(lambda: races.row("market", "races")["OPEN"] == "1", within=WITHIN_S)
        await until(lambda: races.row("feedprovider", "betfair")["READY"] == "True", within=WITHIN_S)


def _open(replica: Replica) -> bool:
    return [view.status for view in replica.markets.values()] == ["Open"]


def _moved(market: str, since: Version, replica: Replica) -> bool:
    return replica.markets[market].version > since
