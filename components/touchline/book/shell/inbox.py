"""The way in: what the broker brings, read and given to the shard that it is for.

`enter` is asked for the time before anything is done with a message: there a pause of the process is noticed.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Sequence

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg

from touchline.book.shell.clock import monotonic_us
from touchline.book.shell.outbox import Outbox
from touchline.book.shell.shard_node import ShardNode
from touchline.bus.messages import Beat, decode_beat, decode_bet, decode_bet_lookup, decode_odds

log = logging.getLogger(__name__)

TURN_US = 5_000
"""After this time on one backlog of messages, everything else gets a turn."""


class Inbox:
    """Messages one at a time, in the order of their arrival. `shards` are those of this node, by number."""

    def __init__(self, shards: Sequence[ShardNode], outbox: Outbox, enter: Callable[[], int]) -> None:
        self._shards = shards
        self._outbox = outbox
        self._enter = enter
        self._turn_began = monotonic_us()
        self.beats: dict[str, tuple[int, Beat]] = {}
        """The last beat by provider, with when it was heard."""

    async def listen(self, nc: Client) -> None:
        """Take what concerns a book node, from now on."""
        for subject, take in (
            # Odds and beats share one subscription: a beat must not be read ahead of the odds that came before it.
            ("odds.*.*", self._on_odds),
            ("bet.*", self._on_bet),
            ("betlookup.*", self._on_lookup),
            ("control.snapshot.*", self._on_snapshot),
            ("control.market.*", self._on_market),
        ):
            await nc.subscribe(subject, cb=take)

    def turn(self, now: int) -> None:
        """The rest of the node has its turn at this moment."""
        self._turn_began = now

    async def _on_odds(self, msg: Msg) -> None:
        now = self._enter()
        place = msg.subject.split(".")[1]
        try:
            if place == "beat":
                self._take_beat(now, decode_beat(msg.data))
            elif place.isdigit() and int(place) < len(self._shards):
                self._shards[int(place)].odds(now, decode_odds(msg.data))
        except msgspec.DecodeError as error:
            # Whatever it said is missing now: the hole in the sequence holds the provider's markets until it is told again.
            log.error("a message on %s cannot be read: %s", msg.subject, error)
        await self._give_way(now)

    def _take_beat(self, now: int, beat: Beat) -> None:
        self.beats[beat.provider] = (now, beat)
        for shard in self._shards:
            shard.beat(now, beat)

    async def _on_bet(self, msg: Msg) -> None:
        now = self._enter()
        shard = self._shard_of(msg)
        if shard is None or not msg.reply:
            return
        try:
            request = decode_bet(msg.data)
        except msgspec.DecodeError as error:
            log.error("a bet on %s cannot be read: %s", msg.subject, error)
            return
        shard.bet(now, request, msg.reply)
        await self._give_way(now)

    async def _on_lookup(self, msg: Msg) -> None:
        now = self._enter()
        shard = self._shard_of(msg)
        if shard is None or not msg.reply:
            return
        try:
            shard.lookup(now, decode_bet_lookup(msg.data), msg.reply)
        except msgspec.DecodeError as error:
            log.error("a question on %s cannot be read: %s", msg.subject, error)

    async def _on_snapshot(self, msg: Msg) -> None:
        self._enter()
        shard = self._shard_of(msg)
        if shard is not None and msg.reply:
            shard.snapshot(msg.reply)

    async def _on_market(self, msg: Msg) -> None:
        now = self._enter()
        shard = self._shard_of(msg)
        if shard is None or not msg.reply or not shard.leading:
            return
        try:
            market = str(json.loads(msg.data)["market"])
        except (ValueError, KeyError, TypeError) as error:
            log.error("a question on %s cannot be read: %r", msg.subject, error)
            return
        answer = shard.book.explain(now, market)
        self._outbox.put(msg.reply, msgspec.json.encode(answer), valid=shard.lease.valid)

    def _shard_of(self, msg: Msg) -> ShardNode | None:
        last = msg.subject.rpartition(".")[2]
        return self._shards[int(last)] if last.isdigit() and int(last) < len(self._shards) else None

    async def _give_way(self, now: int) -> None:
        """Let the rest of the node run if one subscription's backlog has kept it from that for long."""
        if now - self._turn_began > TURN_US:
            await asyncio.sleep(0)
            self.turn(monotonic_us())
