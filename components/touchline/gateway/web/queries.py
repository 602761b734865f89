"""Events and markets, from what this gateway knows."""

import base64
import binascii
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Query
from nats.errors import Error as NatsError

from touchline.bus import subjects
from touchline.domain.status import MarketStatus, Phase
from touchline.gateway.board import Board
from touchline.gateway.listing import Key, Scope, phase_of, start_of
from touchline.gateway.markets import MarketView
from touchline.gateway.problems import Fault, Problem, malformed
from touchline.gateway.web.access import Customer, TheService
from touchline.gateway.web.documents import EventDocument, EventPage, MarketDocument

router = APIRouter(prefix="/v1", tags=["queries"])

DETAIL_S = 0.5
MOST = 500
_STATUS_ORDER = [status.value for status in MarketStatus]


@router.get("/events", response_model=EventPage)
async def list_events(
    service: TheService,
    _customer: Customer,
    sport: Annotated[str, Query(max_length=64, description="Only this sport.")] = "",
    league: Annotated[str, Query(max_length=64, description="Only this league.")] = "",
    phase: Annotated[Phase | None, Query(description="Only before or after the start.")] = None,
    cursor: Annotated[str, Query(max_length=256, description="Of the page before.")] = "",
    limit: Annotated[int, Query(ge=1, le=MOST, description="Events on a page.")] = 100,
) -> EventPage:
    """Events with their market ids, earliest start first.

    Pages are stable: an event that is there all the while and keeps its start is on exactly one of them.
    """
    hub = service.hub
    scope = Scope(sport, league, phase.value if phase else "")
    keys, more = hub.listing.page(scope, after=read_cursor(cursor) if cursor else None, limit=limit)
    page = [_summary(hub.board, key.event, list(hub.board.matching(f"event:{key.event}"))) for key in keys]
    return EventPage.model_validate({"events": page, "cursor": write_cursor(keys[-1]) if more else None})


@router.get("/events/{event}", response_model=EventDocument, responses={404: {"description": "No such event"}})
async def get_event(
    service: TheService, _customer: Customer, event: Annotated[str, Path(max_length=64, description="Event id.")]
) -> EventDocument:
    """One event with all its markets."""
    board = service.hub.board
    markets = list(board.matching(f"event:{event}"))
    if not markets:
        raise Problem(404, "unknown-event", "No such event", f"no event {event!r} is known")
    summary = _summary(board, event, markets)
    documents = [market_document(board, market, "Gateway") for market in markets]
    return EventDocument.model_validate({**summary, "markets": documents})


@router.get("/markets/{market:path}", response_model=MarketDocument, responses={404: {"description": "No such market"}})
async def get_market(
    service: TheService, _customer: Customer, market: Annotated[str, Path(max_length=160, description="Market id.")]
) -> MarketDocument:
    """One market with prices, version, holds and source, explained by its leader where it answers."""
    board = service.hub.board
    known = board.markets.get(market)
    if known is None:
        raise Problem(404, "unknown-market", "No such market", f"no market {market!r} is known")
    request = msgspec.json.encode({"market": market})
    detail = None
    try:
        reply = await service.nc.request(subjects.market_detail(known.shard), request, timeout=DETAIL_S)
        detail = msgspec.json.decode(reply.data)
    except (NatsError, TimeoutError, OSError, msgspec.DecodeError):
        detail = None  # nobody leads, or not now: what we were told is the answer, and says so
    document = market_document(board, known, "Gateway" if detail is None else "Leader")
    if isinstance(detail, dict):
        document["detail"] = detail
    return MarketDocument.model_validate(document)


def market_document(board: Board, market: MarketView, source: str) -> dict[str, Any]:
    """A market as clients see it."""
    shown = dict(market.shown_document(board.shards[market.shard].lost_since))
    for field in ("op", "m", "v"):
        shown.pop(field, None)
    return {"id": market.id, "version": str(market.version), **shown, "source": source}


def _summary(board: Board, event: str, markets: list[MarketView]) -> dict[str, Any]:
    """One event; its oldest market speaks for it where they differ."""
    shown = [market.shown_document(board.shards[market.shard].lost_since) for market in markets]
    meta = shown[0].get("meta") or {}
    of_event = meta.get("event") or {}
    return {
        "id": event,
        "sport": meta.get("sport", ""),
        "league": meta.get("league", ""),
        "name": of_event.get("name", ""),
        "home": of_event.get("home", ""),
        "away": of_event.get("away", ""),
        "start": start_of(markets[0]),
        "phase": phase_of(markets).value,
        "status": min((document["status"] for document in shown), key=_STATUS_ORDER.index),
        "markets": [market.id for market in markets],
    }


def write_cursor(key: Key) -> str:
    """Opaque to clients: where a page ended."""
    return base64.urlsafe_b64encode(f"{key.start} {key.event}".encode()).decode().rstrip("=")


def read_cursor(text: str) -> Key:
    """The inverse.

    Raises:
        Problem: not one of ours.
    """
    try:
        start, _, event = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().partition(" ")
        return Key(int(start), event)
    except (ValueError, binascii.Error) as error:
        raise malformed("the request is malformed", [Fault("/query/cursor", "not a cursor of this list")]) from error
