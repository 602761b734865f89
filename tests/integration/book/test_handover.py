"""A review and a cool-down outlive their leader: killed and followed by a node that never saw why, and handed over."""

from typing import Any

import pytest
from nats.aio.client import Client

from support.book_process import (
    BookProcess,
    book_nodes,
    configure,
    engine,
    football,
    leader_of,
    policy,
    provider,
    status_of,
    wait_for_market,
    wait_for_open,
)
from support.scripted_ingest import ScriptedIngest, epoch_us
from support.waiting import until_found
from touchline.book.pending import unpack
from touchline.bus import subjects
from touchline.bus.config import put_config
from touchline.local.servers import NatsServer

pytestmark = pytest.mark.servers

MARKET, OTHER = "e1:MatchWinner", "e2:MatchWinner"
PRICES = {"home": 2_000_000, "draw": 3_400_000, "away": 3_750_000}
COOL_DOWN_S = 15


def reviewing() -> dict[str, Any]:
    """A goal cools down for a while; a red card waits for a trader."""
    document = policy()
    document["spec"]["triggers"] = [
        {
            "name": "goal",
            "type": "EventStatus",
            "eventStatus": {"incidents": ["Goal"]},
            "action": "Suspend",
            "coolDown": f"{COOL_DOWN_S}s",
        },
        {
            "name": "card",
            "type": "EventStatus",
            "eventStatus": {"incidents": ["RedCard"]},
            "action": "SuspendAndReview",
            "coolDown": "0s",
        },
    ]
    return document


async def what_is_written(nc: Client) -> dict[str, list[str]]:
    """Causes by market, as the leader has left them to the next one."""
    entry = await (await nc.jetstream().key_value("lease")).get("pending.0")
    return {market: [memo.cause for memo in memos] for market, memos in unpack(entry.value or b"").memos.items()}


def causes(explained: dict[str, Any]) -> list[str]:
    return [hold["cause"] for hold in explained["holds"]]


async def red_card_and_goal(nc: Client, ingest: ScriptedIngest) -> None:
    """One market waits for a trader, the other cools down; both facts are written down."""
    for market in (MARKET, OTHER):
        await ingest.market(market, prices=PRICES)
        await wait_for_open(nc, market, shards=1)
    await ingest.incident(MARKET, "RedCard")
    await ingest.incident(OTHER, "Goal")
    await wait_for_market(nc, MARKET, lambda last: bool(last["review"]), shards=1)
    await wait_for_market(nc, OTHER, lambda last: causes(last) == ["reopening/cool-down"], shards=1)

    async def written() -> bool:
        return await what_is_written(nc) == {MARKET: ["policy/calm/card"], OTHER: [""]}

    await until_found(written, within=10)


async def still_held_and_then_let_go(nc: Client, node: str) -> None:
    """The new leader, whoever it is, opens neither of its own accord; a trader and time do."""

    async def leads() -> bool:
        return (await leader_of(nc, 0))[0] == node

    await until_found(leads, within=60)
    # The provider must serve again, so that nothing but what was left behind can hold the markets.
    cooling = await wait_for_market(nc, OTHER, lambda last: causes(last) == ["reopening/cool-down"], shards=1)
    assert 0 < cooling["coolDownLeftUs"] <= COOL_DOWN_S * 1_000_000
    assert [transition for transition in cooling["transitions"] if transition["what"] == "open"][1:] == []
    waiting = await wait_for_market(nc, MARKET, lambda last: causes(last) == ["policy/calm/card"], shards=1)
    assert [review["detail"] for review in waiting["review"]] == ["betfair-a reports RedCard"]
    await wait_for_open(nc, OTHER, shards=1, within=3 * COOL_DOWN_S)
    waiting = await wait_for_market(nc, MARKET, lambda _: True, shards=1)
    assert causes(waiting) == ["policy/calm/card"], "time alone ends no review"
    order = {"scope": "market", "id": MARKET, "by": "kim", "note": "looked at it", "at": epoch_us()}
    await put_config(nc, subjects.halt_key("market", MARKET).replace("Halt.", "Resume.", 1), order)
    await wait_for_open(nc, MARKET, shards=1, within=5)


async def test_a_node_that_starts_after_its_only_predecessor_was_killed_keeps_reviews_and_cool_downs(
    nats: Client, nats_server: NatsServer
) -> None:
    await configure(nats, engine(shards=1), provider(), football(), reviewing())
    async with ScriptedIngest(nats, shards=1) as ingest:
        with book_nodes("b1", nats_url=nats_server.url) as nodes:
            await red_card_and_goal(nats, ingest)
            nodes["b1"].kill()
        with book_nodes("b2", nats_url=nats_server.url):
            await still_held_and_then_let_go(nats, "b2")


async def test_a_leader_that_was_asked_to_stop_hands_reviews_and_cool_downs_to_a_node_that_came_after_their_causes(
    nats: Client, nats_server: NatsServer
) -> None:
    await configure(nats, engine(shards=1), provider(), football(), reviewing())
    async with ScriptedIngest(nats, shards=1) as ingest:
        with book_nodes("b1", nats_url=nats_server.url) as first:
            await red_card_and_goal(nats, ingest)
            with book_nodes("b2", nats_url=nats_server.url) as second:
                await ready(second["b2"], nats)
                assert first["b1"].terminate() == 0
                await still_held_and_then_let_go(nats, "b2")


async def ready(node: BookProcess, nc: Client) -> None:
    """It has read the decisions and hears the provider, so that it could lead."""

    async def heard() -> bool:
        status = await status_of(nc, node.node)
        return bool(status.get("providers")) and all(shard["caughtUp"] for shard in status["shards"].values())

    await until_found(heard, within=60)
