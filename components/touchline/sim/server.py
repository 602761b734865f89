"""The simulator's shell: sockets, clocks and one loop that turns every few milliseconds.

Each turn asks the source what is due, publishes it on every provider's exchange, hands each subscriber its messages through the
faults in force, and writes what has arrived. All of what is decided stands in the state machines beside this module.
"""

import asyncio
import contextlib
import logging
import ssl
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from touchline.sim.certificates import Certificates, keep_certificates, make_certificates, server_context
from touchline.sim.exchange import Exchange
from touchline.sim.faults import Fault, FaultBoard, FaultKind, Wire
from touchline.sim.fixtures import Fixtures
from touchline.sim.raw_book import Change
from touchline.sim.sources import FixtureSource, RecordingSource, Source
from touchline.sim.subscriber import Account, Subscriber
from touchline.sim.truth import Truth
from touchline.sim.views import View

log = logging.getLogger(__name__)

TURN_SECONDS = 0.02
REQUEST_BYTES = 64 * 1024
BEHIND_BYTES = 1024 * 1024
"""A subscriber with more unsent bytes is behind; a waiting source then pauses."""
HANG_UP_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class SimulatorOptions:
    """`serve`: port by provider name, 0 for any free one. Without a recording, fixtures are generated.

    `account` empty: any application key and session are taken. `speed` None: as fast as it goes.
    """

    serve: dict[str, int]
    host: str = "127.0.0.1"
    fixtures: int = 8
    seed: int = 1
    tempo: float = 20.0
    recording: Path | None = None
    speed: float | None = 1.0
    tls: bool = True
    named: bool = True
    account: Account = field(default_factory=Account)
    certificates: Path | None = None
    """Folder in which they are kept; None: new ones for this run."""


class Provider:
    """One provider: its exchange, its truth and its open connections."""

    def __init__(self, name: str, exchange: Exchange) -> None:
        self.name = name
        self.exchange = exchange
        self.truth = Truth()
        self.connections: dict[int, Connection] = {}
        self.accepted = 0


class Connection:
    """One open connection and its way out."""

    def __init__(self, subscriber: Subscriber, wire: Wire, writer: asyncio.StreamWriter) -> None:
        self.subscriber = subscriber
        self.wire = wire
        self.writer = writer
        self.closing = False

    @property
    def unsent(self) -> int:
        return self.writer.transport.get_write_buffer_size()

    def send(self, now: int, messages: list[Change]) -> None:
        if messages:
            self.wire.send(now, messages, segmentation=self.subscriber.segmentation)

    def flush(self, now: int) -> None:
        payload = self.wire.due(now)
        if payload and not self.writer.transport.is_closing():
            self.writer.write(payload)
        if self.wire.overflowed or self.unsent > HANG_UP_BYTES:
            log.warning("a subscriber does not read: connection dropped")
            self.writer.transport.abort()
        elif self.closing and not payload:
            self.writer.close()


