"""The documents of the queries, as OpenAPI describes them."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Document(BaseModel):
    model_config = ConfigDict(populate_by_name=True, extra="allow")


class MarketDocument(Document):
    """One market: what a `state` frame says of it, and where that comes from."""

    id: str = Field(description="Market id.", examples=["e7f3a1:MatchWinner"])
    version: str = Field(description="`<epoch>.<seq>`.", examples=["3.1190"])
    status: str = Field(description="Open, Suspended, Closed, Settled or Cancelled.")
    holds: list[dict[str, Any]] = Field(description="Why it is suspended; empty when open.")
    sel: dict[str, str | None] = Field(description="Decimal odds by selection; null: not available now.")
    meta: dict[str, Any] = Field(default_factory=dict, description="Sport, league, event, phase, names, provider, …")
    t: dict[str, int] = Field(default_factory=dict, description="Epoch microseconds: src, recv, pub.")
    detail: dict[str, Any] | None = Field(
        default=None, description="The leader's own explanation: every provider's prices, freshness, holds."
    )
    source: str = Field(
        description="Leader: the leader explained it just now. Gateway: it did not answer; this is what this gateway was told."
    )


class EventSummary(Document):
    """One event."""

    id: str = Field(description="Event id.", examples=["e7f3a1"])
    sport: str
    league: str
    name: str
    home: str = ""
    away: str = ""
    start: int = Field(description="Start, epoch microseconds; 0 where not known.")
    phase: str = Field(description="PreMatch or InPlay.")
    status: str = Field(
        description="Open if any of its markets is, else the first of Suspended, Closed, Settled, Cancelled."
    )
    markets: list[str] = Field(description="Its market ids.")


class EventPage(Document):
    """A page of events, earliest start first."""

    events: list[EventSummary]
    cursor: str | None = Field(default=None, description="Give it back as `cursor` for the next page; null: no more.")


class EventDocument(Document):
    """One event with all its markets."""

    id: str
    sport: str
    league: str
    name: str
    home: str = ""
    away: str = ""
    start: int
    phase: str
    status: str
    markets: list[MarketDocument]


class DecisionDocument(Document):
    """What was decided about a bet."""

    key: str = Field(description="The bettor's idempotency key.")
    id: str = Field(default="", description="The bet's id.")
    decision: str = Field(description="Accepted, Rejected, Repriced, Pending or Review.")
    reason: str = Field(default="", description="Why it was not accepted as asked.")


class ProblemDocument(Document):
    """A problem document (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str = ""
    errors: list[dict[str, str]] = Field(default_factory=list)
