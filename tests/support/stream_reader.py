"""A reader of the gateway's stream that trusts nothing: every object is checked against the protocol's rules as it arrives."""

import json
from typing import Any

from touchline.domain.version import Version

Json = dict[str, Any]


class BrokenPromise(AssertionError):
    """The server broke a rule of the protocol."""


class StreamReader:
    """What one client knows. `lenient` is the rule for Server-Sent Events: a delta that is not newer is skipped."""

    def __init__(self, *, lenient: bool = False) -> None:
        self.markets: dict[str, Json] = {}
        self.versions: dict[str, Version] = {}
        """The last version that was sent of each market, gone ones too."""
        self.lenient = lenient
        self.oks: list[Json] = []
        self.errors: list[Json] = []
        self.synced: list[Any] = []
        self.bets: list[Json] = []
        self.drains: list[Json] = []
        self.states = 0
        self.deltas = 0

    def resume(self) -> dict[str, str]:
        return {market: document["v"] for market, document in self.markets.items()}

    def message(self, text: str | bytes) -> None:
        """One WebSocket message."""
        content = json.loads(text)
        if isinstance(content, list) and len(content) < 2:
            raise BrokenPromise(f"an array of {len(content)} objects")
        for item in content if isinstance(content, list) else [content]:
            self.take(item)

    def take(self, item: Json) -> None:
        """One object."""
        op = item["op"]
        if op in {"state", "delta", "gone"}:
            getattr(self, "_" + op)(item)
        elif op == "ok":
            self.oks.append(item)
            if item.get("resumed") is False:
                self.markets.clear()
                self.versions.clear()
        elif op == "error":
            self.errors.append(item)
        elif op == "synced":
            self.synced.append(item["id"])
        elif op == "bet":
            self.bets.append(item)
        elif op == "drain":
            self.drains.append(item)
        else:
            raise BrokenPromise(f"an unknown object: {item}")

    def _state(self, item: Json) -> None:
        version = self._forward(item, at_least=True)
        if (item["status"] == "Suspended") != bool(item["holds"]):
            raise BrokenPromise(f"status and holds disagree: {item}")
        self.markets[item["m"]] = {key: value for key, value in item.items() if key != "op"}
        self.versions[item["m"]] = version
        self.states += 1

    def _delta(self, item: Json) -> None:
        market = self.markets.get(item["m"])
        known = self.versions.get(item["m"])
        if self.lenient and known is not None and Version.parse(item["v"]) <= known:
            return
        if market is None:
            raise BrokenPromise(f"a delta of a market that was not stated: {item}")
        if item["p"] != market["v"]:
            raise BrokenPromise(f"a delta from {item['p']}, but {market['v']} was sent last: {item}")
        version = self._forward(item, at_least=False)
        for field, value in item.items():
            if field in {"sel", "meta"}:
                market[field] = {**market.get(field, {}), **value}
            elif field not in {"op", "m", "p"}:
                market[field] = value
        self.versions[item["m"]] = version
        self.deltas += 1

    def _gone(self, item: Json) -> None:
        self.versions[item["m"]] = self._forward(item, at_least=True)
        self.markets.pop(item["m"], None)

    def _forward(self, item: Json, *, at_least: bool) -> Version:
        version = Version.parse(item["v"])
        known = self.versions.get(item["m"], Version(0, 0))
        if version < known or (version == known and not at_least):
            raise BrokenPromise(f"{item['m']} went back from {known}: {item}")
        return version


class EventReader:
    """Server-Sent Events taken apart, into a `StreamReader`. `last_id` is what a browser would give back."""

    def __init__(self, reader: StreamReader, last_id: str = "") -> None:
        self.reader = reader
        self.last_id = last_id
        self._rest = b""

    def feed(self, data: bytes) -> None:
        *whole, self._rest = (self._rest + data).split(b"\n\n")
        for block in whole:
            lines = [line.partition(b":") for line in block.split(b"\n")]
            fields = {name: value.removeprefix(b" ") for name, _, value in lines}
            if b"data" not in fields:
                continue
            item = json.loads(fields[b"data"])
            if item["op"] != fields[b"event"].decode():
                raise BrokenPromise(f"event {fields[b'event']!r} carries {item}")
            if item["op"] != "close":
                self.reader.take(item)
            if b"id" in fields:
                self.last_id = fields[b"id"].decode()
