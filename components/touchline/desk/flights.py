"""Records that are on their way into the stream, in the order in which they were sent.

Each is predicted to get the sequence after its predecessor. So they stand or fall in order: if one is refused, everything
behind it is void, and nothing is answered before everything ahead of it is known to be stored.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from touchline.desk.memory import KeyOf
from touchline.desk.records import BetRecord, EpochRecord


@dataclass(slots=True)
class Flight:
    """One append. `askers` are the tokens of those who wait for it, with what each asked for (its fingerprint), the first first."""

    token: int
    seq: int
    payload: bytes
    record: BetRecord | EpochRecord
    key: KeyOf | None = None
    askers: list[tuple[int, bytes]] = field(default_factory=list)
    markets: tuple[str, ...] = ()
    acknowledged: bool = False
    """The store said so, or it was seen in the stream; answered once everything ahead of it is stored, too."""


class Flights:
    """All of one shard's, with their number by market (the bulkhead)."""

    def __init__(self) -> None:
        self._by_token: dict[int, Flight] = {}
        self._by_seq: dict[int, Flight] = {}
        self._by_key: dict[KeyOf, Flight] = {}
        self._of_market: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._by_token)

    def add(self, flight: Flight) -> None:
        self._by_token[flight.token] = flight
        self._by_seq[flight.seq] = flight
        if flight.key is not None:
            self._by_key[flight.key] = flight
        for market in flight.markets:
            self._of_market[market] = self._of_market.get(market, 0) + 1

    def remove(self, flight: Flight) -> None:
        del self._by_token[flight.token]
        del self._by_seq[flight.seq]
        if flight.key is not None:
            del self._by_key[flight.key]
        for market in flight.markets:
            left = self._of_market[market] - 1
            if left:
                self._of_market[market] = left
            else:
                del self._of_market[market]

    def token(self, token: int) -> Flight | None:
        return self._by_token.get(token)

    def seq(self, seq: int) -> Flight | None:
        return self._by_seq.get(seq)

    def key(self, key: KeyOf) -> Flight | None:
        return self._by_key.get(key)

    def of_market(self, market: str) -> int:
        return self._of_market.get(market, 0)

    def landed(self) -> Iterator[Flight]:
        """Take out, in order, what is acknowledged with nothing unacknowledged ahead of it."""
        while self._by_token:
            head = next(iter(self._by_token.values()))
            if not head.acknowledged:
                return
            self.remove(head)
            yield head

    def fallen(self, seq: int) -> list[Flight]:
        """Take out everything from this sequence on, the last first."""
        fallen = [flight for flight in reversed(self._by_token.values()) if flight.seq >= seq]
        for flight in fallen:
            self.remove(flight)
        return fallen
