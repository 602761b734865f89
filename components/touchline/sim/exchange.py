"""One simulated exchange: its books, and the numbered history from which a subscriber can resume.

A state machine without a clock: what is published carries the time that it is given.
"""

import base64
from collections import deque
from typing import NamedTuple
from zlib import crc32

import msgspec

from touchline.sim.raw_book import Change, RawMarket, merge

HISTORY = 4096
"""Messages that can be resumed from; a `clk` before them is refused."""


class Published(NamedTuple):
    """One message of the exchange, before it is cut to a subscriber's criteria."""

    number: int
    publish_ms: int
    changes: list[Change]


class Exchange:
    """`instance` makes the clocks of one run worthless to another."""

    def __init__(self, instance: str, *, filter_fields: bool = True) -> None:
        """`filter_fields`: cut changes to the data that a subscriber asked for; a recording is served as it was recorded."""
        self.markets: dict[str, RawMarket] = {}
        self.filter_fields = filter_fields
        self.number = 0
        self._instance = instance
        self._history: deque[Published] = deque(maxlen=HISTORY)

    def publish(self, changes: list[Change], publish_ms: int) -> Published:
        """Apply changes to the books and give them a number."""
        marked = []
        for change in changes:
            market = self.markets.get(change["id"])
            if market is None:
                # The first that is heard of a market is its image, and says so.
                market = self.markets[change["id"]] = RawMarket(change["id"])
                change = {**change, "img": True}  # noqa: PLW2901
            market.apply(change)
            marked.append(change)
        self.number += 1
        published = Published(self.number, publish_ms, marked)
        self._history.append(published)
        return published

    def remove(self, name: str) -> None:
        """Show a market no longer. Subscribers are not told, as on the real exchange; images leave it out."""
        self.markets.pop(name, None)

    def images(self) -> list[Change]:
        return [market.word(image=True) for market in self.markets.values()]

    def since(self, number: int) -> list[Change] | None:
        """The merged changes after a message; None where it is too long ago."""
        if number > self.number or (self._history and number < self._history[0].number - 1):
            return None
        return merge(change for published in self._history if published.number > number for change in published.changes)

    # Clocks: opaque to clients. The initial clock binds to this run and to the criteria, the clock to a message.

    def initial_clk(self, criteria: Change) -> str:
        canonical = msgspec.json.encode(criteria, order="deterministic")
        return base64.b64encode(f"{self._instance}/{crc32(canonical):08x}".encode()).decode()

    def clk(self, number: int) -> str:
        return base64.b64encode(f"{self._instance}:{number}".encode()).decode()

    def read_clk(self, initial_clk: str, clk: str, criteria: Change) -> int | None:
        """The number that a clock stands for; None if it is of another run, of other criteria, or no clock."""
        try:
            instance, _, number = base64.b64decode(clk, validate=True).decode().rpartition(":")
            return int(number) if initial_clk == self.initial_clk(criteria) and instance == self._instance else None
        except ValueError:
            return None
