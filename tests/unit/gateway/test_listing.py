"""The list of events against a plain sort of all of them, and pages read while everything changes."""

from collections.abc import Callable, Iterator
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from support.scripted_leader import ScriptedLeader
from touchline.bus.wire import unpack
from touchline.gateway.board import Board, Change
from touchline.gateway.listing import Key, Listing, Scope
from touchline.gateway.markets import MarketView

EVENTS = tuple(f"e{number}" for number in range(6))
KINDS = ("MatchWinner", "TotalGoals:2.5")
SPORTS = {"e0": ("Football", "epl"), "e1": ("Football", "laliga"), "e2": ("Tennis", "atp")}
SCOPES = [Scope(*fields) for fields in product(("", "Football"), ("", "epl", "atp"), ("", "PreMatch", "InPlay"))]

deeds = st.tuples(
    st.sampled_from(["open", "open", "remove", "price", "turn", "restate", "reschedule"]),
    st.sampled_from([f"{event}:{kind}" for event in EVENTS for kind in KINDS]),
    st.integers(0, 3),
)


class World:
    """One shard's leader, and what a gateway makes of it."""

    def __init__(self) -> None:
        self.leader = ScriptedLeader(0)
        self.board = Board(shards=1, silence_us=10**9, on_change=self._told)
        self.listing = Listing(self.board)
        frames, end = self.leader.snapshot()
        self.board.snapshot(0, 0, [(subject, unpack(payload)) for subject, payload in frames], end)

    def _told(self, change: Change) -> None:
        self.listing.change(change)

    def do(self, deed: tuple[str, str, int]) -> None:
        """Carry a deed out, if it can be, on the market (a start is its event's: all its markets say the same)."""
        what, market, number = deed
        known = market in self.leader.markets
        if known == (what == "open"):
            return
        sport, league = SPORTS.get(market.partition(":")[0], ("Football", "epl"))
        frames: dict[str, Callable[[], list[tuple[str, bytes]]]] = {
            "open": lambda: [self.leader.open(market, sport=sport, league=league)],
            "remove": lambda: [self.leader.remove(market)],
            "price": lambda: [self.leader.price(market, home=f"{number + 2}.00")],
            "turn": lambda: [self.leader.turn(market)],
            "restate": lambda: [self.leader.restate(market)],
            "reschedule": lambda: [
                self.leader.reschedule(sibling, number)
                for sibling in list(self.leader.markets)
                if sibling.startswith(market.partition(":")[0] + ":")
            ],
        }
        for subject, payload in frames[what]():
            self.board.book(0, subject, unpack(payload))

    def truth(self, scope: Scope) -> list[Key]:
        """Every event of a scope from a look at every market, sorted."""
        events: dict[str, list[MarketView]] = {}
        for market in self.board.markets.values():
            events.setdefault(market.id.partition(":")[0], []).append(market)
        keys = []
        for event, markets in events.items():
            documents = [market.document() for market in markets]
            phase = "InPlay" if any(one["meta"]["phase"] == "InPlay" for one in documents) else "PreMatch"
            of = Scope(documents[0]["meta"]["sport"], documents[0]["meta"]["league"], phase)
            if all(not wanted or wanted == given for wanted, given in zip(scope, of, strict=True)):
                keys.append(Key(documents[0]["meta"]["event"]["start"], event))
        return sorted(keys)

    def pages(self, scope: Scope, limit: int) -> Iterator[list[Key]]:
        """Page by page, as a client follows the cursor."""
        after, more = None, True
        while more:
            keys, more = self.listing.page(scope, after=after, limit=limit)
            assert len(keys) <= limit
            assert len(keys) == limit or not more
            assert not keys or after is None or keys[0] > after, "the list goes backwards"
            yield keys
            after = keys[-1] if keys else after


@given(st.lists(st.lists(deeds, max_size=12), max_size=4), st.integers(1, 4))
def test_pages_together_are_all_events_of_a_scope_in_order(
    rounds: list[list[tuple[str, str, int]]], limit: int
) -> None:
    world = World()
    for deeds_of_round in rounds:
        for deed in deeds_of_round:
            world.do(deed)
        for scope in SCOPES:
            pages = list(world.pages(scope, limit))
            assert [key for page in pages for key in page] == world.truth(scope)
            assert all(pages[1:]), "a page is promised that has nothing on it"


@given(st.lists(deeds, max_size=30), st.lists(st.lists(deeds, max_size=3), max_size=8), st.integers(1, 3))
def test_an_event_that_stays_is_on_exactly_one_page_whatever_happens_between_the_pages(
    before: list[tuple[str, str, int]], between: list[list[tuple[str, str, int]]], limit: int
) -> None:
    world = World()
    for deed in before:
        world.do(deed)
    stays = set(world.truth(Scope()))
    changes = iter(between)
    seen: list[Key] = []
    for page in world.pages(Scope(), limit):
        seen += page
        for deed in next(changes, []):
            world.do(deed)
            stays &= set(world.truth(Scope()))
    assert seen == sorted(set(seen))
    assert stays <= set(seen)


def test_prices_mark_nothing_and_a_question_looks_at_marked_events_only() -> None:
    world = World()
    for number in range(200):
        world.do(("open", f"{EVENTS[number % 6]}:MatchWinner", 0))
    world.listing.page(Scope(), after=None, limit=1)
    looked: list[str] = []
    matching = world.board.matching

    def noted(topic: str) -> object:
        looked.append(topic)
        return matching(topic)

    world.board.matching = noted  # type: ignore[method-assign, assignment]
    world.do(("price", "e3:MatchWinner", 1))
    world.listing.page(Scope(), after=None, limit=1)
    assert looked == []
    world.do(("turn", "e3:MatchWinner", 0))
    world.do(("price", "e4:MatchWinner", 1))
    world.listing.page(Scope(phase="InPlay"), after=None, limit=1)
    assert looked == ["event:e3"]


def test_events_that_went_leave_nothing_behind() -> None:
    world = World()
    for deed in ("open", "turn", "remove"):
        world.do((deed, "e0:MatchWinner", 0))
    assert world.listing.page(Scope(), after=None, limit=5) == ([], False)
    for deed in ("open", "remove"):  # nobody asked between
        world.do((deed, "e1:MatchWinner", 0))
    assert not world.listing._marked
    assert not world.listing._placed
    assert not world.listing._lists
