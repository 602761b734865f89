"""What a client knows of the markets, and the check that the server keeps the protocol's promises (PROTOCOL, WebSocket).

The rules, each verified on every object:

* a market's version never goes back, over reconnects too;
* a delta's `p` is the version that this client was last sent for the market, and its `v` is newer;
* a delta never arrives for a market of which no state was sent;
* a market is `Open` if and only if it has no holds.

No I/O: bytes in, changes out. A breach raises `ProtocolViolation` when `strict`; otherwise it is counted, the market is
forgotten, and its id is in `doubtful` until a new state of it arrives.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from touchline.domain.version import NEVER, Version, VersionError

_decode = msgspec.json.decode


class ProtocolViolation(Exception):
    """The server broke a rule of the protocol; the message quotes the object."""


class MarketView:
    """One market as the client knows it. `sel` has the price text by selection; `None`: not available now."""

    __slots__ = ("holds", "id", "meta", "sel", "status", "t", "version")

    def __init__(self, market: str) -> None:
        self.id = market
        self.version = NEVER
        self.status = ""
        self.holds: list[dict[str, Any]] = []
        self.sel: dict[str, str | None] = {}
        self.meta: dict[str, Any] = {}
        self.t: dict[str, Any] = {}


class Change(NamedTuple):
    """One applied object. `moved`: old and new price of each selection that changed. `kind`: state, delta or gone.

    `view` is the market as it is, which may be newer when the change is read later; `version` and `status` are the change's own.
    """

    kind: str
    view: MarketView
    moved: dict[str, tuple[str | None, str | None]]
    was: str
    """The status before."""
    version: Version
    status: str


class Replica:
    """Apply frames in the order of arrival."""

    def __init__(self, *, strict: bool = True) -> None:
        self.strict = strict
        self.markets: dict[str, MarketView] = {}
        self.violations = 0
        self.states = 0
        self.deltas = 0
        self.doubtful: set[str] = set()
        self._gone: dict[str, Version] = {}

    def versions(self) -> dict[str, str]:
        """What a `resume` says of these markets."""
        return {market: str(view.version) for market, view in self.markets.items()}

    def frame(self, raw: bytes | str) -> Iterator[tuple[dict[str, Any], Change | None]]:
        """Each object of one frame, and what it changed (`None` for answers to commands).

        Raises:
            ProtocolViolation: the frame is not JSON, or (when strict) an object breaks a rule.
        """
        try:
            content = _decode(raw)
        except msgspec.DecodeError as error:
            raise ProtocolViolation(f"a frame that is not JSON ({error}): {raw[:200]!r}") from error
        for item in content if isinstance(content, list) else (content,):
            yield item, self.apply(item)

    def apply(self, item: dict[str, Any]) -> Change | None:
        """One server object. Objects that are not about a market change nothing.

        Raises:
            ProtocolViolation: (when strict) it breaks a rule.
        """
        op = item.get("op")
        try:
            if op == "delta":
                return self._delta(item)
            if op == "state":
                return self._state(item)
            if op == "gone":
                return self._forget(item)
        except (KeyError, TypeError, AttributeError, VersionError) as error:
            raise ProtocolViolation(f"a malformed object ({error!r}): {item}") from error
        return None

    def _state(self, item: dict[str, Any]) -> Change | None:
        market = item["m"]
        version = Version.parse(item["v"])
        view = self.markets.get(market)
        known = view.version if view else self._gone.pop(market, NEVER)
        if version < known:
            return self._breach(f"a state of {market} went back from {known} to {version}", item)
        view = view or MarketView(market)
        before, was = view.sel, view.status
        view.version, view.status, view.holds = version, item["status"], item["holds"]
        view.sel = dict(item["sel"])
        view.meta = item.get("meta") or view.meta
        view.t = item.get("t") or {}
        self.markets[market] = view
        self.doubtful.discard(market)
        self.states += 1
        moved = {key: (before.get(key), price) for key, price in view.sel.items() if before.get(key) != price}
        return self._checked("state", view, moved, was, item)

    def _delta(self, item: dict[str, Any]) -> Change | None:
        market = item["m"]
        view = self.markets.get(market)
        if view is None:
            return None if market in self.doubtful else self._breach(f"a delta of {market} before any state", item)
        previous, version = Version.parse(item["p"]), Version.parse(item["v"])
        if previous != view.version:
            return self._breach(f"a delta of {market} continues {previous}, but {view.version} was sent last", item)
        if version <= previous:
            return self._breach(f"a delta of {market} does not go forward: {previous} -> {version}", item)
        was = view.status
        view.version = version
        view.status = item.get("status", view.status)
        view.holds = item.get("holds", view.holds)
        view.meta = {**view.meta, **item["meta"]} if item.get("meta") else view.meta
        view.t = item.get("t") or view.t
        moved = {}
        for key, price in (item.get("sel") or {}).items():
            old = view.sel.get(key)
            view.sel[key] = price
            if old != price:
                moved[key] = (old, price)
        self.deltas += 1
        return self._checked("delta", view, moved, was, item)

    def _forget(self, item: dict[str, Any]) -> Change | None:
        view = self.markets.pop(item["m"], None)
        version = Version.parse(item["v"])
        if view is None:
            return None
        self._gone[view.id] = max(version, view.version)
        if version < view.version:
            return self._breach(f"{view.id} is gone at {version}, but {view.version} was sent before", item)
        return Change("gone", view, {}, view.status, version, view.status)

    def _checked(
        self,
        kind: str,
        view: MarketView,
        moved: dict[str, tuple[str | None, str | None]],
        was: str,
        item: dict[str, Any],
    ) -> Change | None:
        if view.status == "Open" and view.holds:
            return self._breach(f"{view.id} is Open with holds", item)
        if view.status == "Suspended" and not view.holds:
            return self._breach(f"{view.id} is Suspended without a hold", item)
        return Change(kind, view, moved, was, view.version, view.status)

    def _breach(self, what: str, item: dict[str, Any]) -> Change | None:
        if self.strict:
            raise ProtocolViolation(f"{what}: {item}")
        self.violations += 1
        self.doubtful.add(item["m"])
        view = self.markets.pop(item["m"], None)
        if view is not None:
            self._gone[view.id] = view.version
        return None
