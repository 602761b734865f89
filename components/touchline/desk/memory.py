"""What the desk remembers of each key: the first bet that used it, and what that bet was told.

Keys belong to a customer. They are kept for a declared time (`OddsEngine.spec.bets.rememberKeys`), counted from the first
decision by the records' own times, so every node forgets alike; a bet that is still pending is never forgotten. Beyond `capacity`
keys nothing is forgotten early either: new bets are refused instead, because a forgotten key could be decided twice.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b

import msgspec

from touchline.bus.messages import BetRequest
from touchline.desk.records import BetRecord, DecisionKind

KeyOf = tuple[str, str]
"""Customer and idempotency key."""

HOUR_US = 3_600_000_000
_encode = msgspec.json.Encoder().encode


def key_of(request: BetRequest) -> KeyOf:
    return request.customer, request.key


def fingerprint(request: BetRequest) -> bytes:
    """The same for two requests that ask for the same bet.

    Not part of it: versions and the jurisdiction, which a repetition after a reconnect may honestly have anew.
    """
    legs = [(leg.market, leg.selection, leg.price) for leg in request.legs]
    bet = (request.type, request.stake, request.price_change, request.within_ppm, legs)
    return blake2b(_encode(bet), digest_size=16).digest()


@dataclass(slots=True)
class Entry:
    """One key's bet. `request` is kept only while a second check is still to come."""

    fingerprint: bytes
    at: int
    decision: DecisionKind
    document: bytes
    bet: str = ""
    request: BetRequest | None = None
    prices: tuple[int, ...] = ()
    delay_us: int = 0

    @property
    def final(self) -> bool:
        return self.decision.final


class Memory:
    """Keys in the order of their first decisions."""

    def __init__(self, *, keep_us: int = 24 * HOUR_US, capacity: int = 1_000_000) -> None:
        self.keep_us = keep_us
        self.capacity = capacity
        self._entries: dict[KeyOf, Entry] = {}

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def full(self) -> bool:
        return len(self._entries) >= self.capacity

    def get(self, key: KeyOf) -> Entry | None:
        return self._entries.get(key)

    def pending(self) -> Iterator[tuple[KeyOf, Entry]]:
        """Bets that wait for their second check, oldest first."""
        return ((key, entry) for key, entry in self._entries.items() if not entry.final)

    def remember(self, record: BetRecord) -> None:
        """Take up a stored record: a key's first, or the one that ends a pending bet."""
        request = record.request
        key = key_of(request)
        before = self._entries.get(key)
        entry = Entry(
            before.fingerprint if before else fingerprint(request),
            before.at if before else record.at,
            record.decision,
            bytes(record.document),
            record.id,
        )
        if not entry.final:
            entry.request, entry.prices, entry.delay_us = request, tuple(record.prices), record.delay_us
        self._entries[key] = entry  # a key that is there keeps its place

    def forget(self, wall: int) -> None:
        """Drop what is older than `keep_us` at `wall` (epoch microseconds)."""
        limit = wall - self.keep_us
        while self._entries:
            key, oldest = next(iter(self._entries.items()))
            if oldest.at >= limit or not oldest.final:
                return
            del self._entries[key]
