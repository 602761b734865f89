"""Every market the gateway knows, by shard: kept in step with the leaders' streams.

`Board` takes what comes from the broker and the cache and says what changed (`Change`, in order, to `on_change`). It knows no clients.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from touchline.bus.messages import ShardBeat
from touchline.bus.wire import BookFrame, SnapshotEnd
from touchline.domain.keys import MarketKey, shard_of
from touchline.domain.version import Version
from touchline.gateway.markets import MarketView, gone, made_version
from touchline.gateway.shards import ShardView, Verdict
from touchline.gateway.topics import ALL

RING_BYTES = 32 * 1024 * 1024
"""Deltas kept for resumes, over all markets (an upper bound: what a state has replaced counts until its turn comes)."""

DEPARTED = 10_000
"""Markets that went, remembered for each shard."""

STATE, DELTA, GONE = "state", "delta", "gone"


class Change:
    """One thing that clients must be told. `body` None: the market's state as it will be when it is written."""

    __slots__ = ("body", "fresh", "kind", "market", "urgent")

    def __init__(
        self, market: MarketView, kind: str, body: bytes | None, *, urgent: bool = False, fresh: bool = False
    ) -> None:
        self.market = market
        self.kind = kind
        self.body = body
        self.urgent = urgent
        self.fresh = fresh


class Departed(NamedTuple):
    """A market that went, and the version of its going."""

    topics: tuple[str, ...]
    version: Version


