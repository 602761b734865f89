"""The channel to one engine's data plane.

It connects as the broker's administrator, makes the streams, mirrors the `config` bucket and follows `status`, and begins anew whenever
the broker was away. It decides nothing: whoever reconciles asks it to tell something, and it says what it last heard.
"""

from __future__ import annotations

import asyncio
import json
import logging
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.errors import NotFoundError

from touchline.bus import subjects
from touchline.bus.config import Change, put_config, watch_config
from touchline.bus.connection import BrokerUnreachable, connect, hang_up
from touchline.bus.ending import end
from touchline.bus.provision import NO_LIMIT, provision, provision_audit, provision_provider
from touchline.bus.settings import Settings
from touchline.bus.watching import next_entry
from touchline_operator.bus.mirror import Document, Mirror
from touchline_operator.errors import Transient
from touchline_operator.world.observed import Health

log = logging.getLogger(__name__)

CONNECT_S = 5.0
RETRY_S = 1.0
HANG_UP_S = 0.5
"""What a cancelled connection has to hang up before it is cancelled again."""
STALE_US = 5_000_000
CAPTURES_AT_ONCE = 16
"""Each creation of a stream waits for a disk; side by side they wait together."""
STARTING_US = 10_000_000
"""So long after the channel was opened, what an earlier operator told is not taken back for want of a broker."""
FAULTS = (NatsError, NotFoundError, BrokerUnreachable, TimeoutError, OSError)


@dataclass(frozen=True)
class Broker:
    """Where an engine's broker is and what it must hold. `capture` are bytes and seconds by provider,
    `audit` those of the audit log.

    `authority` is the PEM text of who signed the servers' certificate, `credentials` of a NATS credentials file.
    """

    url: str
    user: str = ""
    password: str = ""
    authority: str = ""
    credentials: str = ""
    shards: int = 8
    replicas: int = 1
    capture: tuple[tuple[str, int, float], ...] = ()
    audit: tuple[int, float] = (NO_LIMIT, 2160 * 3600.0)

    @property
    def login(self) -> tuple[str, ...]:
        """What a new connection is needed for when it changes."""
        return (self.url, self.user, self.password, self.authority, self.credentials)


