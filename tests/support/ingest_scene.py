"""An ingest service on a real broker, in this process, with a reader that follows what it publishes as a book node does."""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from nats.aio.client import Client
from nats.aio.msg import Msg

from support.servers import SHARDS
from touchline.bus import subjects
from touchline.bus.config import put_config
from touchline.bus.connection import connect
from touchline.bus.messages import Beat, OddsBatch, Resync, ResyncRequest, decode_beat, decode_odds, encode
from touchline.bus.raw import RawFrame, unpack
from touchline.bus.settings import Settings
from touchline.ingest.clock import Clock, system_clock
from touchline.ingest.service import Service
from touchline.local.servers import NatsServer

API = "touchline.dev/v1alpha1"
ACCEPT_ALL: dict[str, Any] = {"sport": "*", "unmatched": "Accept"}


def resource(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": API, "kind": kind, "metadata": {"name": name}, "spec": spec}


async def declare(nc: Client, kind: str, name: str, spec: dict[str, Any] | None) -> None:
    """Apply one resource, or delete it with `None`."""
    await put_config(nc, subjects.config_key(kind, name), None if spec is None else resource(kind, name, spec))


async def declare_engine(nc: Client) -> None:
    await declare(nc, "OddsEngine", "main", {"shards": SHARDS})


def betfair(port: int, **changes: Any) -> dict[str, Any]:
    """A FeedProvider of the simulator's port, without TLS."""
    return {
        "protocol": "BetfairStream",
        "betfairStream": {"endpoint": f"127.0.0.1:{port}", "heartbeat": "500ms", "tls": {"mode": "Disabled"}},
        "credentialsSecretRef": {"name": "betfair"},
        "entityMapRefs": [{"name": "all"}],
        "reconnect": {"initial": "50ms", "longest": "200ms"},
        "clock": "Synchronised",
    } | changes


async def declare_provider(nc: Client, port: int, *, provider: str = "betfair-a", **changes: Any) -> None:
    """An engine, a map that accepts every name, and a FeedProvider of the simulator's port."""
    await declare_engine(nc)
    await declare(nc, "EntityMap", "all", ACCEPT_ALL)
    await declare(nc, "FeedProvider", provider, betfair(port, **changes))


async def stored_messages(nc: Client, stream: str) -> list[tuple[str, dict[str, str], bytes]]:
    """Every message of a stream: subject, headers, payload."""
    js = nc.jetstream()
    state = (await js.stream_info(stream)).state
    found = []
    for seq in range(max(1, state.first_seq), state.last_seq + 1):  # 0 to 0 is a stream that never had a message
        message = await js.get_msg(stream, seq)
        found.append((message.subject or "", dict(message.headers or {}), message.data or b""))
    return found


async def raw_frames(nc: Client, provider: str) -> list[RawFrame]:
    """Every captured frame of a provider, in order."""
    messages = await stored_messages(nc, subjects.raw_stream(provider))
    return [frame for _, headers, payload in messages for frame in unpack(headers, payload)]


class Reader:
    """Follows one provider's odds and beats; `markets` holds micro odds by selection."""

    def __init__(self, provider: str) -> None:
        self.provider = provider
        self.inc = ""
        self.seqs = [0] * SHARDS
        self.markets: dict[str, dict[str, int]] = {}
        self.status: dict[str, int] = {}
        self.holes: list[str] = []
        self.sets: list[tuple[int, int]] = []
        self.beats: list[tuple[float, Beat]] = []
        self._named: list[set[str]] = [set() for _ in range(SHARDS)]

    async def start(self, nc: Client) -> None:
        # One subscription for odds and beats: two would be handed out by two tasks, and a beat could overtake.
        await nc.subscribe(f"odds.*.{self.provider}", cb=self._message)
        await nc.flush()

    async def _message(self, msg: Msg) -> None:
        if msg.subject == subjects.beat(self.provider):
            self._beat(decode_beat(msg.data))
        else:
            self.read(int(msg.subject.split(".")[1]), decode_odds(msg.data))

    def _beat(self, beat: Beat) -> None:
        self.beats.append((asyncio.get_running_loop().time(), beat))
        if beat.inc == self.inc and beat.seqs != self.seqs:
            self.holes.append(f"the beat says {beat.seqs}, received were {self.seqs}")

    def read(self, shard: int, batch: OddsBatch) -> None:
        if batch.inc != self.inc:
            self.inc, self.seqs = batch.inc, [0] * SHARDS
        if batch.seq != self.seqs[shard] + 1:
            self.holes.append(f"shard {shard}: {batch.seq} after {self.seqs[shard]}")
        self.seqs[shard] = batch.seq
        if batch.resync & Resync.FIRST:
            self._named[shard] = set()
        for update in batch.updates:
            self._named[shard].add(update.market)
            if update.image and update.meta is None and not update.sels:
                self.markets.pop(update.market, None)
                self.status.pop(update.market, None)
                continue
            sels = {} if update.image else self.markets.setdefault(update.market, {})
            self.markets[update.market] = sels | {sel.id: sel.micro for sel in update.sels}
            if update.status >= 0:
                self.status[update.market] = update.status
        if batch.resync & Resync.LAST:
            self.sets.append((shard, len(self._named[shard])))

    @property
    def state(self) -> str:
        return self.beats[-1][1].state if self.beats else ""

    @property
    def detail(self) -> str:
        return self.beats[-1][1].detail if self.beats else ""


class Scene:
    """One service under test."""

    def __init__(self, nc: Client, service: Service, reader: Reader, secrets: Path) -> None:
        self.nc = nc
        self.service = service
        self.reader = reader
        self.secrets = secrets

    def write_secret(self, name: str = "betfair", **keys: str) -> None:
        folder = self.secrets / name
        folder.mkdir(exist_ok=True)
        for key, value in keys.items():
            (folder / key).write_text(value)

    async def ask_resync(self, shard: int) -> None:
        request = ResyncRequest(shard, "test", "", 0)
        await self.nc.publish(subjects.resync(self.service.capture.provider), encode(request))

    async def stored(self, stream: str) -> list[tuple[str, dict[str, str], bytes]]:
        """Every message of a stream: subject, headers, payload."""
        return await stored_messages(self.nc, stream)

    async def raw_frames(self) -> list[RawFrame]:
        """Every captured frame of the provider, in order."""
        return await raw_frames(self.nc, self.service.capture.provider)

    async def first_quarantined(self, *, within: float = 10.0) -> dict[str, Any]:
        """The oldest record of the quarantine, once there is one."""
        async with asyncio.timeout(within):
            while not (found := await self.stored(subjects.QUARANTINE_STREAM)):  # noqa: ASYNC110 - a server's state
                await asyncio.sleep(0.02)
        record: dict[str, Any] = json.loads(found[0][2])
        return record


@asynccontextmanager
async def ingest(
    server: NatsServer, nc: Client, *, provider: str = "betfair-a", clock: Clock | None = None
) -> AsyncIterator[Scene]:
    """Run a service until the block ends; a bug in it fails the test. The Secret `betfair` is mounted."""
    with tempfile.TemporaryDirectory(prefix="touchline-secrets-") as folder:
        settings = Settings(nats_url=server.url, node="i1", secrets_dir=Path(folder))
        own = await connect(settings, name=f"ingest-{provider}")
        control = await connect(settings, name=f"ingest-{provider} lease")
        service = Service(own, control, settings, provider, clock or system_clock())
        reader = Reader(provider)
        await reader.start(nc)
        scene = Scene(nc, service, reader, Path(folder))
        scene.write_secret(appKey="key", sessionToken="token")
        stop = asyncio.Event()
        running = asyncio.create_task(service.run(stop))
        try:
            yield scene
        finally:
            stop.set()
            await asyncio.wait_for(running, 20)
            await own.close()
            await control.close()
