"""One shard on one book node: lease, book and desk joined as `touchline.book.shell` joins them.

What this shell must get right, because no machine can: ask the lease with a fresh clock directly before acting, never take an unknown
result of the store for one or the other, and read the stream to its end before a term begins.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from touchline.book.config import BookConfig
from touchline.book.handover import Handover, HandoverOutput, Outdated, ReadPending, WritePending
from touchline.book.outputs import AskResync, BookOutput, Publish
from touchline.book.pending import Legacy
from touchline.book.shard import ShardBook
from touchline.bus import subjects
from touchline.bus.messages import Beat, OddsBatch, ShardBeat, decode_bet, decode_bet_lookup, encode
from touchline.bus.wire import pack_snapshot, unpack
from touchline.desk.desk import Desk
from touchline.desk.outputs import Announce, Answer, Append, DeskOutput, StepDown
from touchline.domain.lease import Lease, LeaseOutput, Read, Won, Write
from touchline.simulation.appends import Appends
from touchline.simulation.broker import Reply
from touchline.simulation.scheduler import MILLISECOND
from touchline.simulation.stores import Entry, Record, Stream

if TYPE_CHECKING:
    from touchline.simulation.book_node import BookNode

LEASE_TIMEOUT_US = 400 * MILLISECOND
READ_TIMEOUT_US = 500 * MILLISECOND
FOLLOW_US = 200 * MILLISECOND
CACHE_US = 200 * MILLISECOND
HOLD_OFF_US = 100 * MILLISECOND


class Seat:
    """See the module."""

    def __init__(self, node: "BookNode", shard: int, stream: Stream) -> None:
        self.node = node
        self.shard = shard
        self.stream = stream
        self.monitor = node.monitor
        self.lease = Lease(node=node.name)
        self.handover = Handover()
        self.book = ShardBook(shard=shard, shards=node.shards, node=node.name)
        self.desk = Desk(
            shard=shard,
            node=node.name,
            durability="Fsync",
            authorised=self.lease.valid,
            shards=node.shards,
            currency=node.currency,
        )
        self.appends = Appends(self)
        self.caught_up = False
        self.opening = 0
        """The epoch of a term whose desk waits for the stream's end; 0: none."""
        self.read_at: int | None = None
        self.asked = 0
        self.asked_at: int | None = None
        self.pending_asked: tuple[int, int, bool] | None = None
        """The question about what is pending that waits for its answer: its number and time, and whether it is a read."""
        self.reading = False
        self.replies: dict[int, Reply] = {}
        self.tokens = 0
        self.led: int | None = None
        self.dirty: dict[str, None] = {}
        self.cached_at = 0

    def start(self, config: BookConfig) -> None:
        self.configure(config)
        self.follow()

    @property
    def leading(self) -> bool:
        """Whether this node may speak for the shard at this instant."""
        return self.book.leading and self.lease.valid(self.node.clock())

    def configure(self, config: BookConfig) -> None:
        self.run_book(self.book.configure(self.node.clock(), config))

    # -- time ----------------------------------------------------------------------------------------------------------

    def tick(self) -> None:
        node = self.node
        now = node.clock()
        if self.asked_at is not None and now - self.asked_at > LEASE_TIMEOUT_US:
            self.lease_unknown(now)
        if self.caught_up:
            self.run_lease(self.lease.tick(now))
        wall = node.wall()
        self.run_book(self.book.tick(now, wall))
        if self.pending_asked is not None and now - self.pending_asked[1] > LEASE_TIMEOUT_US:
            self.pending_answered(self.pending_asked[0], None)
        self.run_handover(self.handover.tick(now, self.book.pending.changes, self.legacy))
        self.run_desk(self.desk.tick(now, wall, self.book))
        if self.desk.leading or self.desk.opening:
            self.appends.settle()
        if self.read_at is None or now - self.read_at > READ_TIMEOUT_US:
            if self.opening:
                self.open_desk(self.opening)
            elif not self.desk.leading and not self.desk.opening:
                self.follow()
        self.cache(now)
        if self.book.leading:
            self.monitor.open_markets(self)

    def beat(self) -> None:
        """The leader's proof of life, behind all that it has published."""
        if self.book.leading:
            beat = ShardBeat(self.shard, self.book.epoch, self.book.seq, self.node.name, self.node.wall())
            self.put(subjects.shard_beat(self.shard), encode(beat))

    def paused(self, gap_us: int) -> None:
        """The process stood still: drop authority first, ask later."""
        self.run_lease(self.lease.drop(self.node.clock(), f"this node stood still for {gap_us // 1000} ms"))

    def put(self, subject: str, payload: bytes) -> None:
        """Publish what speaks for the shard: if the lease still says so at the moment of writing, and the broker is there."""
        self.node.effect(self._write, subject, payload)

    def _write(self, subject: str, payload: bytes) -> None:
        node = self.node
        if self.lease.valid(node.clock()) and node.connection.up:
            node.broker.publish(node.connection, subject, payload)

    # -- the lease -----------------------------------------------------------------------------------------------------

    def run_lease(self, outputs: list[LeaseOutput]) -> None:
        node = self.node
        bucket, key = node.leases, f"shard.{self.shard}"
        for output in outputs:
            if isinstance(output, Read):
                self._ask_lease(True, lambda: bucket.read(key))
            elif isinstance(output, Write):
                value, revision = output.value, output.revision
                self._ask_lease(False, _writing(bucket.write, key, value, revision))
            elif isinstance(output, Won):
                node.trace.note(node.name, "won", f"shard {self.shard} epoch {output.epoch}")
                self.run_handover(self.handover.won(node.clock(), output.epoch))
            else:
                node.trace.note(node.name, "lost", f"shard {self.shard}: {output.why}")
                self.stand_by(output.why)
        self.monitor.leases(self.shard)

    def stand_by(self, why: str) -> None:
        now = self.node.clock()
        self.handover.lost()
        self.opening = 0
        self.led = None
        self.run_book(self.book.stand_by(now, why))
        self.run_desk(self.desk.stand_by(now))
        self.appends.abandon()

    def _ask_lease(self, reading: bool, operation: Callable[[], Any]) -> None:
        node = self.node
        self.reading = reading
        self.asked += 1
        self.asked_at = node.clock()
        node.effect(self._send_lease, self.asked, operation)

    def _send_lease(self, asked: int, operation: Callable[[], Any]) -> None:
        node = self.node
        if node.control.up:
            node.broker.ask(node.control, operation, lambda result: self.lease_answered(asked, result))

    def lease_answered(self, asked: int, result: Entry | int | None) -> None:
        if asked != self.asked or self.asked_at is None:
            return  # reported as unknown already
        self.node.enter()
        if asked != self.asked or self.asked_at is None:
            return
        self.asked_at = None
        now = self.node.clock()
        if isinstance(result, Entry):
            self.run_lease(self.lease.read(now, result.revision, result.value))
        else:
            self.run_lease(self.lease.written(now, result))

    def lease_unknown(self, now: int) -> None:
        self.asked_at = None
        self.run_lease(self.lease.unread(now) if self.reading else self.lease.written(now, None))

    # -- what is pending -----------------------------------------------------------------------------------------------

    def run_handover(self, outputs: list[HandoverOutput]) -> None:
        node, bucket, key = self.node, self.node.leases, f"pending.{self.shard}"
        for output in outputs:
            if isinstance(output, ReadPending):
                self._ask_pending(output.ask, True, lambda: bucket.read(key))
            elif isinstance(output, WritePending):
                self.monitor.pendings.composed(self, output.value)
                written = _writing(bucket.write, key, output.value, output.revision)
                self._ask_pending(output.ask, False, self._stored_pending(written, output.value))
            elif isinstance(output, Outdated):
                self.lease.at_least(output.epoch)
                self.run_lease(self.lease.drop(node.clock(), f"epoch {output.epoch} was seen"))
            elif self.lease.valid(node.clock()) and self.lease.epoch == output.epoch:
                self.run_book(self.book.lead(node.clock(), output.epoch, output.legacy))
                self.led, self.dirty = output.epoch, dict.fromkeys(self.book.markets())
                self.open_desk(output.epoch)

    def legacy(self) -> Legacy:
        return self.book.pending.legacy(self.node.clock(), self.book.epoch)

    def _stored_pending(self, write: Callable[[], Any], value: bytes) -> Callable[[], Any]:
        composed_at = self.node.scheduler.now

        def operation() -> Any:
            revision = write()
            if revision is not None:
                self.monitor.pendings.stored(value, composed_at)
            return revision

        return operation

    def _ask_pending(self, ask: int, reading: bool, operation: Callable[[], Any]) -> None:
        self.pending_asked = (ask, self.node.clock(), reading)
        self.node.effect(self._send_pending, ask, operation)

    def _send_pending(self, ask: int, operation: Callable[[], Any]) -> None:
        node = self.node
        if node.control.up:
            node.broker.ask(node.control, operation, lambda result: self.pending_answered(ask, result))

    def pending_answered(self, ask: int, result: Entry | int | None) -> None:
        """What became of a question; None: refused, or nobody knows."""
        if self.pending_asked is None or self.pending_asked[0] != ask:
            return
        self.node.enter()
        if self.pending_asked is None or self.pending_asked[0] != ask:
            return
        reading, self.pending_asked = self.pending_asked[2], None
        now = self.node.clock()
        if isinstance(result, Entry):
            self.run_handover(self.handover.read(now, ask, result.revision, result.value))
        elif reading:
            self.run_handover(self.handover.unread(now, ask))
        else:
            self.run_handover(self.handover.written(now, ask, result))

    # -- the stream ----------------------------------------------------------------------------------------------------

    def follow(self) -> None:
        """Read what the leader has stored since."""
        if self.node.control.up:
            now = self.read_at = self.node.clock()
            after = self.desk.applied
            self.node.broker.ask(
                self.node.control, lambda: self.stream.records[after:], lambda records: self.followed(now, records)
            )

    def followed(self, asked_at: int, records: list[Record]) -> None:
        if self.read_at != asked_at:
            return
        self.node.enter()
        if self.opening or self.desk.leading or self.desk.opening:
            self.read_at = None
            return
        self.replay(records)
        self.caught_up = True
        self.lease.at_least(self.desk.stream_epoch)
        self.read_at = self.node.clock() - READ_TIMEOUT_US + FOLLOW_US

    def replay(self, records: list[Record]) -> None:
        for record in records:
            self.desk.replayed(record.seq, record.subject, record.payload)

    def open_desk(self, epoch: int) -> None:
        """Read the stream to its end, then begin the desk's term."""
        self.opening = epoch
        if self.node.control.up:
            now = self.read_at = self.node.clock()
            after = self.desk.applied
            self.node.broker.ask(
                self.node.control,
                lambda: self.stream.records[after:],
                lambda records: self.read_to_end(now, records),
            )

    def read_to_end(self, asked_at: int, records: list[Record]) -> None:
        if self.read_at != asked_at or not self.opening:
            return
        self.node.enter()
        epoch, self.opening, self.read_at = self.opening, 0, None
        self.replay(records)
        now = self.node.clock()
        if self.lease.valid(now) and self.lease.epoch == epoch and not self.desk.leading and not self.desk.opening:
            self.run_desk(self.desk.lead(now, self.node.wall(), epoch))

    # -- the desk ------------------------------------------------------------------------------------------------------

    def run_desk(self, outputs: list[DeskOutput]) -> None:
        node = self.node
        for output in outputs:
            if isinstance(output, Append):
                self.monitor.decided(self, output)
                node.pause_if_armed(sending=False)
                node.effect(self.appends.send, output)
            elif isinstance(output, Answer):
                self.answer(output)
            elif isinstance(output, Announce):
                node.effect(self._publish, subjects.decided(self.shard), encode(output.decided))
            else:
                self.step_down(output)

    def answer(self, output: Answer) -> None:
        reply = self.replies.pop(output.token, None)
        self.monitor.answered(self, output.reply)
        if reply is not None:
            self.node.effect(self._respond, reply, encode(output.reply))

    def _publish(self, subject: str, payload: bytes) -> None:
        if self.node.connection.up:
            self.node.broker.publish(self.node.connection, subject, payload)

    def _respond(self, reply: Reply, payload: bytes) -> None:
        if self.node.connection.up:
            self.node.broker.respond(self.node.connection, reply, payload)

    def step_down(self, output: StepDown) -> None:
        """Give the term up; if nobody else holds the lease, it is won again with the next epoch."""
        node = self.node
        node.trace.note(node.name, "step down", f"shard {self.shard}: {output.why}")
        self.lease.at_least(self.desk.stream_epoch)
        self.run_lease(self.lease.drop(node.clock(), f"the desk stepped down: {output.why}", hold_off_us=HOLD_OFF_US))

    def stored(self, token: int, seq: int) -> None:
        node = self.node
        self.run_desk(self.desk.stored(node.clock(), node.wall(), token, seq))

    def refused(self, token: int, why: str) -> None:
        node = self.node
        self.run_desk(self.desk.refused(node.clock(), node.wall(), token, why))

    def bet_asked(self, payload: bytes, reply: Reply) -> None:
        if not self.book.leading:
            return
        node = self.node
        self.tokens += 1
        self.replies[self.tokens] = reply
        self.run_desk(self.desk.bet(node.clock(), node.wall(), decode_bet(payload), self.book, self.tokens))

    def lookup_asked(self, payload: bytes, reply: Reply) -> None:
        if self.desk.leading and self.leading:
            answer = self.desk.lookup(self.node.clock(), decode_bet_lookup(payload))
            self.monitor.answered(self, answer)
            self.node.effect(self._respond, reply, encode(answer))

    # -- the book ------------------------------------------------------------------------------------------------------

    def odds(self, batch: OddsBatch) -> None:
        self.run_book(self.book.odds(self.node.clock(), batch))

    def provider_beat(self, beat: Beat) -> None:
        self.run_book(self.book.beat(self.node.clock(), beat))

    def run_book(self, outputs: list[BookOutput]) -> None:
        node = self.node
        for output in outputs:
            if isinstance(output, Publish):
                self.monitor.published(self, output)
                self.put(output.subject, output.payload)
                self.dirty[output.market] = None
            elif isinstance(output, AskResync):
                node.effect(self._publish, subjects.resync(output.provider), encode(output.request))
            else:
                node.trace.note(node.name, output.kind, f"{output.subject} {output.text}")

    def snapshot_asked(self, reply: Reply) -> None:
        if self.leading:
            frames, end = self.book.snapshot()
            for chunk in pack_snapshot(frames, end):
                self.node.effect(self._respond, reply, chunk)

    def cache(self, now: int) -> None:
        """Write what has changed to the last-value cache."""
        if self.led is None or not self.dirty or now - self.cached_at < CACHE_US:
            return
        self.cached_at = now
        dirty, self.dirty = self.dirty, {}
        frames, _ = self.book.snapshot()
        changed = [(subject, payload) for subject, payload in frames if unpack(payload).market in dirty]
        self.node.effect(self.node.last_values.send, self.shard, self.led, changed)


def _writing(
    write: Callable[[str, bytes, int], int | None], key: str, value: bytes, revision: int
) -> Callable[[], Any]:
    return lambda: write(key, value, revision)
