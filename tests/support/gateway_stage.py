"""A gateway process on real NATS and Valkey, with every shard's leader played by the test over the broker."""

import asyncio
import contextlib
import os
import signal
import ssl
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import websockets
from nats.aio.client import Client
from nats.aio.msg import Msg
from redis import asyncio as redis
from websockets.asyncio.client import ClientConnection
from websockets.typing import Subprotocol

from support.scripted_leader import ScriptedLeader
from support.socket_queue import unread
from support.stream_reader import StreamReader
from support.waiting import until
from touchline.bus import subjects
from touchline.bus.config import put_config
from touchline.bus.connection import connect
from touchline.bus.messages import BetLookup, BetReply, BetRequest, decode_bet, decode_bet_lookup, encode
from touchline.bus.provision import provision
from touchline.bus.settings import Settings
from touchline.bus.wire import pack_snapshot
from touchline.domain.keys import shard_of
from touchline.local.servers import NatsServer, ValkeyServer, free_port

SHARDS = 2
BEAT_S = 0.1
ANONYMOUS: dict[str, Any] = {"auth": {"anonymous": {}}}

Json = dict[str, Any]


def engine_resource(gateway: Json | None = None, *, shards: int = SHARDS) -> Json:
    """An OddsEngine as it stands in the config bucket."""
    spec = {"currency": "EUR", "shards": shards, "gateway": {**ANONYMOUS, "drainSpread": "500ms", **(gateway or {})}}
    if gateway and "auth" in gateway:
        spec["gateway"]["auth"] = gateway["auth"]  # type: ignore[index]
    return {
        "apiVersion": "touchline.dev/v1alpha1",
        "kind": "OddsEngine",
        "metadata": {"name": "main"},
        "spec": spec,
    }


