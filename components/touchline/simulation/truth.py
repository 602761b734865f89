"""What each provider really offered, and when: the measure of every accepted bet.

Two histories are kept by provider and market. `Truth.offered` is the provider's own; `Truth.known` is what its ingest had been told. The
freshness proof binds a decision to the second within the class's `maxAge`, and to the first within the provider's silence and delay.
"""

from collections.abc import Mapping
from typing import NamedTuple


class Said(NamedTuple):
    """From `at` on (true time), until the next one."""

    at: int
    open: bool
    prices: Mapping[str, int]


class History:
    """One provider's word on one market over time."""

    def __init__(self) -> None:
        self.said: list[Said] = []

    def say(self, at: int, is_open: bool, prices: Mapping[str, int]) -> None:
        self.said.append(Said(at, is_open, dict(prices)))

    def offered(self, selection: str, micro: int, start: int, end: int) -> bool:
        """Whether the selection could be bet on at this price at some moment from `start` to `end`."""
        for said in reversed(self.said):
            if said.at > end:
                continue
            if said.open and said.prices.get(selection) == micro:
                return True
            if said.at <= start:
                return False
        return False

    def open_between(self, start: int, end: int) -> bool:
        """Whether the market was open at some moment of this time."""
        for said in reversed(self.said):
            if said.at > end:
                continue
            if said.open:
                return True
            if said.at <= start:
                return False
        return False

    def around(self, start: int, end: int) -> str:
        """The part of the history that covers a time, as text."""
        parts: list[str] = []
        for said in reversed(self.said):
            if said.at <= end:
                prices = " ".join(f"{name}={micro}" for name, micro in said.prices.items())
                parts.append(f"{said.at / 1e6:.3f} {'open' if said.open else 'shut'} {prices}")
                if said.at <= start:
                    break
        return "; ".join(reversed(parts)) or "nothing"


class Truth:
    """Both histories of every provider and market."""

    def __init__(self) -> None:
        self.offered: dict[tuple[str, str], History] = {}
        self.known: dict[tuple[str, str], History] = {}

    def offer(self, provider: str, market: str, at: int, is_open: bool, prices: Mapping[str, int]) -> None:
        self.offered.setdefault((provider, market), History()).say(at, is_open, prices)

    def learn(self, provider: str, market: str, at: int, is_open: bool, prices: Mapping[str, int]) -> None:
        self.known.setdefault((provider, market), History()).say(at, is_open, prices)
