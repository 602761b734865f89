"""A book node: candidate for every shard, with its probes, its configuration and its pause detector."""

from typing import TYPE_CHECKING

from touchline.bus import subjects
from touchline.bus.messages import Probe, decode_beat, decode_odds, encode
from touchline.simulation.broker import Broker, Connection, Reply
from touchline.simulation.fixtures import CURRENCY
from touchline.simulation.node import Node
from touchline.simulation.scheduler import MILLISECOND, SECOND, Scheduler
from touchline.simulation.seat import Seat
from touchline.simulation.trace import Trace

if TYPE_CHECKING:
    from touchline.book.config import BookConfig
    from touchline.simulation.last_values import LastValues
    from touchline.simulation.monitor import Monitor

TICK_US = 100 * MILLISECOND
PAUSE_US = SECOND
"""A loop that did not turn for longer gives its authority up before it does anything else."""


class BookNode(Node):
    """See the module."""

    connection: Connection
    """For prices and questions."""
    control: Connection
    """For leases and decisions, which must not queue behind a flood of odds."""

    def __init__(
        self,
        name: str,
        *,
        shards: int,
        broker: Broker,
        config: "BookConfig",
        last_values: "LastValues",
        monitor: "Monitor",
        scheduler: Scheduler,
        trace: Trace,
    ) -> None:
        super().__init__(name, scheduler, trace)
        self.shards = shards
        self.broker = broker
        self.config = config
        self.last_values = last_values
        self.monitor = monitor
        self.currency = CURRENCY
        self.leases = broker.buckets["lease"]
        self.pause_at_append = 0
        """How long this process is to be paused between its next decision and the sending of it; 0: not at all."""
        self.pause_sending = False
        self.seats: list[Seat] = []

    def boot(self) -> None:
        connection = self.connection = self.broker.connect(self)
        self.control = self.broker.connect(self)
        self.turned_at = self.clock()
        self.pause_at_append = 0
        self.seats = [
            Seat(self, shard, self.broker.streams[subjects.bets_stream(shard)]) for shard in range(self.shards)
        ]
        # Odds and beats share one subscription, the others are read by tasks of their own.
        self.broker.subscribe(connection, "odds.*.*", self.odds_heard)
        self.broker.subscribe(connection, "bet.*", self.bet_heard, own_task=True)
        self.broker.subscribe(connection, "betlookup.*", self.lookup_heard, own_task=True)
        self.broker.subscribe(connection, "control.snapshot.*", self.snapshot_heard, own_task=True)
        for seat in self.seats:
            seat.start(self.config)
        self.timer(self.scheduler.between(1, 100) * MILLISECOND, self.tick)

    def died(self) -> None:
        self.seats = []
        self.broker.close(self.connection)
        self.broker.close(self.control)

    def configure(self, config: "BookConfig") -> None:
        """The configuration has changed."""
        self.enter()
        self.config = config
        for seat in self.seats:
            seat.configure(config)

    def release(self) -> None:
        """Asked to stop: hand the shards over."""
        for seat in self.seats:
            seat.run_lease(seat.lease.release(self.clock()))

    def enter(self) -> None:
        """An input begins. If the process stood still, authority goes before anything else is done."""
        now = self.clock()
        gap, self.turned_at = now - self.turned_at, now
        if gap > PAUSE_US:
            self.trace.note(self.name, "stood still", f"{gap // 1000} ms")
            for seat in self.seats:
                seat.paused(gap)

    def tick(self) -> None:
        self.enter()
        self.timer(TICK_US, self.tick)
        for seat in self.seats:
            seat.tick()
        self.effect(self._probe, self.clock())
        for seat in self.seats:
            seat.beat()

    def _probe(self, stamp: int) -> None:
        if self.connection.up:
            self.broker.publish(self.connection, subjects.probe(self.name), encode(Probe(self.name, stamp)))

    def odds_heard(self, subject: str, payload: bytes, _reply: Reply | None) -> None:
        self.enter()
        place = subject.split(".")[1]
        if place == "beat":
            beat = decode_beat(payload)
            for seat in self.seats:
                seat.provider_beat(beat)
        else:
            self.seats[int(place)].odds(decode_odds(payload))

    def bet_heard(self, subject: str, payload: bytes, reply: Reply | None) -> None:
        self.enter()
        if reply is not None:
            self._seat(subject).bet_asked(payload, reply)

    def lookup_heard(self, subject: str, payload: bytes, reply: Reply | None) -> None:
        self.enter()
        if reply is not None:
            self._seat(subject).lookup_asked(payload, reply)

    def snapshot_heard(self, subject: str, _payload: bytes, reply: Reply | None) -> None:
        self.enter()
        if reply is not None:
            self._seat(subject).snapshot_asked(reply)

    def _seat(self, subject: str) -> Seat:
        return self.seats[int(subject.rpartition(".")[2])]

    def pause_if_armed(self, *, sending: bool) -> None:
        """Stop between deciding a bet and sending its record: before the store's shell asks the lease again, or after (`sending`)."""
        if self.pause_at_append and self.pause_sending is sending:
            duration, self.pause_at_append = self.pause_at_append, 0
            self.pause()
            self.scheduler.after(duration, self.resume_incarnation, self.incarnation)
