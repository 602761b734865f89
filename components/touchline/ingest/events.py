"""The events of one provider as its markets describe them, and what the registry is to be asked about them.

An event is here as long as a market is on it. One question is under way for each at most; what describes it better meanwhile is
asked next. `rest` takes the questions, in their order.
"""

from touchline.ingest.event_records import Resolved
from touchline.ingest.event_state import EventState, Standing
from touchline.ingest.identity import Ambiguous, EventView
from touchline.ingest.market_state import MarketState
from touchline.ingest.results import LookUp, Result

AMBIGUOUS_RETRY_US = 30_000_000


class Events:
    """By the key under which the provider's markets name them."""

    def __init__(self) -> None:
        self._events: dict[str, EventState] = {}
        self.pending = 0
        """Look-ups under way whose markets have never been published."""

    def __len__(self) -> int:
        return len(self._events)

    def attach(self, native_id: str, market: MarketState, view: EventView, rest: list[Result]) -> EventState:
        """Put a market under its event; asks for the event's id where it is new or described better."""
        if market.event_key and market.event_key != view.native_id:
            self.detach(native_id, market)
        market.event_key = view.native_id
        event = self._events.get(view.native_id)
        if event is None:
            event = self._events[view.native_id] = EventState(view, native_id)
            self.pending += 1
            _ask(view.native_id, event, rest)
        elif event.describes_better(view, native_id):
            event.view, event.source = view, native_id
            if event.asked is None:
                _ask(view.native_id, event, rest)
        event.markets[native_id] = None
        return event

    def detach(self, native_id: str, market: MarketState) -> None:
        """Take a market from its event, if it is under one; the event goes with its last market."""
        event = self._events.get(market.event_key)
        if event is not None:
            event.markets.pop(native_id, None)
            if not event.markets:
                del self._events[market.event_key]
                if event.standing is Standing.ASKING:
                    self.pending -= 1
        market.event_key = ""

    def answered(self, now: int, key: str, outcome: Resolved | Ambiguous, rest: list[Result]) -> EventState | None:
        """The answer to a `LookUp`, at `now` (monotonic microseconds); None where nobody waits for it."""
        event = self._events.get(key)
        if event is None or event.asked is None:
            return None
        if event.standing is Standing.ASKING:
            self.pending -= 1
        asked, event.asked = event.asked, None
        if isinstance(outcome, Ambiguous):
            event.standing, event.ambiguous, event.record = Standing.AMBIGUOUS, outcome, None
            event.retry_at = now + AMBIGUOUS_RETRY_US
        else:
            event.standing, event.ambiguous, event.record = Standing.KNOWN, None, outcome.record
        if event.view != asked:
            _ask(key, event, rest)
        return event

    def failed(self, key: str, rest: list[Result]) -> None:
        """The registry could not answer: ask again."""
        event = self._events.get(key)
        if event is not None and event.asked is not None:
            _ask(key, event, rest)

    def moved(self, key: str, internal: str, rest: list[Result]) -> None:
        """Somebody recorded that an event is this internal one: ask, unless that is known or being asked."""
        event = self._events.get(key)
        if event is None or event.asked is not None or (event.record is not None and event.record.id == internal):
            return
        _ask(key, event, rest)

    def tick(self, now: int, rest: list[Result]) -> None:
        """Time passed: what was ambiguous is asked for again."""
        for key, event in self._events.items():
            if event.standing is Standing.AMBIGUOUS and event.asked is None and now >= event.retry_at:
                _ask(key, event, rest)


def _ask(key: str, event: EventState, rest: list[Result]) -> None:
    event.asked = event.view
    rest.append(LookUp(key, event.view))