class Channel:
    """`news(key)` is called with the key of a document that the broker no longer has as it was told, and with "" when everything must
    be looked at again; `heard(key, before, after)` when a component's word changes (empty for none). `authorise` raises NotAuthorised
    where this process may not write. `clock` is monotonic, in microseconds."""

    def __init__(
        self,
        name: str,
        *,
        news: Callable[[str], None],
        heard: Callable[[str, Mapping[str, Any], Mapping[str, Any]], None],
        clock: Callable[[], int],
        authorise: Callable[[], object],
    ) -> None:
        self._name = name
        self._authorise = authorise
        self._news = news
        self._heard = heard
        self._clock = clock
        self._broker: Broker | None = None
        self._provisioned: Broker | None = None
        """The broker whose common streams are there, without its captures."""
        self._reconnects = 0
        """How often the connection had been made again when they were."""
        self._captures: dict[str, tuple[int, float]] = {}
        """Bytes and seconds of the captures that are there, by provider."""
        self._nc: Client | None = None
        self._mirror = Mirror()
        self._board: dict[str, tuple[int, Mapping[str, Any]]] = {}
        self._silent: set[str] = set()
        """Entries of the board that were told as gone: nobody renewed them."""
        self._listening = False
        """Every word that stood in the bucket was read; before that silence means nothing."""
        self._listened = False
        self._opened = clock()
        self._fault = "not connected yet"
        self._refused: dict[str, str] = {}
        self._task: asyncio.Task[None] | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="touchline-channel-")

    # What is asked of it

    async def configure(self, broker: Broker) -> None:
        """Use this broker from now on; the same again changes nothing."""
        before, self._broker = self._broker, broker
        if before is not None and before.login == broker.login:
            return
        await self._hang_up()
        self._task = asyncio.create_task(self._keep(), name=f"channel {self._name}")

    async def close(self) -> None:
        """Hang up for good."""
        await self._hang_up()
        self._folder.cleanup()

    def health(self) -> Health:
        """What the components say; what is older than five seconds is left out."""
        now = self._clock()
        documents = {key: said for key, (at, said) in self._board.items() if now - at <= STALE_US}
        listening = self._connected and self._listening
        starting = not self._listened and now - self._opened < STARTING_US
        return Health(listening, documents, self._fault, dict(self._refused), starting)

    def told(self, key: str, document: Document | None) -> bool | None:
        """Whether the bucket has this document; None while that is unknown."""
        return self._mirror.holds(key, document) if self._connected else None

    async def tell(self, key: str, document: Document | None) -> bool | None:
        """Write one document if the bucket has another; the same answer as `told`. Raises Transient."""
        self._alive()
        if not self._connected:
            return None
        if not self._mirror.holds(key, document):
            await self._put(key, document)
        return True

    async def agree(self, wanted: Mapping[str, Document | None]) -> None:
        """Make the bucket hold these documents and, traders' orders apart, no others. Raises Transient."""
        self._alive()
        if not self._connected or self._nc is None:
            return
        await self._provision(self._nc)
        for key, document in self._mirror.steps(wanted):
            await self._put(key, document)

    async def _put(self, key: str, document: Document | None) -> None:
        assert self._nc is not None
        self._authorise()
        try:
            await put_config(self._nc, key, dict(document) if document is not None else None)
        except FAULTS as error:
            raise Transient(f"the broker of {self._name} does not take {key}: {error!r}") from error
        self._mirror.saw(key, document)

    @property
    def _connected(self) -> bool:
        return self._mirror.whole and self._nc is not None and self._nc.is_connected

    def _alive(self) -> None:
        """A channel that died of a bug takes whoever uses it along."""
        if self._task is not None and self._task.done() and not self._task.cancelled():
            self._task.result()

    # The connection

    async def _hang_up(self) -> None:
        if self._task is not None:
            await end([self._task], again_s=HANG_UP_S)
            self._task = None
        self._mirror, self._board, self._provisioned, self._captures = Mirror(), {}, None, {}
        self._silent, self._listening = set(), False

    async def _keep(self) -> None:
        """Connected for as long as it is wanted; a broker that cannot be used is tried again each second."""
        while True:
            try:
                await self._serve()
            except (*FAULTS, Transient) as error:
                self._fault = f"{error}" or repr(error)
                log.debug("channel %s: %s", self._name, self._fault)
            self._mirror.lost()
            self._news("")
            await asyncio.sleep(RETRY_S)

    async def _serve(self) -> None:
        assert self._broker is not None
        nc = await connect(self._settings(self._broker), name=f"operator {self._name}", first_connect_s=CONNECT_S)
        try:
            self._provisioned = None
            await self._provision(nc)
            self._nc = nc
            self._fault = ""
            works = [asyncio.create_task(self._follow_config(nc)), asyncio.create_task(self._follow_status(nc))]
            try:
                done, _ = await asyncio.wait(works, return_when=asyncio.FIRST_COMPLETED)
                for work in done:
                    work.result()
            finally:
                await end(works)
        finally:
            self._nc = None
            await hang_up(nc)

    def _settings(self, broker: Broker) -> Settings:
        settings = Settings(nats_url=broker.url, nats_user=broker.user, nats_password=broker.password, node="operator")
        folder = Path(self._folder.name)
        if broker.authority:
            (folder / "ca.crt").write_text(broker.authority, encoding="utf-8")
            settings = replace(settings, nats_ca=str(folder / "ca.crt"))
        if broker.credentials:
            file = folder / "admin.creds"
            file.touch(mode=0o600)
            file.write_text(broker.credentials, encoding="utf-8")
            settings = replace(settings, nats_credentials=str(file))
        return settings

    async def _provision(self, nc: Client) -> None:
        """Streams and buckets as the engine needs them; each is asked for again only when it changes, or was refused."""
        broker = self._broker
        assert broker is not None
        common = replace(broker, capture=())
        if common != self._provisioned or nc.stats["reconnects"] != self._reconnects:
            # A broker that was away may have come back without what it kept in memory.
            self._authorise()
            reconnects = nc.stats["reconnects"]
            try:
                await provision(nc, shards=broker.shards, replicas=broker.replicas)
            except FAULTS as error:
                raise Transient(f"the broker of {self._name} refuses a stream: {error}") from error
            await self._provision_audit(nc, broker)
            self._provisioned, self._captures, self._reconnects = common, {}, reconnects
        wanted = {provider: (octets, seconds) for provider, octets, seconds in broker.capture}
        self._captures = {name: known for name, known in self._captures.items() if wanted.get(name) == known}
        missing = [name for name in wanted if name not in self._captures]
        self._refused = {name: why for name, why in self._refused.items() if name in missing}
        if missing:
            self._authorise()
            side_by_side = asyncio.Semaphore(CAPTURES_AT_ONCE)
            await asyncio.gather(
                *(self._capture(nc, name, *wanted[name], broker.replicas, side_by_side) for name in missing)
            )

    async def _provision_audit(self, nc: Client, broker: Broker) -> None:
        octets, seconds = broker.audit
        try:
            await provision_audit(nc, replicas=broker.replicas, most_bytes=octets, kept_s=seconds)
        except FAULTS as error:
            # Prices and bets are as right without a log; the recorder says that it has none.
            log.warning("channel %s: the broker refuses the audit log's stream: %s", self._name, error)

    async def _capture(
        self, nc: Client, provider: str, octets: int, seconds: float, replicas: int, turn: asyncio.Semaphore
    ) -> None:
        async with turn:
            try:
                await provision_provider(nc, provider, replicas=replicas, capture_bytes=octets, capture_age_s=seconds)
            except FAULTS as error:
                # A capture that is too large must keep neither the others nor any spec back.
                self._refused[provider] = f"{error}" or repr(error)
            else:
                self._refused.pop(provider, None)
                self._captures[provider] = (octets, seconds)

    async def _follow_config(self, nc: Client) -> None:
        async for change in watch_config(nc):
            if isinstance(change, Change):
                known = self._mirror.holds(change.key, change.value)
                self._mirror.saw(change.key, change.value)
                if self._mirror.whole and not known:
                    self._news(change.key)
            else:
                if nc.stats["reconnects"] != self._reconnects:
                    await self._provision(nc)  # whatever becomes of the engine's next turn
                self._mirror.complete(change.keys)
                self._news("")

    async def _follow_status(self, nc: Client) -> None:
        while True:
            self._listening = False
            try:
                bucket = await nc.jetstream(timeout=2).key_value(subjects.STATUS_BUCKET)
                watcher = await bucket.watchall()
                reconnects = nc.stats["reconnects"]
                while nc.stats["reconnects"] == reconnects:
                    self._tell_silence()
                    try:
                        entry = await next_entry(watcher, within=0.5)
                    except (TimeoutError, NatsError):
                        continue
                    if entry is not None:
                        self._take(entry)
                    elif not self._listening:
                        self._listening = self._listened = True
                        self._news("")
            except FAULTS as error:
                log.debug("channel %s: the status bucket cannot be followed: %r", self._name, error)
            await asyncio.sleep(RETRY_S)

    def _tell_silence(self) -> None:
        """Nobody tells us that a component has fallen silent."""
        now = self._clock()
        for key, (at, said) in self._board.items():
            if now - at > STALE_US and key not in self._silent:
                self._silent.add(key)
                self._heard(key, said, {})

    def _take(self, entry: Any) -> None:
        before = {} if entry.key in self._silent else self._board.get(entry.key, (0, {}))[1]
        self._silent.discard(entry.key)
        if entry.operation in {"DEL", "PURGE"} or not entry.value:
            self._board.pop(entry.key, None)
            self._heard(entry.key, before, {})
            return
        try:
            said = json.loads(entry.value)
        except ValueError:
            said = None
        if not isinstance(said, dict):
            log.warning("channel %s: the status %s is no JSON object", self._name, entry.key)
            return
        # What was written before we listened may be old: only the broker knows when.
        age = max(0, self._age_us(entry))
        self._board[entry.key] = (self._clock() - age, said)
        self._heard(entry.key, before, said)

    def _age_us(self, entry: Any) -> int:
        """How long ago the broker stored an entry that was there before the watch began; 0 for one that has just come."""
        if entry.delta == 0 and entry.key in self._board:
            return 0
        created: float = entry.created.timestamp()
        return int((time.time() - created) * 1e6)
