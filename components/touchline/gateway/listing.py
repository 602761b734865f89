"""Every event the gateway knows, in the order in which `/v1/events` lists them: a page costs what is on it, not what there is.

Order is by start, then id; both are in the cursor, so pages stay stable while markets come, go and move: who is there all the while
and keeps its start is listed exactly once. Where an event stands depends on its markets' documents, which are parsed only when
somebody asks: changes mark their event, and the next question looks at the marked ones. Invariants between questions:

* an event that is not marked stands in the list of each of its scopes under the key that `_placed` has for it, and in no other list;
* every list is sorted;
* an event without markets is neither placed nor marked.
"""

from bisect import bisect_left, bisect_right, insort
from itertools import product
from typing import NamedTuple

from touchline.domain.status import Phase
from touchline.gateway.board import DELTA, GONE, Board, Change
from touchline.gateway.markets import MarketView

_META = b'"meta"'


class Key(NamedTuple):
    """Where an event stands in the list. `start`: epoch microseconds, 0 where not known."""

    start: int
    event: str


class Scope(NamedTuple):
    """Which events are listed; an empty text does not choose."""

    sport: str = ""
    league: str = ""
    phase: str = ""


class _Place(NamedTuple):
    key: Key
    scope: Scope
    """With every field filled in."""


class Listing:
    """See the module. `change` hears of everything that the board tells."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._lists: dict[Scope, list[Key]] = {}
        self._placed: dict[str, _Place] = {}
        self._marked: dict[str, None] = {}

    def change(self, change: Change) -> None:
        """Mark the event of a change that may move it: on the hot path, so prices must cost next to nothing."""
        if change.kind == DELTA and change.body is not None and _META not in change.body:
            return
        topic = change.market.topics[3]
        event = topic[len("event:") :]
        if change.kind == GONE and not self._markets(event):
            self._marked.pop(event, None)
            self._take_out(event)
        else:
            self._marked[event] = None

    def page(self, scope: Scope, *, after: Key | None, limit: int) -> tuple[list[Key], bool]:
        """At most `limit` events of a scope behind a key, and whether there are more."""
        self._settle()
        keys = self._lists.get(scope, [])
        first = 0 if after is None else bisect_right(keys, after)
        return keys[first : first + limit], first + limit < len(keys)

    def _settle(self) -> None:
        for event in self._marked:
            place = _place(event, self._markets(event))
            if self._placed.get(event) != place:
                self._take_out(event)
                self._placed[event] = place
                for scope in _scopes(place.scope):
                    insort(self._lists.setdefault(scope, []), place.key)
        self._marked.clear()

    def _take_out(self, event: str) -> None:
        place = self._placed.pop(event, None)
        if place is None:
            return
        for scope in _scopes(place.scope):
            keys = self._lists[scope]
            del keys[bisect_left(keys, place.key)]
            if not keys:
                del self._lists[scope]

    def _markets(self, event: str) -> list[MarketView]:
        return list(self._board.matching(f"event:{event}"))


def start_of(market: MarketView) -> int:
    """Start of a market's event, epoch microseconds; 0 where not known."""
    of_event = market.document().get("meta", {}).get("event") or {}
    return int(of_event.get("start") or 0)


def phase_of(markets: list[MarketView]) -> Phase:
    """An event is in play as soon as one of its markets is."""
    live = any(market.document().get("meta", {}).get("phase") == Phase.IN_PLAY for market in markets)
    return Phase.IN_PLAY if live else Phase.PRE_MATCH


def _place(event: str, markets: list[MarketView]) -> _Place:
    """The oldest market speaks for its event where they differ."""
    _, sport, league, *_ = (topic.partition(":")[2] for topic in markets[0].topics)
    return _Place(Key(start_of(markets[0]), event), Scope(sport, league, phase_of(markets).value))


def _scopes(scope: Scope) -> list[Scope]:
    """Every scope that an event belongs to: each of its fields chosen, or not."""
    return [Scope(*fields) for fields in product(*(("", text) for text in scope))]