class Board:
    """See the module."""

    def __init__(
        self, *, shards: int, silence_us: int, on_change: Callable[[Change], None], ring_bytes: int = RING_BYTES
    ) -> None:
        self.silence_us = silence_us
        self.shards = [ShardView(number) for number in range(shards)]
        self.markets: dict[str, MarketView] = {}
        self.departed: list[OrderedDict[str, Departed]] = [OrderedDict() for _ in range(shards)]
        self._by_shard: list[dict[str, MarketView]] = [{} for _ in range(shards)]
        self._by_topic: dict[str, dict[str, MarketView]] = {}
        self._change = on_change
        self._rings: deque[tuple[MarketView, int, int]] = deque()
        self._ring_room = ring_bytes
        self._wall_offset = 0

    # -- reading -----------------------------------------------------------------------------------------------------

    def matching(self, topic: str) -> Iterable[MarketView]:
        """The markets of one topic, oldest first."""
        if topic == ALL:
            return self.markets.values()
        if topic.startswith("market:"):
            market = self.markets.get(topic[7:])
            return () if market is None else (market,)
        return self._by_topic.get(topic, {}).values()

    def shown(self, market: MarketView) -> bytes:
        """The state of a market as clients see it."""
        return market.shown(self.shards[market.shard].lost_since)

    def shard_of_market(self, market: str) -> ShardView:
        """The shard that a market id belongs to, known or not.

        Raises:
            MalformedKey: not a market id.
        """
        return self.shards[shard_of(MarketKey.parse(market).event, len(self.shards))]

    def cursor(self) -> bytes:
        """Up to where every shard's updates have been taken up: `0:3.1187,1:2.55`; `2:4.017` for a shard that is shown as lost."""
        return ",".join(
            f"{shard.number}:{made_version(shard.version) if shard.lost else shard.version}" for shard in self.shards
        ).encode()

    # -- from the broker and the cache ---------------------------------------------------------------------------------

    def boot(self, frames: Iterable[tuple[str, BookFrame]]) -> int:
        """Take up last values from the cache: shown suspended until a leader confirms them. How many were news."""
        taken = 0
        for subject, frame in frames:
            known = self.markets.get(frame.market)
            if frame.kind == "S" and (known is None or known.version < (frame.epoch, frame.seq)):
                shard = self._shard_of_subject(subject)
                if shard is not None and not shard.whole:
                    self._put(subject, frame)
                    taken += 1
        return taken

    def book(self, now: int, subject: str, frame: BookFrame) -> None:
        """One update from the stream."""
        market = self.markets.get(frame.market)
        shard = self.shards[market.shard] if market is not None else self._shard_of_subject(subject)
        if shard is None:
            return
        verdict = shard.judge(now, frame)
        if verdict is Verdict.PASS:
            if shard.lost_since is not None:
                self._found(shard)
            self._apply(shard, subject, frame)
        elif verdict is Verdict.HOLD:
            shard.hold(subject, frame)

    def shard_beat(self, now: int, beat: ShardBeat) -> None:
        """A leader's beat; judged by `turn`."""
        if 0 <= beat.shard < len(self.shards):
            self.shards[beat.shard].beat(now, beat)

    def snapshot(self, now: int, number: int, frames: Sequence[tuple[str, BookFrame]], end: SnapshotEnd) -> None:
        """A whole book from the shard's leader."""
        shard = self.shards[number]
        if not shard.take_up(now, end):
            return
        stays = {frame.market for _, frame in frames}
        for market in [market for market in self._by_shard[number].values() if market.id not in stays]:
            self._remove(market, Version(*end), None)
        for subject, frame in frames:
            known = self.markets.get(frame.market)
            if known is None or known.version < (frame.epoch, frame.seq):
                self._put(subject, frame)
        if shard.lost_since is not None:
            self._found(shard)
        held, shard.held = shard.held, deque()
        for subject, frame in held:
            self.book(now, subject, frame)

    def turn(self, now: int) -> list[int]:
        """End of a loop turn: judge the beats; the shards to ask for a snapshot."""
        asks = []
        for shard in self.shards:
            if shard.judge_beat() and shard.lost_since is not None:
                self._found(shard)
            if shard.ask(now):
                asks.append(shard.number)
        return asks

    def tick(self, now: int, wall: int) -> None:
        """Let time pass: shards that have been silent for too long are lost."""
        self._wall_offset = wall - now
        for shard in self.shards:
            if shard.silent(now, self.silence_us):
                shard.lost_since = wall
                for market in self._by_shard[shard.number].values():
                    market.found()
                    self._change(Change(market, STATE, None, urgent=True))
            elif shard.lost_since == 0:
                shard.lost_since = wall  # lost from the start: now there is a time to show
                for market in self._by_shard[shard.number].values():
                    market.found()

    # -- inside ----------------------------------------------------------------------------------------------------

    def _shard_of_subject(self, subject: str) -> ShardView | None:
        number = subject.split(".", 2)[1]
        return self.shards[int(number)] if number.isdecimal() and int(number) < len(self.shards) else None

    def _found(self, shard: ShardView) -> None:
        """The shard is led again: everybody sees the true state of all its markets."""
        shard.lost_since = None
        shard.found_at = shard.version
        for market in self._by_shard[shard.number].values():
            market.found()
            self._change(Change(market, STATE, None))

    def _apply(self, shard: ShardView, subject: str, frame: BookFrame) -> None:
        if frame.kind == "S":
            self._put(subject, frame)
            return
        market = self.markets.get(frame.market)
        if frame.kind == "G":
            if market is not None:
                self._remove(market, Version(frame.epoch, frame.seq), frame.body)
            return
        if market is None or not market.delta(frame):
            shard.break_off()  # in sequence, but not for this market: the stream contradicts itself
            return
        size = len(frame.body)
        self._rings.append((market, frame.seq, size))
        self._ring_room -= size
        while self._ring_room < 0 and self._rings:
            oldest, seq, freed = self._rings.popleft()
            oldest.forget_oldest(seq)
            self._ring_room += freed
        self._change(Change(market, DELTA, frame.body, urgent=frame.urgent))

    def _put(self, subject: str, frame: BookFrame) -> None:
        """A state: of a new market, of a known one, or of one that has moved to another subject."""
        market = self.markets.get(frame.market)
        if market is not None and market.subject != subject:
            self._remove(market, Version(frame.epoch, frame.seq), None)
            market = None
        fresh = market is None
        if market is None:
            market = MarketView(frame.market, subject)
            self.markets[market.id] = market
            self._by_shard[market.shard][market.id] = market
            for topic in market.topics[1:5]:
                self._by_topic.setdefault(topic, {})[market.id] = market
            self.departed[market.shard].pop(market.id, None)
        market.state(frame)
        body = frame.body if self.shards[market.shard].lost_since is None else None
        self._change(Change(market, STATE, body, urgent=frame.urgent, fresh=fresh))

    def _remove(self, market: MarketView, version: Version, body: bytes | None) -> None:
        del self.markets[market.id]
        del self._by_shard[market.shard][market.id]
        for topic in market.topics[1:5]:
            of_topic = self._by_topic[topic]
            del of_topic[market.id]
            if not of_topic:
                del self._by_topic[topic]
        departed = self.departed[market.shard]
        departed[market.id] = Departed(market.topics, version)
        if len(departed) > DEPARTED:
            _, first = departed.popitem(last=False)
            self.shards[market.shard].history_from = first.version
        self._change(Change(market, GONE, body or gone(market.id, version)))
