"""The store of decisions against a real broker: fences, appends in flight, unknown results, reading."""

import pytest
from nats.aio.client import Client

from support.bet_writer import Writer, content, settle, until
from touchline.book.shell.clock import monotonic_us
from touchline.bus.stream_reader import Unreadable
from touchline.desk.store import stream_facts
from touchline.local.servers import NatsServer

pytestmark = pytest.mark.servers


async def test_many_appends_are_on_their_way_at_once_and_land_in_order(nats: Client) -> None:
    writer = await Writer(nats, "a").start()
    await writer.epoch(0)
    appends = [writer.append(token, token - 1, fence=1) for token in range(2, 402)]
    await writer.send(*appends)
    assert writer.store.unsettled > 64, "they were not waited for one by one"
    await until(lambda: len(writer.stored) == 401, within=20)
    assert writer.stored == {token: token for token in range(1, 402)}
    assert writer.refused == {}
    found = await content(writer)
    assert [seq for seq, _, _ in found] == list(range(1, 402))
    assert [record for _, _, record in found[1:]] == [append.record for append in appends]


async def test_of_two_writers_the_one_with_the_later_epoch_record_writes_and_the_other_is_refused(nats: Client) -> None:
    old, new = await Writer(nats, "old").start(), await Writer(nats, "new").start()
    await old.epoch(0)
    await old.send(old.append(2, 1, fence=1))
    await until(lambda: 2 in old.stored)
    await new.epoch(2)
    # The old leader had three on their way. The second expects just the number that it finds: only the epoch fence stops it.
    await old.send(*(old.append(token, token - 1, fence=1) for token in (3, 4, 5)))
    await until(lambda: len(old.refused) == 3)
    await new.send(new.append(2, 3, fence=3))
    await until(lambda: 2 in new.stored)
    assert [record for _, _, record in await content(new)] == [b"old 1", b"old 2", b"new 1", b"new 2"]


async def test_the_sequence_alone_would_not_have_stopped_it(nats: Client) -> None:
    """Why there are two fences: without the epoch's, a deposed writer's second append lands."""
    old, new = await Writer(nats, "old").start(), await Writer(nats, "new").start()
    await old.epoch(0)
    await new.epoch(1)
    await old.send(*(old.append(token, token - 1, fence=0) for token in (2, 3)))
    await until(lambda: 2 in old.refused)
    await until(lambda: 3 in old.stored)


async def test_a_broker_that_is_killed_loses_nothing_and_doubles_nothing(nats: Client, nats_server: NatsServer) -> None:
    writer = await Writer(nats, "a").start()
    await writer.epoch(0)
    await writer.send(*(writer.append(token, token - 1, fence=1) for token in range(2, 202)))
    await until(lambda: len(writer.stored) > 20)
    nats_server.kill()
    await writer.send(*(writer.append(token, token - 1, fence=1) for token in range(202, 252)))
    nats_server.start()
    await settle(writer, lambda: len(writer.stored) == 251, within=15)
    assert writer.refused == {}
    assert writer.stored == {token: token for token in range(1, 252)}
    assert [record for _, _, record in await content(writer)] == [f"a {token}".encode() for token in range(1, 252)]


async def test_an_append_that_somebody_elses_record_took_the_place_of_is_refused_by_reading(
    nats: Client, nats_server: NatsServer
) -> None:
    old, new = await Writer(nats, "old").start(), await Writer(nats, "new").start()
    await old.epoch(0)
    nats_server.kill()
    await until(lambda: not nats.is_connected)
    await old.send(old.append(2, 1, fence=1))
    nats_server.start()
    await until(lambda: nats.is_connected)
    await new.epoch(1)
    await settle(old, lambda: bool(old.refused))
    assert "somebody else's" in old.refused[2]


async def test_without_authority_nothing_is_sent_and_nothing_sent_again(nats: Client, nats_server: NatsServer) -> None:
    writer = await Writer(nats, "a").start()
    await writer.epoch(0)
    nats_server.kill()
    await until(lambda: not nats.is_connected)
    await writer.send(writer.append(2, 1, fence=1))
    writer.authority = False
    nats_server.start()
    await until(lambda: nats.is_connected)
    writer.skew_us = 10_000_000
    await writer.store.settle()
    assert (writer.stored, writer.refused, writer.store.unsettled) == ({1: 1}, {}, 1)
    await writer.send(writer.append(3, 2, fence=1))
    assert "lease lapsed" in writer.refused[3]
    writer.store.abandon()
    assert len(await content(writer)) == 1


async def test_a_decision_that_waited_too_long_to_be_sent_is_not_sent(nats: Client) -> None:
    writer = await Writer(nats, "a").start()
    await writer.epoch(0)
    await writer.send(writer.append(2, 1, fence=1, at=monotonic_us() - 10_000_000))
    assert "waited" in writer.refused[2]
    assert len(await content(writer)) == 1


async def test_reading_goes_on_over_many_batches_and_says_when_the_broker_is_away(
    nats: Client, nats_server: NatsServer
) -> None:
    writer = await Writer(nats, "a").start()
    await writer.epoch(0)
    await writer.send(*(writer.append(token, token - 1, fence=1) for token in range(2, 602)))
    await until(lambda: len(writer.stored) == 601, within=20)
    assert [seq for seq, _, _ in await content(writer)] == list(range(1, 602))
    assert await stream_facts(nats, 0) == {"storage": "file", "replicas": 1}
    nats_server.kill()
    await until(lambda: not nats.is_connected)
    with pytest.raises(Unreadable):
        await content(writer)
