"""What a shard's book gives back: what to publish, what to ask, what to write down, and what the desk needs to know."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

import msgspec

from touchline.api.v1alpha1.market import Market
from touchline.bus.messages import ResyncRequest
from touchline.domain.holds import Hold
from touchline.domain.status import MarketStatus
from touchline.domain.version import Version


class Publish(msgspec.Struct, frozen=True, gc=False):
    """One update of one market, ready for the wire (`touchline.bus.wire`). `urgent`: it shuts the market."""

    subject: str
    payload: bytes
    market: str
    urgent: bool


class AskResync(msgspec.Struct, frozen=True):
    """Ask a provider's ingest for complete images of this shard."""

    provider: str
    request: ResyncRequest


class NoteKind(StrEnum):
    """What a note is about; a log line's topic and a metric's label."""

    HELD = "Held"
    REOPENED = "Reopened"
    SERVING = "Serving"
    SYNC = "Sync"
    FINAL = "Final"
    GONE = "Gone"
    REFUSED = "Refused"
    LEADERSHIP = "Leadership"


class Note(msgspec.Struct, frozen=True):
    """Something worth a log line: `subject` is a market id or a provider's name, `text` one sentence with figures."""

    kind: NoteKind
    subject: str
    text: str


BookOutput = Publish | AskResync | Note


class Quote(NamedTuple):
    """A market as the desk must see it when it judges a bet.

    `fresh` and `age_us` are judged at the moment of asking, not at the last tick. `selections` is a live, read-only view:
    micro prices by selection, 0 or absent where a selection cannot be bet on.
    """

    status: MarketStatus
    holds: tuple[Hold, ...]
    version: Version
    selections: Mapping[str, int]
    fresh: bool
    age_us: int
    max_age_us: int
    market_class: Market | None
    in_play: bool
    delay_us: int
    provider: str