class Stage:
    """See the module. Set `beating` false to let the leaders fall silent; `answering` false to leave requests unanswered."""

    def __init__(self, nats_server: NatsServer, valkey: ValkeyServer | None, secrets: Path) -> None:
        self.nats_server = nats_server
        self.valkey = valkey
        self.secrets = secrets
        self.port = free_port()
        self.leaders = [ScriptedLeader(shard) for shard in range(SHARDS)]
        self.beating = True
        self.answering = True
        self.snapshots = 0
        self.bets: list[BetRequest] = []
        self.lookups: list[BetLookup] = []
        self.decisions: dict[str, Json] = {}
        """What the leader answers, by key; a key without an entry is not answered."""
        self.bet_status = 201
        self.nc: Client
        self.process: asyncio.subprocess.Process | None = None
        self.log = secrets / "gateway.log"
        self.options: tuple[str, ...] = ()
        """More words of the gateway's command line."""
        self.trust: ssl.SSLContext | None = None
        """How clients judge the gateway's certificate; None: it is plain."""
        self.gateway_user: tuple[str, str] = ("", "")
        """User and password of the gateway at the broker."""
        self.leader_user: tuple[str, str] = ("", "")
        """User and password of the leaders that the test plays."""
        self.admin_user: tuple[str, str] = ("", "")
        self.admin: Client
        """Provisions and declares; the leaders' own connection is `nc`."""
        self._beats: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        return f"{'https' if self.trust else 'http'}://127.0.0.1:{self.port}"

    def _settings(self, user: tuple[str, str]) -> Settings:
        return Settings(nats_url=self.nats_server.url, nats_user=user[0], nats_password=user[1])

    # -- the leaders -------------------------------------------------------------------------------------------------

    async def open(self, gateway: Json | None = None) -> None:
        """Connect to the broker, provision, declare the engine, and play the leaders."""
        self.admin = await connect(self._settings(self.admin_user), name="admin")
        await provision(self.admin, shards=SHARDS)
        await put_config(self.admin, "OddsEngine.main", engine_resource(gateway))
        self.nc = await connect(self._settings(self.leader_user), name="stage")
        await self.nc.subscribe("control.snapshot.*", cb=self._on_snapshot)
        await self.nc.subscribe("control.market.*", cb=self._on_market)
        await self.nc.subscribe("bet.*", cb=self._on_bet)
        await self.nc.subscribe("betlookup.*", cb=self._on_lookup)
        self._beats = asyncio.create_task(self._beat())

    async def declare(self, gateway: Json) -> None:
        """Change `spec.gateway`."""
        await put_config(self.admin, "OddsEngine.main", engine_resource(gateway))

    async def close(self) -> None:
        await self.stop_gateway()
        if self._beats is not None:
            self._beats.cancel()
            await asyncio.gather(self._beats, return_exceptions=True)
        await self.nc.close()
        await self.admin.close()

    def leader(self, market: str) -> ScriptedLeader:
        return self.leaders[shard_of(market.partition(":")[0], SHARDS)]

    async def publish(self, *frames: tuple[str, bytes]) -> None:
        for subject, payload in frames:
            await self.nc.publish(subject, payload)
        await self.nc.flush()

    async def publish_at_once(self, *frames: tuple[str, bytes]) -> None:
        """Publish so that the gateway finds all of them waiting when it looks: they are one turn's."""
        assert self.process is not None
        pid = self.process.pid
        self.process.send_signal(signal.SIGSTOP)
        try:
            await self.publish(*frames)
            size = sum(len(payload) for _, payload in frames)
            await until(lambda: unread(pid, self.nats_server.port) >= size)
        finally:
            self.process.send_signal(signal.SIGCONT)

    async def _beat(self) -> None:
        while True:
            if self.beating:
                for leader in self.leaders:
                    with contextlib.suppress(Exception):  # the broker may be away: that is what some tests are about
                        await self.nc.publish(subjects.shard_beat(leader.shard), encode(leader.beat()))
            await asyncio.sleep(BEAT_S)

    async def _on_snapshot(self, message: Msg) -> None:
        if not self.answering:
            return
        self.snapshots += 1
        frames, end = self.leaders[int(message.subject.rpartition(".")[2])].snapshot()
        for chunk in pack_snapshot(frames, end, limit=1_000):
            await self.nc.publish(message.reply, chunk)

    async def _on_market(self, message: Msg) -> None:
        if self.answering:
            asked = msgspec.json.decode(message.data)
            await message.respond(msgspec.json.encode({"market": asked["market"], "providers": ["betfair-a"]}))

    async def _on_bet(self, message: Msg) -> None:
        request = decode_bet(message.data)
        self.bets.append(request)
        decision = self.decisions.get(request.key)
        if self.answering and decision is not None:
            await message.respond(encode(BetReply(self.bet_status, msgspec.Raw(msgspec.json.encode(decision)))))

    async def _on_lookup(self, message: Msg) -> None:
        lookup = decode_bet_lookup(message.data)
        self.lookups.append(lookup)
        decision = self.decisions.get(lookup.key)
        here = message.subject.endswith(".1")  # the shard that decided it in these tests
        status, body = (200, decision) if here and decision else (404, {"key": lookup.key, "detail": "no decision"})
        if self.answering:
            await message.respond(encode(BetReply(status, msgspec.Raw(msgspec.json.encode(body)))))

    async def fill_cache(self, leaders: Iterable[ScriptedLeader]) -> None:
        """Write the leaders' states to Valkey as they do."""
        assert self.valkey is not None
        client = redis.Redis.from_url(self.valkey.url)
        for leader in leaders:
            for subject, payload in leader.snapshot()[0]:
                market = payload.split(b"\n", 1)[0].rsplit(b" ", 1)[1]
                await client.hset(f"tl:lvc:{leader.shard}", market, subject.encode() + b"\n" + payload)
        await client.aclose()

    # -- the gateway -------------------------------------------------------------------------------------------------

    async def start_gateway(self, *, ready: bool = True) -> None:
        """Start the process; with `ready`, wait until it says that it is."""
        env = {key: value for key, value in os.environ.items() if not key.startswith("TOUCHLINE_")}
        env |= {
            "TOUCHLINE_NATS_URL": self.nats_server.url,
            "TOUCHLINE_NATS_USER": self.gateway_user[0],
            "TOUCHLINE_NATS_PASSWORD": self.gateway_user[1],
            "TOUCHLINE_REDIS_URL": self.valkey.url if self.valkey else "",
            "TOUCHLINE_SECRETS_DIR": str(self.secrets),
            "PYTHONWARNINGS": "error::ResourceWarning",
        }
        argv = [sys.executable, "-m", "touchline.gateway", "--node", "gateway-1", "--port", str(self.port)]
        argv += self.options
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(*argv, env=env, stdout=log, stderr=log)
        if ready:
            await self.until_ready()

    async def until_ready(self, within: float = 60.0) -> None:
        async with self.http() as http, asyncio.timeout(within):
            while True:
                assert self.process is not None
                assert self.process.returncode is None, self.log.read_text()
                with contextlib.suppress(httpx.TransportError):
                    if (await http.get("/readyz")).status_code == 200:
                        return
                await asyncio.sleep(0.02)

    async def stop_gateway(self, number: int = signal.SIGTERM) -> int | None:
        """Signal and reap; the exit code."""
        process, self.process = self.process, None
        if process is None:
            return None
        if process.returncode is None:
            process.send_signal(number)
        async with asyncio.timeout(15):
            return await process.wait()

    @asynccontextmanager
    async def http(self, **headers: str) -> AsyncIterator[httpx.AsyncClient]:
        judge = self.trust or False
        async with httpx.AsyncClient(
            base_url=self.url, trust_env=False, headers=headers, timeout=10, verify=judge
        ) as client:
            yield client

    @asynccontextmanager
    async def socket(self, **options: Any) -> AsyncIterator["Socket"]:
        options = {"subprotocols": [Subprotocol("touchline.v1")], "max_size": 1 << 26, **options}
        if self.trust is not None:
            options["ssl"] = self.trust
        url = f"{self.url.replace('http', 'ws', 1)}/v1/ws"
        async with websockets.connect(url, **options) as connection:
            socket = Socket(connection)
            try:
                yield socket
            finally:
                await socket.stop()


