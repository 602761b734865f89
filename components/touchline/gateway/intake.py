"""From the broker into the hub: updates, beats, final decisions, and whole books on request.

Updates and beats come by separate subscriptions, each with a task of its own, so a beat may be handled before an update that
was sent earlier. The hub therefore judges beats at the end of the turn.
"""

import asyncio
import logging

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from touchline.bus import subjects
from touchline.bus.ending import end
from touchline.bus.messages import decode_decided, decode_shard_beat
from touchline.bus.wire import BookFrame, SnapshotEnd, WireError, unpack, unpack_snapshot
from touchline.gateway.turns import Turns

log = logging.getLogger(__name__)

PENDING_MESSAGES = 200_000
PENDING_BYTES = 64 * 1024 * 1024
"""Beyond these the client library drops updates: a hole, and a snapshot closes it."""

CHUNK_S = 1.0
MAX_FRAMES = 1_000_000


class SnapshotFailed(Exception):
    """The leader did not answer, or not completely; the hub asks again."""


class Intake:
    """See the module. `updates` and `unreadable` count messages."""

    def __init__(self, nc: Client, turns: Turns) -> None:
        self._nc = nc
        self._turns = turns
        self._fetching: dict[int, asyncio.Task[None]] = {}
        self.updates = 0
        self.unreadable = 0
        self.snapshots_failed = 0

    async def start(self) -> None:
        """Subscribe; a reconnecting client subscribes again by itself.

        Raises:
            nats.errors.Error: the connection is closed.
        """
        for subject, callback in (
            (subjects.all_book(), self._book),
            (subjects.all_shard_beats(), self._beat),
            (subjects.all_decided(), self._decided),
        ):
            await self._nc.subscribe(
                subject, cb=callback, pending_msgs_limit=PENDING_MESSAGES, pending_bytes_limit=PENDING_BYTES
            )
        await self._nc.flush()

    async def stop(self) -> None:
        """End what is under way."""
        await end(self._fetching.values())

    async def _book(self, message: Msg) -> None:
        try:
            frame = unpack(message.data)
        except WireError as error:
            self._unreadable(message.subject, error)
            return
        self.updates += 1
        self._turns.book(message.subject, frame)

    async def _beat(self, message: Msg) -> None:
        try:
            self._turns.shard_beat(decode_shard_beat(message.data))
        except msgspec.DecodeError as error:
            self._unreadable(message.subject, error)

    async def _decided(self, message: Msg) -> None:
        try:
            self._turns.decided(decode_decided(message.data))
        except msgspec.DecodeError as error:
            self._unreadable(message.subject, error)

    def _unreadable(self, subject: str, error: Exception) -> None:
        self.unreadable += 1
        if self.unreadable & (self.unreadable - 1) == 0:  # the first, second, fourth, …: a flood must not fill the log
            log.warning("unreadable message on %s (%d so far): %s", subject, self.unreadable, error)

    # -- whole books -----------------------------------------------------------------------------------------------------

    def ask_snapshot(self, shard: int) -> None:
        """Fetch one shard's book, unless that is under way."""
        if shard not in self._fetching:
            task = asyncio.get_running_loop().create_task(self._fetch(shard), name=f"snapshot {shard}")
            self._fetching[shard] = task
            task.add_done_callback(lambda _: self._fetching.pop(shard, None))

    async def _fetch(self, shard: int) -> None:
        try:
            frames, end = await fetch_snapshot(self._nc, shard)
        except (SnapshotFailed, NatsError, WireError) as error:
            self.snapshots_failed += 1
            log.debug("no snapshot of shard %d: %s", shard, error)
            return
        log.info("shard %d: %d markets as of %d.%d", shard, len(frames), end.epoch, end.seq)
        self._turns.snapshot(shard, frames, end)


async def fetch_snapshot(nc: Client, shard: int) -> tuple[list[tuple[str, BookFrame]], SnapshotEnd]:
    """Ask the shard's leader for its book.

    Raises:
        SnapshotFailed: nobody leads, or the leader fell silent half-way.
        WireError: a chunk is malformed.
        nats.errors.Error: the connection is closed.
    """
    inbox = nc.new_inbox()
    replies = await nc.subscribe(inbox)
    try:
        await nc.publish(subjects.snapshot(shard), b"{}", reply=inbox)
        frames: list[tuple[str, BookFrame]] = []
        while True:
            try:
                message = await replies.next_msg(timeout=CHUNK_S)
            except TimeoutError as error:
                raise SnapshotFailed(f"the leader of shard {shard} did not answer") from error
            if message.headers and message.headers.get("Status") == "503":
                raise SnapshotFailed(f"nobody leads shard {shard}")
            part, end = unpack_snapshot(message.data)
            frames.extend(part)
            if len(frames) > MAX_FRAMES:
                raise SnapshotFailed(f"shard {shard} has more than {MAX_FRAMES} markets")
            if end is not None:
                return frames, end
    finally:
        if not nc.is_closed:
            await replies.unsubscribe()