class Simulator:
    """Start it with `async with`; `ports` and `certificates` are known then."""

    def __init__(self, options: SimulatorOptions) -> None:
        """
        Raises:
            TransportError: the recording cannot be read.
            ValueError: a figure is out of range.
        """
        self.options = options
        self.faults = FaultBoard()
        self.account = options.account
        self.ports: dict[str, int] = {}
        today = datetime.now(UTC)
        self.certificates: Certificates = (
            make_certificates(today) if options.certificates is None else keep_certificates(options.certificates, today)
        )
        now, wall = self.now(), self.wall()
        self.source: Source
        if options.recording is not None:
            self.source = RecordingSource(options.recording, speed=options.speed, providers=list(options.serve))
        else:
            views = {
                name: View(number, seed=options.seed, wall_offset=wall - now, named=options.named)
                for number, name in enumerate(options.serve)
            }
            season = Fixtures(count=options.fixtures, seed=options.seed, tempo=options.tempo, now=now)
            self.source = FixtureSource(season, views)
        self.providers = {
            name: Provider(name, Exchange(f"{name}-{wall}", filter_fields=options.recording is None))
            for name in options.serve
        }
        self._servers: list[asyncio.Server] = []
        self._loop: asyncio.Task[None] | None = None
        self._begun = False
        self._numbers = 0

    @staticmethod
    def now() -> int:
        """The simulator's clock, microseconds."""
        return time.monotonic_ns() // 1000

    @staticmethod
    def wall() -> int:
        return time.time_ns() // 1000

    @property
    def finished(self) -> bool:
        """Whether a recording has been published to its end."""
        return isinstance(self.source, RecordingSource) and self.source.finished

    async def __aenter__(self) -> Self:
        context = await asyncio.to_thread(server_context, self.certificates) if self.options.tls else None
        try:
            for provider in self.providers.values():
                await self._serve(provider, context)
        except OSError:
            await self._close()
            raise
        self._turn()
        self._loop = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close()

    def inject(
        self, kind: FaultKind, *, provider: str = "", for_us: int | None = None, by_us: int = 0, count: int = 1
    ) -> Fault:
        """Begin a fault now; `for_us` None: until cleared.

        Raises:
            KeyError: there is no such provider.
        """
        if provider and provider not in self.providers:
            raise KeyError(provider)
        now = self.now()
        fault = Fault(kind, provider, now + for_us if for_us is not None else 1 << 62, by_us, count)
        self.faults.add(fault)
        log.info("fault %s on %s", kind.value, provider or "all providers")
        if kind is FaultKind.STATUS_503:
            self._beat(now, fault)
        return fault

    def end_session(self, token: str) -> int:
        """From now on only `token` is a session: connections that were made with another end, as when one has expired.

        Returns how many connections that were.
        """
        self.account = self.account._replace(session_token=token)
        ended = [one for provider in self.providers.values() for one in provider.connections.values()]
        for connection in ended:
            connection.writer.transport.abort()
        log.info("the session has ended: %d connections closed", len(ended))
        return len(ended)

    def state(self) -> dict[str, Any]:
        """The truth, for tests and people."""
        return {
            "at_us": self.wall(),
            "providers": {
                name: {
                    "port": self.ports.get(name, 0),
                    "connections": len(provider.connections),
                    "accepted": provider.accepted,
                    "published": provider.exchange.number,
                    "markets": provider.truth.document(),
                }
                for name, provider in self.providers.items()
            },
        }

    async def _serve(self, provider: Provider, context: ssl.SSLContext | None) -> None:
        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._converse(provider, reader, writer)

        port = self.options.serve[provider.name]
        server = await asyncio.start_server(accept, self.options.host, port, ssl=context, limit=REQUEST_BYTES)
        self._servers.append(server)
        self.ports[provider.name] = server.sockets[0].getsockname()[1]

    async def _converse(self, provider: Provider, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        provider.accepted += 1
        self._numbers += 1
        number = self._numbers
        now = self.now()
        refused = self.faults.active(now, provider.name, FaultKind.DISCONNECT)
        if refused is not None:
            refused.hits += 1
            writer.transport.abort()
            return
        subscriber = Subscriber(provider.exchange, self.account, f"{number:03d}-simulated")
        connection = Connection(subscriber, Wire(self.faults, provider.name), writer)
        provider.connections[number] = connection
        try:
            connection.send(now, subscriber.greet())
            connection.flush(now)
            while line := await reader.readline():
                now = self.now()
                answer = subscriber.received(now, self.wall() // 1000, line)
                self._begun = self._begun or subscriber.subscribed
                connection.send(now, answer.messages)
                connection.closing = connection.closing or answer.close
                connection.flush(now)
        except (OSError, ssl.SSLError, ValueError) as error:
            log.info("%s: connection %d: %s", provider.name, number, error)
        finally:
            del provider.connections[number]
            writer.transport.abort()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(TURN_SECONDS)
            try:
                self._turn()
            except Exception:
                log.exception("the simulator stops")
                raise

    def _turn(self) -> None:
        now, wall = self.now(), self.wall()
        for fault in self.faults.expire(now):
            if fault.kind is FaultKind.STATUS_503:
                self._beat(now, fault)
        for provider in self.providers.values():
            self._hang_up(now, provider)
        if not self.source.waits or (self._begun and not self._behind()):
            self._publish(now, wall)
        for provider in self.providers.values():
            for connection in list(provider.connections.values()):
                connection.send(now, connection.subscriber.tick(now, wall // 1000))
                connection.flush(now)

    def _publish(self, now: int, wall: int) -> None:
        for due in self.source.advance(now):
            provider = self.providers[due.provider]
            if due.changes:
                published = provider.exchange.publish(due.changes, wall // 1000)
                provider.truth.note(provider.exchange, published, wall)
                for connection in provider.connections.values():
                    connection.send(now, connection.subscriber.publish(now, published))
            for name in due.gone:
                provider.exchange.remove(name)
                provider.truth.forget(name)

    def _hang_up(self, now: int, provider: Provider) -> None:
        fault = self.faults.active(now, provider.name, FaultKind.DISCONNECT)
        if fault is not None:
            for connection in list(provider.connections.values()):
                fault.hits += 1
                connection.writer.transport.abort()

    def _beat(self, now: int, fault: Fault) -> None:
        """A heartbeat at once, so that a change of the 503 status is seen without waiting for the next message."""
        for name, provider in self.providers.items():
            if fault.provider in {"", name}:
                for connection in provider.connections.values():
                    if connection.subscriber.subscribed:
                        connection.send(now, [connection.subscriber.heartbeat(now, self.wall() // 1000)])

    def _behind(self) -> bool:
        return any(
            connection.unsent > BEHIND_BYTES
            for provider in self.providers.values()
            for connection in provider.connections.values()
        )

    async def _close(self) -> None:
        if self._loop is not None:
            self._loop.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._loop
        for server in self._servers:
            server.close()
        for provider in self.providers.values():
            for connection in list(provider.connections.values()):
                connection.writer.transport.abort()
        for server in self._servers:
            await server.wait_closed()
