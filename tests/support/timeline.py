"""Everything that a client was told of every market, in order and with the time: what fault drills are judged by."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass

from support.stream_reader import Json, StreamReader
from touchline.domain.version import Version


@dataclass(frozen=True)
class Moment:
    """One state of one market. `at` is the test's clock in seconds, `wall` its epoch microseconds, `pub` the book's own stamp."""

    at: float
    wall: int
    pub: int
    market: str
    version: Version
    status: str
    reasons: frozenset[str]
    provider: str
    phase: str
    delay_ms: int
    sel: dict[str, str | None]


class Timeline(StreamReader):
    """A reader (strict about the protocol) that remembers. Give `message` to `TouchlineClient(on_frame=…)`."""

    def __init__(self) -> None:
        super().__init__()
        self.moments: list[Moment] = []

    def take(self, item: Json) -> None:
        super().take(item)
        if item["op"] not in {"state", "delta"}:
            return
        document = self.markets[item["m"]]
        meta = document.get("meta") or {}
        self.moments.append(
            Moment(
                at=asyncio.get_running_loop().time(),
                wall=time.time_ns() // 1000,
                pub=(document.get("t") or {}).get("pub", 0),
                market=item["m"],
                version=self.versions[item["m"]],
                status=document["status"],
                reasons=frozenset(hold["reason"] for hold in document["holds"]),
                provider=meta.get("provider", ""),
                phase=meta.get("phase", ""),
                delay_ms=meta.get("betDelayMs", 0),
                sel=dict(document["sel"]),
            )
        )

    def now(self, market: str) -> Moment | None:
        """The last that was told of a market."""
        return next((moment for moment in reversed(self.moments) if moment.market == market), None)

    def since(self, at: float, market: str = "") -> Iterator[Moment]:
        """What was told from a moment on, of one market or of all."""
        return (one for one in self.moments if one.at >= at and market in {"", one.market})

    def open_on(self, provider: str, kind: str) -> list[str]:
        """The markets of a type that are open now and served by a provider."""
        return [
            market
            for market, document in self.markets.items()
            if document["status"] == "Open" and f":{kind}" in market and document["meta"].get("provider") == provider
        ]
