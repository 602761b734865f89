"""The store of decisions on three brokers (`bets.durability: Quorum`): one group at a time is on its way, under the fences of its first."""

import signal
from collections.abc import AsyncIterator, Iterator

import nats
import pytest
from nats.aio.client import Client

from support.bet_writer import Writer, content, settle, until
from support.broker_cluster import Brokers, three_brokers
from touchline.bus.provision import provision
from touchline.desk.store import stream_facts

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Brokers]:
    with three_brokers(tmp_path_factory.mktemp("brokers")) as found:
        yield found


@pytest.fixture
async def nc(cluster: Brokers) -> AsyncIterator[Client]:
    """Streams of this test alone."""
    client = await nats.connect(
        cluster.url().split(","), max_reconnect_attempts=-1, reconnect_time_wait=0.1, connect_timeout=2
    )
    await provision(client, shards=1, replicas=3)
    yield client
    # Deleting is denied to streams of decisions on purpose: only whoever may change the stream may end it.
    stream = await client.jetstream(timeout=10).stream_info("BETS_0")
    assert stream.config.deny_delete
    assert await client.jetstream(timeout=10).delete_stream("BETS_0")
    await client.close()


async def writer_of(nc: Client, name: str, *, replicated: bool = True) -> Writer:
    return await Writer(nc, name, replicated=replicated).start()


async def test_what_is_decided_meanwhile_goes_as_one_group_and_lands_in_order(nc: Client) -> None:
    assert await stream_facts(nc, 0) == {"storage": "file", "replicas": 3}
    writer = await writer_of(nc, "a")
    await writer.epoch(0)
    await writer.send(*(writer.append(token, token - 1, fence=1) for token in range(2, 1002)))
    assert writer.store.unsettled > 500, "they were not waited for one by one"
    await until(lambda: len(writer.stored) == 1001, within=20)
    assert writer.stored == {token: token for token in range(1, 1002)}
    assert writer.refused == {}
    assert writer.store.unsettled == 0
    assert [record for _, _, record in await content(writer)] == [f"a {token}".encode() for token in range(1, 1002)]


async def test_two_appends_on_their_way_under_one_fence_are_what_a_replicated_stream_refuses(nc: Client) -> None:
    """Why there are groups. Where this fails, the broker has learned it and they may go."""
    writer = await writer_of(nc, "a", replicated=False)
    await writer.epoch(0)
    await writer.send(*(writer.append(token, token - 1, fence=1) for token in range(2, 22)))
    await until(lambda: len(writer.stored) + len(writer.refused) == 21)
    assert "wrong last sequence" in writer.refused[3]


async def test_a_group_of_a_writer_with_an_older_epoch_is_refused_whole(nc: Client) -> None:
    old, new = await writer_of(nc, "old"), await writer_of(nc, "new")
    await old.epoch(0)
    await old.send(*(old.append(token, token - 1, fence=1) for token in (2, 3, 4)))
    await until(lambda: len(old.stored) == 4)
    await new.epoch(4)
    # The first of these alone is on its way, the others wait for it. One that expects the number it finds is stopped by its fence.
    await old.send(*(old.append(token, token, fence=1) for token in (5, 6, 7)))
    await until(lambda: len(old.refused) == 3)
    await new.send(*(new.append(token, token + 3, fence=5) for token in (2, 3, 4)))
    await until(lambda: len(new.stored) == 4)
    assert [record for _, _, record in await content(new)] == [
        *(f"old {token}".encode() for token in range(1, 5)),
        *(f"new {token}".encode() for token in range(1, 5)),
    ]


async def test_a_broker_that_is_killed_loses_nothing_and_doubles_nothing(nc: Client, cluster: Brokers) -> None:
    """Each in turn: the stream's leader is among them, and the one that the writer is connected to."""
    writer = await writer_of(nc, "a")
    await writer.epoch(0)
    last = 1
    for number in range(3):
        await writer.send(*(writer.append(token, token - 1, fence=1) for token in range(last + 1, last + 401)))
        cluster.stop(number, signal.SIGKILL)
        last += 400
        # No more than the group on its way is sent again. What waited for it has become too old, as prices do; a group that two leaders
        # of the stream had halves of is refused.
        await settle(writer, lambda: writer.store.unsettled == 0, within=30)
        stored = max(writer.stored)
        assert sorted(writer.stored) == list(range(1, stored + 1)), "in order, from the first on"
        assert sorted(writer.refused) == list(range(stored + 1, last + 1)), writer.refused
        writer.refused.clear()
        last = stored
        cluster.start(number)
        await until(lambda number=number: cluster.answer(number) == 200, within=30)  # type: ignore[misc]
    found = await content(writer)
    assert [record for _, _, record in found] == [f"a {token}".encode() for token in range(1, last + 1)]
    assert {token: token for token in range(1, last + 1)} == writer.stored
