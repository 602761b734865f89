"""A provider under the benchmark's command: it speaks the Exchange Stream protocol and notes when it sent what.

Ten markets make an event: the match winner and nine lines of goals. A market's first selection wanders over the exchange's price
ladder between 2 and 4, never to the price that it has, so every update is a change that reaches clients. Times are epoch
microseconds, taken before the bytes are handed to the socket.
"""

import asyncio
import time
from types import TracebackType
from typing import Any, Self

import msgspec

PER_EVENT = 10
PRICES = tuple(range(200, 300, 2)) + tuple(range(300, 401, 5))
"""In hundredths: steps of 0.02 up to 3, of 0.05 up to 4."""
FAR = 1000
"""The other side of the ladder, so that no book is ever crossed."""
IMAGE_MARKETS = 100
HEARTBEAT_S = 0.25
KICK_OFF = "2031-03-01T15:00:00.000Z"

Json = dict[str, Any]
_encode = msgspec.json.Encoder().encode


def wall_us() -> int:
    return time.time_ns() // 1000


class LoadMarket:
    """One market's present truth. `number` identifies it for the benchmark; `step` is its place on `PRICES`."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.id = f"1.{100_000_000 + number}"
        self.event = number // PER_EVENT
        self.kind = number % PER_EVENT
        self.step = number % len(PRICES)
        self.status = "OPEN"
        self.version = 1
        self.selections = [number * 10 + place for place in range(1, 4 if self.kind == 0 else 3)]

    @property
    def price(self) -> int:
        """Of the first selection, in hundredths."""
        return PRICES[self.step]

    def move(self) -> Json:
        """Go one step; the change to send."""
        before = self.price
        self.step = (self.step + 1) % len(PRICES)
        ladder = [[before / 100, 0], [self.price / 100, 25]]
        return {"id": self.id, "rc": [{"id": self.selections[0], "atb": ladder}]}

    def turn(self, status: str) -> Json:
        """Change the status; the change to send."""
        self.status = status
        self.version += 1
        return {"id": self.id, "marketDefinition": self.definition()}

    def image(self) -> Json:
        prices = [self.price / 100, 4.0, 4.0]
        runners = [
            {"id": selection, "atb": [[price, 25]], "atl": [[FAR, 5]]}
            for selection, price in zip(self.selections, prices, strict=False)
        ]
        return {"id": self.id, "img": True, "marketDefinition": self.definition(), "rc": runners}

    def definition(self) -> Json:
        home, away = f"Home {self.event}", f"Away {self.event}"
        names = [home, away, "The Draw"] if self.kind == 0 else ["Under", "Over"]
        return {
            "eventId": str(500_000 + self.event),
            "eventTypeId": "1",
            "eventName": f"{home} v {away}",
            "marketType": "MATCH_ODDS" if self.kind == 0 else f"OVER_UNDER_{self.kind}5",
            "bettingType": "ODDS",
            "status": self.status,
            "inPlay": False,
            "betDelay": 0,
            "version": self.version,
            "openDate": KICK_OFF,
            "marketTime": KICK_OFF,
            "runners": [
                {"id": selection, "status": "ACTIVE", "sortPriority": place, "name": name}
                for place, (selection, name) in enumerate(zip(self.selections, names, strict=True), 1)
            ],
        }


class LoadProvider:
    """Serves one ingest. `moved` has for each market and price when it was sent, `turned` the same for each status."""

    def __init__(self) -> None:
        self.markets: list[LoadMarket] = []
        self.moved: dict[tuple[int, int], list[int]] = {}
        self.turned: dict[tuple[int, str], list[int]] = {}
        self.port = 0
        self._messages = 0
        self._request = 0
        self._writer: asyncio.StreamWriter | None = None
        self._server: asyncio.Server | None = None
        self._beating: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        self._beating = asyncio.create_task(self._beat(), name="heartbeats")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._beating is not None:
            self._beating.cancel()
        if self._writer is not None:
            self._writer.close()
        if self._server is not None:
            self._server.close()

    def grow(self, total: int) -> None:
        """Show so many markets; who is subscribed is told of the new ones."""
        added = [LoadMarket(number) for number in range(len(self.markets), total)]
        self.markets += added
        for start in range(0, len(added) if self._request else 0, IMAGE_MARKETS):
            self._send(mc=[market.image() for market in added[start : start + IMAGE_MARKETS]])

    def move(self, number: int) -> None:
        """One price update of one market."""
        market = self.markets[number]
        change = market.move()
        self.moved.setdefault((number, market.price), []).append(wall_us())
        self._send(mc=[change])

    def turn(self, number: int, status: str) -> None:
        """Say that a market is OPEN or SUSPENDED."""
        change = self.markets[number].turn(status)
        self.turned.setdefault((number, status), []).append(wall_us())
        self._send(mc=[change])

    async def move_steadily(self, numbers: range, rate: float, seconds: float) -> int:
        """Move these markets in turn, `rate` updates a second; returns how many were sent.

        What fell due while the loop did something else is sent at once, so the rate holds on the average.
        """
        began = time.monotonic()
        sent, total = 0, round(rate * seconds)
        while sent < total:
            due = min(int((time.monotonic() - began) * rate) + 1, total)
            while sent < due:
                self.move(numbers[sent % len(numbers)])
                sent += 1
            await asyncio.sleep(max(began + sent / rate - time.monotonic(), 0))
        return sent

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(_encode({"op": "connection", "connectionId": "load"}) + b"\r\n")
        while line := await reader.readline():
            request = msgspec.json.decode(line)
            status = {"op": "status", "id": request["id"], "statusCode": "SUCCESS", "connectionClosed": False}
            writer.write(_encode(status) + b"\r\n")
            if request["op"] == "marketSubscription":
                self._writer, self._request = writer, request["id"]
                self._image(request)
        if self._writer is writer:
            self._writer, self._request = None, 0

    def _image(self, request: Json) -> None:
        """The whole book in segments."""
        parts = [self.markets[start : start + IMAGE_MARKETS] for start in range(0, len(self.markets), IMAGE_MARKETS)]
        for place, part in enumerate(parts):
            head: Json = {"ct": "SUB_IMAGE"}
            if place == 0:
                head |= {"initialClk": "load", "heartbeatMs": request["heartbeatMs"], "conflateMs": 0}
            if len(parts) > 1:
                head["segmentType"] = {0: "SEG_START", len(parts) - 1: "SEG_END"}.get(place, "SEG")
            self._send(**head, mc=[market.image() for market in part])

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            self._send(ct="HEARTBEAT")

    def _send(self, **message: Any) -> None:
        if self._writer is None:
            return
        self._messages += 1
        head = {"op": "mcm", "id": self._request, "clk": str(self._messages), "pt": wall_us() // 1000}
        self._writer.write(_encode(head | message) + b"\r\n")
