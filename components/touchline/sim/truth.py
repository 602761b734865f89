"""What a simulated provider really says: per market its status and best prices, and when each of them changed."""

from collections import deque
from typing import Any

from touchline.sim.exchange import Exchange, Published

REMEMBERED = 5000
"""Changes kept of one market."""


class MarketTruth:
    """`history`: the moments at which the status or a best price changed; `at_us` is epoch microseconds."""

    def __init__(self) -> None:
        self.now: dict[str, Any] = {}
        self.history: deque[dict[str, Any]] = deque(maxlen=REMEMBERED)


class Truth:
    """Kept beside one exchange."""

    def __init__(self) -> None:
        self._markets: dict[str, MarketTruth] = {}

    def note(self, exchange: Exchange, published: Published, wall: int) -> None:
        """Look at the markets that a message changed."""
        for change in published.changes:
            market = exchange.markets.get(change["id"])
            if market is None:
                continue
            definition = market.definition or {}
            current = {
                "event": definition.get("eventId", ""),
                "eventName": definition.get("eventName", ""),
                "type": definition.get("marketType", ""),
                "status": definition.get("status", ""),
                "inPlay": definition.get("inPlay", False),
                "betDelay": definition.get("betDelay", 0),
                "best": market.best_back(),
            }
            known = self._markets.setdefault(market.name, MarketTruth())
            if {key: value for key, value in known.now.items() if key != "at_us"} != current:
                known.now = {**current, "at_us": wall}
                known.history.append({key: known.now[key] for key in ("at_us", "status", "inPlay", "best")})

    def forget(self, name: str) -> None:
        self._markets.pop(name, None)

    def document(self) -> dict[str, Any]:
        return {name: {**market.now, "history": list(market.history)} for name, market in self._markets.items()}
