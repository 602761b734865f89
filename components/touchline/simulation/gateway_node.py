"""A gateway: the real hub with its loop turns, its way to the leaders, and its sockets."""

from typing import TYPE_CHECKING, Protocol

from touchline.bus import subjects
from touchline.bus.messages import (
    BetLookup,
    BetRequest,
    decode_bet_reply,
    decode_decided,
    decode_shard_beat,
    encode,
)
from touchline.bus.wire import BookFrame, SnapshotEnd, unpack, unpack_snapshot
from touchline.domain.keys import MarketKey, shard_of
from touchline.gateway.hub import Hub, HubRules
from touchline.gateway.identity import Identity
from touchline.gateway.outputs import AskSnapshot, Close, HubOutput, PlaceBet, Write
from touchline.gateway.problems import Problem
from touchline.simulation.broker import Broker, Connection, Reply
from touchline.simulation.fixtures import CURRENCY, GATEWAY_SILENCE_US
from touchline.simulation.node import Node
from touchline.simulation.scheduler import MILLISECOND, SECOND, Scheduler
from touchline.simulation.trace import Trace

if TYPE_CHECKING:
    from touchline.simulation.last_values import LastValues
    from touchline.simulation.monitor import Monitor

TICK_US = 100 * MILLISECOND
SNAPSHOT_US = SECOND
ATTEMPT_US = SECOND
DEADLINE_US = 3 * SECOND
PAUSE_US = 100 * MILLISECOND


class Socket(Protocol):
    """A client's connection as the gateway holds it."""

    def write(self, payload: bytes) -> None: ...
    def shut(self, code: int, reason: str) -> None: ...


class _Bet:
    """A bet on its way to a leader."""

    __slots__ = ("attempt", "place", "until")

    def __init__(self, place: PlaceBet, until: int) -> None:
        self.place = place
        self.until = until
        self.attempt = 0


