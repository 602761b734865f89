"""One provider's ingest process: the real state, health and publisher (`touchline.ingest.feed`) behind a session of this simulation's own.

A gap in the provider's messages, a break, or its word that nothing can be trusted are told to them as a real session's outputs are.
What lies between, identity and translation, is not simulated: the provider speaks of markets by their internal ids.
"""

from touchline.bus import subjects
from touchline.bus.messages import MarketUpdate, Selection, decode_probe, decode_resync_request
from touchline.domain.status import ProviderState, ProviderStatus
from touchline.ingest.feed_state import FeedState
from touchline.ingest.health import Health, Thresholds
from touchline.ingest.publisher import Outgoing, Publisher
from touchline.simulation.broker import Broker, Connection, Reply
from touchline.simulation.fixtures import MAX_DELAY_US, MAX_SILENCE_US, Fixture
from touchline.simulation.node import Node
from touchline.simulation.provider import Change, Message, Provider
from touchline.simulation.scheduler import MILLISECOND, SECOND, Scheduler
from touchline.simulation.trace import Trace
from touchline.simulation.truth import Truth

BEAT_US = 100 * MILLISECOND
RESYNC_PAUSE_US = 100 * MILLISECOND
THRESHOLDS = Thresholds(MAX_SILENCE_US, MAX_DELAY_US, 10_000, 3, 60 * SECOND, 990_000, synchronised=False)


class IngestNode(Node):
    """See the module."""

    publisher_class = Publisher
    connection: Connection

    def __init__(
        self,
        provider: Provider,
        markets: list[Fixture],
        shards: int,
        *,
        broker: Broker,
        scheduler: Scheduler,
        trace: Trace,
        truth: Truth,
    ) -> None:
        super().__init__(f"ingest-{provider.name}", scheduler, trace)
        self.provider = provider
        self.shards = shards
        self.broker = broker
        self.truth = truth
        self.fixtures = {fixture.market: fixture for fixture in markets}

    def boot(self) -> None:
        self.publisher = self.publisher_class(
            self.provider.name, f"{self.provider.name}-{self.incarnation}", self.shards
        )
        self.state = FeedState()
        self.health = Health(self.clock(), THRESHOLDS)
        self.offers: dict[str, tuple[ProviderStatus, dict[str, int]]] = {}
        self.resynced = [-RESYNC_PAUSE_US] * self.shards
        self.last_seq = 0
        self.generation = 0
        self.connection = self.broker.connect(self)
        self.broker.subscribe(self.connection, subjects.all_probes(), self.probe)
        self.broker.subscribe(self.connection, subjects.resync(self.provider.name), self.resync_asked)
        self.timer(self.scheduler.between(1, 100) * MILLISECOND, self.beat)
        self.timer(self.scheduler.between(5, 60) * MILLISECOND, self.dial)

    def died(self) -> None:
        self.broker.close(self.connection)
        if self.provider.listener is self:
            self.provider.listener = None

    # -- towards the provider ------------------------------------------------------------------------------------------

    def dial(self) -> None:
        self.generation = self.provider.connect(self)
        self.last_seq = 0
        self.state.session(self.clock(), ProviderState.RECOVERING, "waiting for the image")

    def handle_message(self, generation: int, message: Message) -> None:
        self.handle(self.received, generation, message)

    def handle_broken(self, generation: int) -> None:
        self.handle(self.broken, generation)

    def broken(self, generation: int) -> None:
        if generation == self.generation:
            self.state.session(self.clock(), ProviderState.DISCONNECTED, "the provider hung up")
            self.timer(self.scheduler.between(20, 400) * MILLISECOND, self.dial)

    def received(self, generation: int, message: Message) -> None:
        if generation != self.generation:
            return
        now, wall = self.clock(), self.wall()
        self.health.frame(now)
        if message.changes:
            self.health.message(now, wall, message.publish_us, len(message.changes))
            self.take(message)
        self.health.alive(now, wall, message.publish_us, heartbeat=not message.changes)
        if self.last_seq and message.seq != self.last_seq + 1 and not message.image:
            detail = f"message {message.seq} came after {self.last_seq}"
            self.health.gap(now, message.seq - self.last_seq - 1)
            self.state.session(now, ProviderState.RECOVERING, detail)
            self.state.gap(detail)
            self.scheduler.after(5 * MILLISECOND, self.provider.image)
        elif not message.reliable:
            self.state.session(now, ProviderState.UNRELIABLE, "the provider says 503")
        elif message.image:
            self.state.session(now, ProviderState.CONNECTED, "")
        self.last_seq = message.seq
        self.finish_recovery(now)

    def finish_recovery(self, now: int) -> None:
        if self.state.finish(now, 0):
            self.send(self.publisher.resync_all())

    def take(self, message: Message) -> None:
        updates = [self._update(change, message.publish_us) for change in message.changes]
        for change in message.changes:
            status, prices = self.offers[change.market]
            is_open = status is ProviderStatus.OPEN
            self.truth.learn(self.provider.name, change.market, self.scheduler.now, is_open, prices)
        self.send(self.publisher.message(updates))

    def _update(self, change: Change, publish_us: int) -> MarketUpdate:
        """A change in internal words; what was said of the market is kept for the truth's record."""
        status, prices = self.offers.get(change.market, (ProviderStatus.SUSPENDED, {}))
        first = change.market not in self.offers
        if change.image:
            prices = {}
        prices = {**prices, **(change.prices or {})}
        self.offers[change.market] = (status if change.status is None else change.status, prices)
        return MarketUpdate(
            change.market,
            publish_us,
            self.wall(),
            -1 if change.status is None else int(change.status),
            [Selection(name, micro) for name, micro in (change.prices or {}).items()],
            image=change.image,
            in_play=-1 if change.in_play is None else int(change.in_play),
            delay_ms=-1 if change.delay_ms is None else change.delay_ms,
            meta=self.fixtures[change.market].meta if first or change.image else None,
            incidents=list(change.incidents),
            results=change.results or {},
            rollback=change.rollback,
        )

    # -- towards the book ----------------------------------------------------------------------------------------------

    def send(self, outgoing: list[Outgoing]) -> None:
        for subject, payload in outgoing:
            self.effect(self._publish, subject, payload)

    def _publish(self, subject: str, payload: bytes) -> None:
        if self.connection.up:
            self.broker.publish(self.connection, subject, payload)

    def probe(self, _subject: str, payload: bytes, _reply: Reply | None) -> None:
        self.publisher.probe(self.clock(), decode_probe(payload))

    def resync_asked(self, _subject: str, payload: bytes, _reply: Reply | None) -> None:
        request = decode_resync_request(payload)
        now = self.clock()
        if now - self.resynced[request.shard] < RESYNC_PAUSE_US:
            return
        self.resynced[request.shard] = now
        self.trace.note(self.name, "resync", f"shard {request.shard} for {request.node}")
        self.send(self.publisher.resync(request.shard))

    def beat(self) -> None:
        self.timer(BEAT_US, self.beat)
        now = self.clock()
        self.finish_recovery(now)
        beat = self.publisher.beat(
            now,
            state=self.state.state,
            detail=self.state.detail,
            last_src=self.health.last_src,
            silence_us=self.health.silence_us(now),
            delay_us=self.health.delay_p99_us(now),
        )
        self.send([beat])
