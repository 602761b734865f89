"""One shard on one node: its lease, its book and its desk, joined.

    lease    Won   -> what earlier leaders left pending is read (`Handover`)
             Lost  -> book and desk stand by at once
    handover Begin -> the book leads; the desk begins when it has read the stream of decisions to its end
    desk     StepDown -> the lease is dropped and read anew: if nobody else holds it, it is won again with the next epoch

Inputs are taken in synchronously; what takes time (reading and writing leases, reading the stream) runs in tasks that come back as inputs.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from touchline.book.config import BookConfig
from touchline.book.handover import Begin, Handover, HandoverOutput, Outdated, ReadPending, WritePending
from touchline.book.outputs import AskResync, BookOutput, Note, NoteKind, Publish
from touchline.book.pending import Legacy
from touchline.book.shard import ShardBook
from touchline.book.shell.outbox import Outbox
from touchline.bus import subjects
from touchline.bus.lease import LeaseBucket
from touchline.bus.messages import Beat, BetLookup, BetReply, BetRequest, OddsBatch, ShardBeat, encode
from touchline.bus.stream_reader import StreamReader, Unreadable
from touchline.bus.wire import pack_snapshot
from touchline.desk.desk import Desk
from touchline.desk.durability import NONE
from touchline.desk.outputs import Announce, Answer, Append, DeskOutput, StepDown
from touchline.desk.records import DecisionKind
from touchline.desk.store import BetStore, read_all
from touchline.domain.lease import Lease, LeaseOutput, Lost, Read, Won, Write

log = logging.getLogger(__name__)

OPENING_TRIES = 50
OPENING_WAIT_S = 0.05
ASKER_KEPT_US = 30_000_000
HOLD_OFF_US = 100_000
"""After the desk stepped down: so that a store that refuses everything does not make terms in a tight loop."""

Clock = Callable[[], int]
Spawn = Callable[[Coroutine[Any, Any, None]], None]


class ShardNode:
    """See the module. `clock` is the node's monotonic clock, `wall` epoch time, both in microseconds."""

    def __init__(
        self,
        *,
        shard: int,
        shards: int,
        node: str,
        clock: Clock,
        wall: Clock,
        outbox: Outbox,
        bucket: LeaseBucket,
        pending: LeaseBucket,
        reader: StreamReader,
        make_store: Callable[..., BetStore],
        spawn: Spawn,
        published: Callable[[int, str], None],
        led: Callable[[int, int | None], None],
    ) -> None:
        """`published(shard, market)` and `led(shard, epoch or None)` tell the last-value cache what it has to write."""
        self.shard = shard
        self.lease = Lease(node=node)
        self.handover = Handover()
        self.book = ShardBook(shard=shard, shards=shards, node=node)
        self.desk = Desk(shard=shard, node=node, durability=NONE, authorised=self.lease.valid, shards=shards)
        self.store = make_store(
            shard=shard, authorised=self.lease.valid, reader=reader, stored=self._stored, refused=self._refused
        )
        self.caught_up = False
        """Whether the stream of decisions was read to its end once; before that this node is no candidate."""
        self.read_at = 0
        """When that was last so, for a shard that somebody else leads."""
        self._counted_from: dict[DecisionKind, int] = {}
        self._node = node
        self._clock, self._wall = clock, wall
        self._outbox, self._bucket, self._pending, self._reader = outbox, bucket, pending, reader
        self._spawn, self._published, self._led = spawn, published, led
        self._askers: dict[int, tuple[str, int]] = {}
        self._asked = 0
        self._following = False
        self._opening = False

    @property
    def leading(self) -> bool:
        """Whether this node may speak for the shard at this instant."""
        return self.book.leading and self.lease.valid(self._clock())

    def configure(self, now: int, config: BookConfig) -> None:
        self._carry_out_book(self.book.configure(now, config))

    def odds(self, now: int, batch: OddsBatch) -> None:
        self._carry_out_book(self.book.odds(now, batch))

    def beat(self, now: int, beat: Beat) -> None:
        self._carry_out_book(self.book.beat(now, beat))

    def tick(self, now: int) -> None:
        """The passing of time: several times per renewal of the lease."""
        if self.caught_up:
            self._carry_out_lease(now, self.lease.tick(now))
        wall = self._wall()
        self._carry_out_book(self.book.tick(now, wall))
        self._carry_out_handover(now, self.handover.tick(now, self.book.pending.changes, self._legacy))
        self._carry_out_desk(now, self.desk.tick(now, wall, self.book))
        if self.store.unsettled:
            self._spawn(self.store.settle())

    def proof_of_life(self) -> None:
        """The leader's beat towards gateways, behind all that it has published."""
        if self.book.leading:
            beat = ShardBeat(self.shard, self.book.epoch, self.book.seq, self._node, self._wall())
            self._outbox.put(subjects.shard_beat(self.shard), encode(beat), valid=self.lease.valid)

    def paused(self, now: int, gap_us: int) -> None:
        """The process stood still: drop authority first, ask later."""
        self._carry_out_lease(now, self.lease.drop(now, f"this node stood still for {gap_us // 1000} ms"))

    def outdated(self, now: int, epoch: int) -> None:
        """Somebody has seen a later epoch than ours: if we still lead (the broker lost its store), then with a later one."""
        self.lease.at_least(epoch)
        self._carry_out_lease(now, self.lease.drop(now, f"epoch {epoch} was seen"))

    def release(self, now: int) -> None:
        """Hand the shard over to whoever wants it."""
        self._carry_out_lease(now, self.lease.release(now))

    def bet(self, now: int, request: BetRequest, reply: str) -> None:
        """A bet, to be answered at `reply` once it is decided and stored."""
        if not self.book.leading:
            return
        self._asked += 1
        self._askers[self._asked] = (reply, now)
        self._carry_out_desk(now, self.desk.bet(now, self._wall(), request, self.book, self._asked))

    def lookup(self, now: int, request: BetLookup, reply: str) -> None:
        if self.desk.leading and self.leading:
            self._outbox.put(reply, encode(self.desk.lookup(now, request)))

    def snapshot(self, reply: str) -> None:
        if self.leading:
            frames, end = self.book.snapshot()
            for chunk in pack_snapshot(frames, end):
                self._outbox.put(reply, chunk, valid=self.lease.valid)

    def forget_askers(self, now: int) -> None:
        """Drop those who cannot be waiting any more."""
        for token in [token for token, (_, at) in self._askers.items() if now - at > ASKER_KEPT_US]:
            del self._askers[token]

    def states(self, markets: Iterable[str]) -> dict[str, tuple[str, bytes] | None]:
        """Subject and packed state of each of these markets at its last published version; None: not in the book any more."""
        return {market: self.book.state(market) for market in markets}

    def decided(self) -> dict[str, int]:
        """Decisions on this shard by kind since it was caught up, whichever node made them."""
        if not self.caught_up:
            return {}
        return {kind.value: count - self._counted_from.get(kind, 0) for kind, count in self.desk.counts.items()}

    async def follow(self) -> None:
        """Read what the leader has stored since; a leader knows that itself."""
        if self._following or self._opening or self.desk.leading or self.desk.opening:
            return
        self._following = True
        try:
            await read_all(self._reader, self.shard, self._next_record, self.desk.replayed)
            self.read_at = self._clock()
            if not self.caught_up:
                self.caught_up = True
                self._counted_from = dict(self.desk.counts)
                log.info("shard %d: %d decisions read", self.shard, self.desk.applied)
            self.lease.at_least(self.desk.stream_epoch)
        except Unreadable as error:
            log.debug("shard %d: %s", self.shard, error)
        finally:
            self._following = False

    def _next_record(self) -> int:
        return self.desk.applied + 1

    def _carry_out_book(self, outputs: Iterable[BookOutput]) -> None:
        for output in outputs:
            if isinstance(output, Publish):
                self._outbox.put(output.subject, output.payload, valid=self.lease.valid)
                self._published(self.shard, output.market)
            elif isinstance(output, AskResync):
                self._outbox.put(subjects.resync(output.provider), encode(output.request))
            elif isinstance(output, Note):
                level = logging.WARNING if output.kind is NoteKind.REFUSED else logging.DEBUG
                if output.kind is NoteKind.LEADERSHIP:
                    level = logging.INFO
                log.log(level, "shard %d: %s %s: %s", self.shard, output.kind, output.subject, output.text)

    def _carry_out_lease(self, now: int, outputs: Iterable[LeaseOutput]) -> None:
        for output in outputs:
            match output:
                case Read():
                    self._spawn(self._read_lease())
                case Write():
                    self._spawn(self._write_lease(output))
                case Won(epoch):
                    self._carry_out_handover(now, self.handover.won(now, epoch))
                case Lost(why):
                    self._stand_by(now, why)

    def _carry_out_handover(self, now: int, outputs: Iterable[HandoverOutput]) -> None:
        for output in outputs:
            match output:
                case ReadPending(ask):
                    self._spawn(self._read_pending(ask))
                case WritePending():
                    self._spawn(self._write_pending(output))
                case Begin(epoch, legacy):
                    if self.lease.valid(now) and self.lease.epoch == epoch:  # else `Lost` is about to come
                        self._carry_out_book(self.book.lead(now, epoch, legacy))
                        self._led(self.shard, epoch)
                        self._spawn(self._open_desk(epoch))
                case Outdated(epoch):
                    self.outdated(now, epoch)

    def _legacy(self) -> Legacy:
        return self.book.pending.legacy(self._clock(), self.book.epoch)

    async def _read_pending(self, ask: int) -> None:
        seen = await self._pending.read(self.shard)
        now = self._clock()
        found = self.handover.unread(now, ask) if seen is None else self.handover.read(now, ask, *seen)
        self._carry_out_handover(now, found)

    async def _write_pending(self, write: WritePending) -> None:
        revision = await self._pending.write(self.shard, write.value, write.revision)
        now = self._clock()
        self._carry_out_handover(now, self.handover.written(now, write.ask, revision))

    def _stand_by(self, now: int, why: str) -> None:
        self.handover.lost()
        self._carry_out_book(self.book.stand_by(now, why))
        self._carry_out_desk(now, self.desk.stand_by(now))
        self.store.abandon()
        self._led(self.shard, None)

    async def _read_lease(self) -> None:
        seen = await self._bucket.read(self.shard)
        now = self._clock()
        self._carry_out_lease(now, self.lease.unread(now) if seen is None else self.lease.read(now, *seen))

    async def _write_lease(self, write: Write) -> None:
        revision = await self._bucket.write(self.shard, write.value, write.revision)
        now = self._clock()
        self._carry_out_lease(now, self.lease.written(now, revision))

    async def _open_desk(self, epoch: int) -> None:
        """Read the stream to its end and begin the desk's term; again where somebody wrote meanwhile."""
        if self._opening:
            return
        self._opening = True
        try:
            for _ in range(OPENING_TRIES):
                try:
                    await read_all(self._reader, self.shard, self._next_record, self.desk.replayed)
                except Unreadable as error:
                    log.debug("shard %d: %s", self.shard, error)
                else:
                    break
                await asyncio.sleep(OPENING_WAIT_S)
        finally:
            self._opening = False
        now = self._clock()
        if not self.lease.valid(now) or self.desk.leading or self.desk.opening:
            return
        if self.lease.epoch != epoch:
            self._spawn(self._open_desk(self.lease.epoch))
            return
        self._carry_out_desk(now, self.desk.lead(now, self._wall(), epoch))

    def _carry_out_desk(self, now: int, outputs: Iterable[DeskOutput]) -> None:
        for output in outputs:
            match output:
                case Append():
                    self._outbox.append(self.store, output)
                case Answer(token, reply):
                    self._answer(token, reply)
                case Announce(decided):
                    self._outbox.put(subjects.decided(self.shard), encode(decided))
                case StepDown(why):
                    self._step_down(now, why)

    def _step_down(self, now: int, why: str) -> None:
        log.warning("shard %d: the desk stepped down in epoch %d: %s", self.shard, self.desk.epoch, why)
        self.lease.at_least(self.desk.stream_epoch)
        self._carry_out_lease(now, self.lease.drop(now, f"the desk stepped down: {why}", hold_off_us=HOLD_OFF_US))

    def _answer(self, token: int, reply: BetReply) -> None:
        asker = self._askers.pop(token, None)
        if asker is not None:
            self._outbox.put(asker[0], encode(reply))

    def _stored(self, token: int, seq: int) -> None:
        now = self._clock()
        self._carry_out_desk(now, self.desk.stored(now, self._wall(), token, seq))

    def _refused(self, token: int, why: str) -> None:
        now = self._clock()
        self._carry_out_desk(now, self.desk.refused(now, self._wall(), token, why))