class GatewayNode(Node):
    """See the module."""

    connection: Connection
    hub: Hub

    def __init__(
        self,
        name: str,
        *,
        shards: int,
        broker: Broker,
        last_values: "LastValues",
        monitor: "Monitor",
        scheduler: Scheduler,
        trace: Trace,
    ) -> None:
        super().__init__(name, scheduler, trace)
        self.shards = shards
        self.broker = broker
        self.last_values = last_values
        self.monitor = monitor
        self.sockets: dict[Socket, None] = {}
        self.backlog: dict[Socket, None] = {}
        """Connections that the kernel holds for this process, which has not taken them yet: it may stand still."""

    def boot(self) -> None:
        self.hub = Hub(shards=self.shards, rules=HubRules(currency=CURRENCY, silence_us=GATEWAY_SILENCE_US))
        self.sockets, self.backlog = {}, {}
        self.turning = False
        self.heard_at = [self.scheduler.now] * self.shards
        """By shard: the true time at which anything of its leader last arrived here; for the monitor only."""
        self.fetching: dict[int, tuple[int, list[tuple[str, BookFrame]]]] = {}
        self.fetches = 0
        connection = self.connection = self.broker.connect(self)
        self.carry_out(self.hub.tick(self.clock(), self.wall()))
        self.broker.subscribe(connection, subjects.all_book(), self.book, own_task=True)
        self.broker.subscribe(connection, subjects.all_shard_beats(), self.shard_beat, own_task=True)
        self.broker.subscribe(connection, subjects.all_decided(), self.decided, own_task=True)
        for shard in range(self.shards):
            frames = [
                (subject.decode(), unpack(payload))
                for subject, _, payload in (value.partition(b"\n") for value in self.last_values.read(shard))
            ]
            self.carry_out(self.hub.boot(self.clock(), frames))
        self.timer(self.scheduler.between(1, 100) * MILLISECOND, self.tick)

    def died(self) -> None:
        self.broker.close(self.connection)
        for socket in (*self.sockets, *self.backlog):
            socket.shut(1006, "the gateway died")
        self.sockets, self.backlog = {}, {}

    # -- the hub's turns -----------------------------------------------------------------------------------------------

    def tick(self) -> None:
        self.timer(TICK_US, self.tick)
        self.carry_out(self.hub.tick(self.clock(), self.wall()))
        if self.hub.busy:
            self.schedule()
        self.monitor.shown(self)

    def schedule(self) -> None:
        if not self.turning:
            self.turning = True
            self.timer(self.scheduler.between(0, 400), self.flush)

    def flush(self) -> None:
        self.turning = False
        self.carry_out(self.hub.flush(self.clock()))
        if self.hub.busy:
            self.schedule()

    def carry_out(self, outputs: list[HubOutput]) -> None:
        for output in outputs:
            if isinstance(output, Write):
                for client in output.clients:
                    client.write(output.payload)
            elif isinstance(output, Close):
                self.sockets.pop(output.client, None)
                output.client.shut(output.code, output.reason)
            elif isinstance(output, AskSnapshot):
                self.ask_snapshot(output.shard)
            elif isinstance(output, PlaceBet):
                self.ask_bet(_Bet(output, self.clock() + DEADLINE_US))

    # -- from the broker -----------------------------------------------------------------------------------------------

    def book(self, subject: str, payload: bytes, _reply: Reply | None) -> None:
        self.heard_at[int(subject.split(".", 2)[1])] = self.scheduler.now
        self.carry_out(self.hub.book(self.clock(), subject, unpack(payload)))
        self.schedule()

    def shard_beat(self, _subject: str, payload: bytes, _reply: Reply | None) -> None:
        beat = decode_shard_beat(payload)
        self.heard_at[beat.shard] = self.scheduler.now
        self.carry_out(self.hub.shard_beat(self.clock(), beat))
        self.schedule()

    def decided(self, _subject: str, payload: bytes, _reply: Reply | None) -> None:
        self.carry_out(self.hub.decided(self.clock(), decode_decided(payload)))

    def ask_snapshot(self, shard: int) -> None:
        if shard in self.fetching:
            return
        self.fetches += 1
        fetch = self.fetches
        self.fetching[shard] = (fetch, [])
        self.broker.request(
            self.connection, subjects.snapshot(shard), b"{}", lambda chunk: self.snapshot_chunk(shard, fetch, chunk)
        )
        self.timer(SNAPSHOT_US, self.snapshot_timeout, shard, fetch)

    def snapshot_timeout(self, shard: int, fetch: int) -> None:
        if shard in self.fetching and self.fetching[shard][0] == fetch:
            del self.fetching[shard]

    def snapshot_chunk(self, shard: int, fetch: int, chunk: bytes) -> None:
        under_way = self.fetching.get(shard)
        if under_way is None or under_way[0] != fetch:
            return
        part, end = unpack_snapshot(chunk)
        under_way[1].extend(part)
        if end is not None:
            del self.fetching[shard]
            self.snapshot(shard, under_way[1], end)

    def snapshot(self, shard: int, frames: list[tuple[str, BookFrame]], end: SnapshotEnd) -> None:
        self.heard_at[shard] = self.scheduler.now
        self.trace.note(self.name, "snapshot", f"shard {shard} as of {end.epoch}.{end.seq}")
        self.carry_out(self.hub.snapshot(self.clock(), shard, frames, end))
        self.schedule()

    # -- bets ----------------------------------------------------------------------------------------------------------

    def ask_bet(self, bet: _Bet) -> None:
        """Ask whoever leads; again while no answer comes, as the key makes that safe."""
        now = self.clock()
        if now >= bet.until:
            problem = Problem(504, "no-decision", "No decision in time", "ask again with the same key")
            self.carry_out(self.hub.undecided(now, bet.place.client, bet.place.id, problem))
            return
        bet.attempt += 1
        request: BetRequest = bet.place.request
        shard = shard_of(MarketKey.parse(request.legs[0].market).event, self.shards)
        attempt = bet.attempt
        self.broker.request(
            self.connection, subjects.bet(shard), encode(request), lambda answer: self.bet_answer(bet, attempt, answer)
        )
        self.timer(min(ATTEMPT_US, bet.until - now), self.bet_timeout, bet, attempt)

    def bet_timeout(self, bet: _Bet, attempt: int) -> None:
        if bet.attempt == attempt:
            self.ask_bet(bet)

    def bet_answer(self, bet: _Bet, attempt: int, answer: bytes) -> None:
        if bet.attempt != attempt:
            return
        bet.attempt = -1
        reply = decode_bet_reply(answer)
        now = self.clock()
        place = bet.place
        if reply.status == 503:
            bet.attempt = attempt
            self.timer(PAUSE_US, self.bet_timeout, bet, attempt)
        elif reply.status >= 400:
            problem = Problem(reply.status, "refused", "Not decided", "")
            self.carry_out(self.hub.undecided(now, place.client, place.id, problem))
        else:
            self.carry_out(self.hub.decision(now, place.client, place.id, bytes(reply.decision)))

    def look_up(self, lookup: BetLookup, shard: int, receive: object) -> None:
        """`GET /v1/bets/{key}`: `receive(status, document)`, or nothing where no answer comes."""

        def answered(answer: bytes) -> None:
            reply = decode_bet_reply(answer)
            receive(reply.status, bytes(reply.decision))  # type: ignore[operator]

        self.broker.request(self.connection, subjects.bet_lookup(shard), encode(lookup), answered)

    # -- sockets -------------------------------------------------------------------------------------------------------

    def reach(self, socket: Socket, identity: Identity) -> None:
        """A client's connection has come as far as the machine."""
        self.backlog[socket] = None
        self.handle(self.accept, socket, identity)

    def accept(self, socket: Socket, identity: Identity) -> None:
        del self.backlog[socket]
        self.sockets[socket] = None
        self.carry_out(self.hub.connect(self.clock(), socket, identity))

    def command(self, socket: Socket, text: bytes) -> None:
        if socket in self.sockets:
            self.carry_out(self.hub.command(self.clock(), socket, text))
            if self.hub.busy:
                self.schedule()

    def gone(self, socket: Socket) -> None:
        if self.sockets.pop(socket, 0) is None:
            self.carry_out(self.hub.disconnect(self.clock(), socket))

    def writable(self, socket: Socket, writable: bool) -> None:
        if socket in self.sockets:
            self.carry_out(self.hub.writable(self.clock(), socket, writable))
            if self.hub.busy:
                self.schedule()

    def drain(self, after_ms: int) -> None:
        self.trace.note(self.name, "drain")
        self.carry_out(self.hub.drain(self.clock(), after_ms))
