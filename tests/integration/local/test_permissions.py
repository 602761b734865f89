"""The broker's users on a real server: each does its work, and is refused everything else."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest
from nats.aio.client import Client
from nats.js.errors import APIError, NoStreamResponseError

from touchline.bus import subjects
from touchline.bus.config import Ready, put_config, watch_config
from touchline.bus.connection import connect
from touchline.bus.lease import INGEST, LeaseBucket
from touchline.bus.provision import provision
from touchline.bus.settings import Settings
from touchline.bus.status import StatusWriter, read_status
from touchline.local import credentials
from touchline.local.servers import NatsServer

pytestmark = pytest.mark.servers

PROVIDERS = ("betfair", "other")
Login = Callable[[str], Awaitable[Client]]


@pytest.fixture
def server() -> Iterator[NatsServer]:
    users = credentials.users(shards=2, providers=PROVIDERS, password=lambda name: f"{name}!")
    with NatsServer(users=[user.entry() for user in users]) as server:
        yield server


@pytest.fixture
async def login(server: NatsServer) -> AsyncIterator[Login]:
    clients: list[Client] = []

    async def connected(user: str) -> Client:
        settings = Settings(nats_url=server.url, nats_user=user, nats_password=f"{user}!")
        clients.append(await connect(settings, name=user))
        return clients[-1]

    admin = await connected("admin")
    await provision(admin, shards=2, providers=PROVIDERS)
    await put_config(admin, "FeedProvider.betfair", {"kind": "FeedProvider"})
    yield connected
    for client in clients:
        await client.close()


async def first_content(nc: Client) -> dict[str, object]:
    found: dict[str, object] = {}
    async for change in watch_config(nc):
        if isinstance(change, Ready):
            return found
        found[change.key] = change.value
    raise AssertionError("the watch ended")


@pytest.mark.parametrize("user", ["book", "gateway", "cli", "ingest-betfair"])
async def test_everybody_reads_the_configuration_and_nobody_but_the_admin_writes_it(login: Login, user: str) -> None:
    nc = await login(user)
    assert await first_content(nc) == {"FeedProvider.betfair": {"kind": "FeedProvider"}}
    with pytest.raises((TimeoutError, NoStreamResponseError)):
        await asyncio.wait_for(put_config(nc, "FeedProvider.betfair", {"kind": "mine"}), 0.5)
    assert await first_content(await login("admin")) == {"FeedProvider.betfair": {"kind": "FeedProvider"}}


@pytest.mark.parametrize(
    ("user", "key"),
    [
        ("book", "book.b-1"),
        ("gateway", "gateway.g-1"),
        ("ingest-betfair", "ingest.betfair"),
        ("ingest-betfair", "standby.betfair"),
    ],
)
async def test_each_role_writes_its_own_status_only(login: Login, user: str, key: str) -> None:
    nc = await login(user)
    assert await StatusWriter(nc, key).put({"state": "fine"})
    assert not await StatusWriter(nc, "ingest.other").put({"state": "forged"})
    assert await read_status(await login("cli")) == {key: {"state": "fine"}}


async def test_an_ingest_captures_its_own_frames_and_nobody_elses(login: Login) -> None:
    nc = await login("ingest-betfair")
    js = nc.jetstream(timeout=1)
    assert (await js.publish(subjects.raw("betfair"), b"{}")).stream == "RAW_betfair"
    assert (await js.publish(subjects.quarantine("betfair", "BadOdds"), b"{}")).stream == "QUARANTINE"
    with pytest.raises(TimeoutError):
        await js.publish(subjects.raw("other"), b"{}", timeout=0.3)


async def test_an_ingest_takes_its_own_lease_and_nobody_elses(login: Login) -> None:
    nc = await login("ingest-betfair")
    leases = LeaseBucket(nc, INGEST)
    assert await leases.read("betfair") == (0, None)
    assert await leases.write("betfair", b"mine", 0)
    assert await leases.write("other", b"stolen", 0) is None
    assert await LeaseBucket(nc).write(0, b"stolen", 0) is None
    assert await leases.read("other") == await LeaseBucket(nc).read(0) == (0, None)
    book = await login("book")
    assert await LeaseBucket(book).write(0, b"mine", 0)
    assert await LeaseBucket(book, INGEST).write("other", b"stolen", 0) is None


async def test_an_ingest_maps_events_by_compare_and_set(login: Login) -> None:
    bucket = await (await login("ingest-betfair")).jetstream(timeout=1).key_value(subjects.EVENTS_BUCKET)
    revision = await bucket.create("betfair.1", b"e1")
    assert await bucket.update("betfair.1", b"e2", revision) > revision
    with pytest.raises(APIError):
        await bucket.update("betfair.1", b"e3", revision)


async def test_prices_of_the_book_reach_gateways_and_a_gateways_own_reach_nobody(login: Login) -> None:
    book, gateway, other = await login("book"), await login("gateway"), await login("gateway")
    heard = await other.subscribe(subjects.all_book())
    await other.flush()
    subject = subjects.book(0, "Football", "epl", "e1", "MatchWinner")
    await gateway.publish(subject, b"forged")
    await gateway.flush()
    await book.publish(subject, b"true")
    assert (await heard.next_msg(timeout=2)).data == b"true"


async def test_a_bet_is_asked_by_the_gateway_answered_by_the_book_and_overheard_by_nobody(login: Login) -> None:
    book, gateway, ingest = await login("book"), await login("gateway"), await login("ingest-betfair")
    asked = await book.subscribe(subjects.bet(0))
    await book.flush()
    spied = await ingest.subscribe(">")
    reply = asyncio.create_task(gateway.request(subjects.bet(0), b"bet", timeout=2))
    message = await asked.next_msg(timeout=2)
    await message.respond(b"accepted")
    assert (await reply).data == b"accepted"
    assert spied.pending_msgs == 0


async def test_the_book_appends_decisions_reads_them_back_and_cannot_delete_them(login: Login) -> None:
    nc = await login("book")
    js = nc.jetstream(timeout=1)
    ack = await js.publish(subjects.bets("accepted", 0), b"bet", headers={"Nats-Expected-Last-Sequence": "0"})
    assert (await js.get_msg(subjects.bets_stream(0), ack.seq)).data == b"bet"
    followed = await js.subscribe(subjects.bets("*", 0), stream=subjects.bets_stream(0), ordered_consumer=True)
    assert (await followed.next_msg(timeout=2)).data == b"bet"
    with pytest.raises(TimeoutError):
        await nc.jetstream(timeout=0.3).purge_stream(subjects.bets_stream(0))


async def test_the_book_holds_leases_by_compare_and_set(login: Login) -> None:
    bucket = await (await login("book")).jetstream(timeout=1).key_value(subjects.LEASE_BUCKET)
    revision = await bucket.create("shard.0", b"{}")
    assert (await bucket.get("shard.0")).revision == revision


async def test_a_trader_halts_and_resumes(login: Login) -> None:
    nc = await login("cli")
    key = subjects.halt_key("market", "e1:MatchWinner")
    await put_config(nc, key, {"scope": "market"})
    assert key in await first_content(await login("gateway"))
    await put_config(nc, key, None)
    assert key not in {name: value for name, value in (await first_content(nc)).items() if value is not None}


async def test_a_wrong_password_is_told(server: NatsServer) -> None:
    from touchline.bus.connection import BrokerUnreachable

    with pytest.raises(BrokerUnreachable, match="accepted user 'book'"):
        await connect(
            Settings(nats_url=server.url, nats_user="book", nats_password="wrong"), name="x", first_connect_s=1
        )
