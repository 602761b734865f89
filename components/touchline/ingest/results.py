"""What the pipeline wants done, and which part of a feed it is used for."""

from typing import NamedTuple

from touchline.bus.messages import MarketUpdate
from touchline.feeds.interface import NativeUpdate
from touchline.ingest.identity import EventView
from touchline.ingest.refusals import Refusal


class Publish(NamedTuple):
    """One message's updates, whole."""

    updates: list[MarketUpdate]


class Quarantine(NamedTuple):
    """Something refused, with what is needed to see why and to replay it."""

    refusal: Refusal
    market: str
    event: str
    update: NativeUpdate | None


class LookUp(NamedTuple):
    """Ask the registry which internal event this is; answer with `resolved(key, …)`."""

    key: str
    view: EventView


Result = Publish | Quarantine | LookUp


class Coverage(NamedTuple):
    """Internal sports and leagues that the provider is used for; `*` is all."""

    sports: frozenset[str]
    leagues: frozenset[str]

    def covers(self, sport: str, league: str) -> bool:
        return ("*" in self.sports or sport in self.sports) and ("*" in self.leagues or league in self.leagues)
