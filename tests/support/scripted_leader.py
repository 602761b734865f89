"""A shard's leader played by a test: it makes book frames as the real one does, and knows the truth that clients must arrive at."""

import json
from typing import Any

from touchline.bus import subjects
from touchline.bus.messages import ShardBeat
from touchline.bus.wire import SnapshotEnd, pack

Json = dict[str, Any]


class ScriptedMarket:
    """One market's truth. `document` is its state as clients must see it, without `op`."""

    def __init__(self, market: str, sport: str, league: str) -> None:
        event, kind, *_ = market.split(":")
        self.id = market
        self.sport = sport
        self.league = league
        self.event = event
        self.type = kind
        self.seq = 0
        self.status = "Open"
        self.holds: list[Json] = []
        self.sel: dict[str, str | None] = {"home": "2.00", "away": "2.00"}
        self.phase = "PreMatch"
        self.start = 1_000_000

    def meta_event(self) -> Json:
        return {"id": self.event, "name": f"Event {self.event}", "start": self.start, "home": "H", "away": "A"}

    def subject(self, shard: int) -> str:
        return subjects.book(shard, self.sport, self.league, self.event, self.type)

    def document(self, epoch: int) -> Json:
        return {
            "m": self.id,
            "v": f"{epoch}.{self.seq}",
            "status": self.status,
            "holds": self.holds,
            "sel": dict(self.sel),
            "meta": {
                "sport": self.sport,
                "league": self.league,
                "type": self.type,
                "event": self.meta_event(),
                "phase": self.phase,
            },
            "t": {"src": self.seq, "recv": self.seq, "pub": self.seq},
        }


def encode(document: Json) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


class ScriptedLeader:
    """Every method that changes something returns `(subject, payload)` pairs to be published in order."""

    def __init__(self, shard: int, *, epoch: int = 1, node: str = "book-a") -> None:
        self.shard = shard
        self.epoch = epoch
        self.node = node
        self.seq = 0
        self.markets: dict[str, ScriptedMarket] = {}

    def open(self, market: str, *, sport: str = "Football", league: str = "epl") -> tuple[str, bytes]:
        """A new market."""
        added = self.markets[market] = ScriptedMarket(market, sport, league)
        return self._state(added)

    def price(self, market: str, **prices: str | None) -> tuple[str, bytes]:
        """New prices."""
        changed = self.markets[market]
        changed.sel.update(prices)
        return self._delta(changed, {"sel": prices})

    def suspend(self, market: str, reason: str = "Manual") -> tuple[str, bytes]:
        """Shut a market: urgent."""
        changed = self.markets[market]
        changed.status = "Suspended"
        changed.holds = [{"reason": reason, "since": 5}]
        return self._delta(changed, {"status": changed.status, "holds": changed.holds}, urgent=True)

    def reopen(self, market: str) -> tuple[str, bytes]:
        changed = self.markets[market]
        changed.status = "Open"
        changed.holds = []
        return self._delta(changed, {"status": changed.status, "holds": []})

    def turn(self, market: str) -> tuple[str, bytes]:
        """A part of `meta` changes."""
        changed = self.markets[market]
        changed.phase = "InPlay"
        return self._delta(changed, {"meta": {"phase": "InPlay"}})

    def reschedule(self, market: str, start: int) -> tuple[str, bytes]:
        """Its event starts at another time, epoch microseconds."""
        changed = self.markets[market]
        changed.start = start
        return self._delta(changed, {"meta": {"event": changed.meta_event()}})

    def restate(self, market: str) -> tuple[str, bytes]:
        """The whole state again."""
        return self._state(self.markets[market])

    def remove(self, market: str) -> tuple[str, bytes]:
        gone = self.markets.pop(market)
        self.seq += 1
        body = encode({"op": "gone", "m": market, "v": f"{self.epoch}.{self.seq}"})
        return gone.subject(self.shard), pack("G", True, self.epoch, self.seq, gone.seq, market, body)

    def take_over(self, node: str = "book-b") -> list[tuple[str, bytes]]:
        """Another node leads: a new epoch, every market stated anew."""
        self.epoch += 1
        self.seq = 0
        self.node = node
        return [self._state(market) for market in self.markets.values()]

    def beat(self) -> ShardBeat:
        return ShardBeat(self.shard, self.epoch, self.seq, self.node, 0)

    def snapshot(self) -> tuple[list[tuple[str, bytes]], SnapshotEnd]:
        frames = []
        for market in self.markets.values():
            body = encode({"op": "state", **market.document(self.epoch)})
            frames.append((market.subject(self.shard), pack("S", False, self.epoch, market.seq, 0, market.id, body)))
        return frames, SnapshotEnd(self.epoch, self.seq)

    def _state(self, market: ScriptedMarket) -> tuple[str, bytes]:
        self.seq += 1
        market.seq = self.seq
        body = encode({"op": "state", **market.document(self.epoch)})
        return market.subject(self.shard), pack("S", False, self.epoch, market.seq, 0, market.id, body)

    def _delta(self, market: ScriptedMarket, changes: Json, *, urgent: bool = False) -> tuple[str, bytes]:
        self.seq += 1
        previous, market.seq = market.seq, self.seq
        times = {"src": market.seq, "recv": market.seq, "pub": market.seq}
        body = encode(
            {
                "op": "delta",
                "m": market.id,
                "p": f"{self.epoch}.{previous}",
                "v": f"{self.epoch}.{market.seq}",
                **changes,
                "t": times,
            }
        )
        return market.subject(self.shard), pack("D", urgent, self.epoch, market.seq, previous, market.id, body)
