"""What the pipeline knows of one provider's event while it has markets on it."""

from enum import Enum, auto

from touchline.ingest.event_records import EventRecord
from touchline.ingest.identity import Ambiguous, EventView


class Standing(Enum):
    """How far the event's identity is."""

    ASKING = auto()
    """A look-up is under way and there is no earlier answer."""
    KNOWN = auto()
    AMBIGUOUS = auto()


class EventState:
    """One native event. `view` is what was asked last; `source` the market whose definition says it."""

    __slots__ = ("ambiguous", "asked", "markets", "record", "retry_at", "source", "standing", "view")

    def __init__(self, view: EventView, source: str) -> None:
        self.view = view
        self.asked: EventView | None = None
        """The view of the look-up under way."""
        self.source = source
        self.standing = Standing.ASKING
        self.record: EventRecord | None = None
        self.ambiguous: Ambiguous | None = None
        self.retry_at = 0
        self.markets: dict[str, None] = {}
        """Native markets in the order in which they appeared."""

    def describes_better(self, view: EventView, market: str) -> bool:
        """Whether a market's view of the event should replace the one asked last: one market speaks for all of an event."""
        if view == self.view:
            return False
        return market == self.source or self.source not in self.markets or (bool(view.home) and not self.view.home)