class Socket:
    """A client of the stream (the `websockets` library) that checks all it reads. `trouble` is what went wrong."""

    def __init__(self, connection: ClientConnection, reader: StreamReader | None = None) -> None:
        self.connection = connection
        self.reader = reader or StreamReader()
        self.frames = 0
        self.trouble: BaseException | None = None
        self._commands = 0
        self._task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        try:
            async for message in self.connection:
                self.frames += 1
                self.reader.message(message)
        except BaseException as error:
            self.trouble = error
            raise

    async def stop(self) -> None:
        self._task.cancel()
        results = await asyncio.gather(self._task, return_exceptions=True)
        for result in results:
            if isinstance(result, AssertionError):
                raise result

    async def send(self, **command: Any) -> int:
        self._commands += 1
        await self.connection.send(msgspec.json.encode({"id": self._commands, **command}).decode())
        return self._commands

    async def subscribe(self, *topics: str, resume: dict[str, str] | None = None) -> int:
        """Subscribe and wait for `synced`; how many markets match."""
        more = {} if resume is None else {"resume": resume}
        number = await self.send(op="subscribe", topics=list(topics), **more)
        await self.until(lambda: number in self.reader.synced)
        return next(int(ok["markets"]) for ok in self.reader.oks if ok["id"] == number)

    async def until(self, condition: Any, within: float = 20.0) -> None:
        def checked() -> bool:
            if isinstance(self.trouble, AssertionError):
                raise self.trouble
            return bool(condition())

        await until(checked, within=within)

    async def shows(self, market: str, **expected: Any) -> None:
        """Wait until a market shows what is expected, field by field."""
        await self.until(
            lambda: all(self.reader.markets.get(market, {}).get(field) == value for field, value in expected.items())
        )

    async def closed(self, within: float = 20.0) -> tuple[int, str]:
        """Wait until the server has closed; code and reason."""
        async with asyncio.timeout(within):
            await self.connection.wait_closed()
        return self.connection.close_code or 0, self.connection.close_reason or ""
