"""Random lives of a book: whatever comes in whatever order, the invariants stand and readers lose nothing.

Two books get the same inputs: one as it is, one whose hot path is switched off. They must publish the same bytes, so the hot path
is right wherever the general one is. The reader of `support.book_scene` checks chains, versions and urgency after each input.
"""

from collections.abc import Mapping

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from support.book_scene import MS, SECOND, WALL, Scene, config, market_class, meta_of, policy, selections
from touchline.book.config import BookConfig, HaltConfig
from touchline.book.outputs import BookOutput, Publish
from touchline.book.shard import ShardBook
from touchline.bus.messages import Beat, MarketUpdate, OddsBatch, Resync
from touchline.domain.status import MarketStatus, ProviderState

PROVIDERS = st.sampled_from(["a", "b"])
MARKETS = ("e1:MatchWinner", "e1:TotalGoals:2.5", "e2:MatchWinner")
NAMES = {"x": "X", "y": "Y", "z": "Z"}
TEXTS = st.sampled_from(["", "1.20", "1.50", "1.90", "1.92", "1.94", "2.00", "2.02", "2.04", "2.10", "3.50", "9.00"])
PRICES = st.dictionaries(st.sampled_from(list(NAMES)), TEXTS, max_size=3)
TRIGGERS = [
    {"name": "late", "type": "FeedDelay", "feedDelay": {"threshold": "200ms"}},
    {"name": "swing", "type": "PriceMove", "priceMove": {"percent": "15"}},
    {
        "name": "jump",
        "type": "PriceMove",
        "priceMove": {"metric": "DecimalPrice", "percent": "70", "within": "1s"},
        "scope": "Selection",
    },
    {"name": "lost", "type": "ProviderDisconnect", "scope": "Provider"},
    {"name": "goal", "type": "EventStatus", "eventStatus": {"incidents": ["Goal", "TurnInPlay"]}, "scope": "Event"},
    {
        "name": "differ",
        "type": "ProviderDisagreement",
        "providerDisagreement": {"percent": "20", "for": "1s"},
        "action": "SuspendAndReview",
    },
    {"name": "gap", "type": "SequenceGap"},
]
POLICIES = st.builds(
    lambda chosen, cool, checks: policy(*chosen, coolDown=cool, checks=checks),
    st.lists(st.sampled_from(TRIGGERS), unique_by=lambda trigger: str(trigger["name"])),
    st.sampled_from(["0s", "500ms", "2s"]),
    st.sampled_from([[], ["FreshPrice", "AllSelectionsPriced"]]),
)
FEEDS = st.sampled_from([
    {"model": model, "providers": providers, "switchAfter": "300ms", "failBackAfter": "1s"}
    for model in ("ActivePassive", "ActiveActive")
    for providers in (
        [{"name": "a", "priority": 1}, {"name": "b", "priority": 2}],
        [{"name": "b", "priority": 1}, {"name": "a", "priority": 2}],
    )
])  # fmt: skip
HALTS = st.lists(
    st.builds(
        HaltConfig,
        st.sampled_from(["market", "event", "provider", "all"]),
        st.sampled_from(["e1:MatchWinner", "e1", "a"]),
        at=st.integers(WALL, WALL + 60 * SECOND),
    ),
    max_size=2,
)
CONFIGS = st.builds(
    lambda feeds, rules, halts, resumes: config(market_class(feeds=feeds), rules, halts=halts, resumes=resumes),
    FEEDS,
    POLICIES,
    st.one_of(st.just([]), HALTS),
    st.one_of(st.just([]), HALTS),
)


class SlowBook(ShardBook):
    """Every batch takes the general path."""

    def odds(self, now: int, batch: OddsBatch) -> list[BookOutput]:
        return self._take_batch(now, batch)


def payloads(outputs: list[BookOutput]) -> list[tuple[str, bytes]]:
    return [(output.subject, output.payload) for output in outputs if isinstance(output, Publish)]


class BookLife(RuleBasedStateMachine):
    """One scene, its slow twin, and two ingests with numbered batches."""

    @initialize(rules=CONFIGS)
    def begin(self, rules: BookConfig) -> None:
        self.scene = Scene(rules)
        self.twin = SlowBook(shard=0, shards=1, node="n1")
        self.twin.configure(self.scene.now, rules)
        self.twin.tick(self.scene.now, self.scene.wall)
        self.twin.lead(self.scene.now, 1)
        self.inc = {"a": 1, "b": 1}
        self.seq = {"a": 0, "b": 0}
        self.rolled_back: dict[str, None] = {}
        self.known: dict[str, MarketStatus] = {}
        self.ticked = False
        for name in ("a", "b"):
            self.send(name, [self.image_of(market, {"x": "2.00", "y": "2.00"}) for market in MARKETS], resync=7)
            self.beat(name)

    def image_of(self, market: str, prices: Mapping[str, str], status: int = 0, in_play: int = 0) -> MarketUpdate:
        wall = self.scene.wall
        meta = meta_of(market, NAMES)
        return MarketUpdate(
            market, wall, wall, status, selections(prices), image=True, in_play=in_play, delay_ms=0, meta=meta
        )

    def send(self, name: str, updates: list[MarketUpdate], *, resync: int = 0, lost: int = 0) -> None:
        self.seq[name] += 1 + lost
        self.feed(OddsBatch(name, f"i{self.inc[name]}", self.seq[name], updates, resync))

    def feed(self, batch: OddsBatch) -> None:
        self.ticked = False
        quick = self.scene.book.odds(self.scene.now, batch)
        slow = self.twin.odds(self.scene.now, batch)
        assert payloads(quick) == payloads(slow)
        self.scene.take(quick)

    def beat(self, name: str, **fields: object) -> None:
        self.ticked = False
        facts: dict[str, object] = {
            "state": "Connected",
            "silence_us": 0,
            "delay_us": 0,
            "seq": self.seq[name],
            **fields,
        }
        beat = Beat(
            name,
            f"i{self.inc[name]}",
            str(facts["state"]),
            [int(str(facts["seq"]))],
            self.scene.wall,
            int(str(facts["silence_us"])),
            int(str(facts["delay_us"])),
            {"n1": self.scene.now},
        )
        quick = self.scene.book.beat(self.scene.now, beat)
        assert payloads(quick) == payloads(self.twin.beat(self.scene.now, beat))
        self.scene.take(quick)

    @rule(name=PROVIDERS, market=st.sampled_from(MARKETS), prices=PRICES)
    def price(self, name: str, market: str, prices: Mapping[str, str]) -> None:
        wall = self.scene.wall
        self.send(name, [MarketUpdate(market, wall, wall, sels=selections(prices))])

    @rule(name=PROVIDERS, many=st.lists(st.tuples(st.sampled_from(MARKETS), PRICES), max_size=4))
    def prices_of_several(self, name: str, many: list[tuple[str, Mapping[str, str]]]) -> None:
        wall = self.scene.wall
        self.send(name, [MarketUpdate(market, wall, wall, sels=selections(prices)) for market, prices in many])

    @rule(
        name=PROVIDERS,
        market=st.sampled_from(MARKETS),
        status=st.sampled_from([0, 0, 0, 1, 1, 2, 3, 4]),
        prices=PRICES,
        rollback=st.booleans(),
    )
    def change_status(self, name: str, market: str, status: int, prices: Mapping[str, str], rollback: bool) -> None:
        wall = self.scene.wall
        if rollback:
            self.rolled_back[market] = None
        update = MarketUpdate(market, wall, wall, status, selections(prices), rollback=rollback)
        self.send(name, [update])

    @rule(name=PROVIDERS, market=st.sampled_from(MARKETS), in_play=st.integers(-1, 1), goal=st.booleans())
    def happen(self, name: str, market: str, in_play: int, goal: bool) -> None:
        wall = self.scene.wall
        incidents = ["Goal"] if goal else []
        self.send(name, [MarketUpdate(market, wall, wall, in_play=in_play, incidents=incidents)])

    @rule(name=PROVIDERS, market=st.sampled_from(MARKETS), prices=PRICES)
    def show_whole(self, name: str, market: str, prices: Mapping[str, str]) -> None:
        self.send(name, [self.image_of(market, prices)])

    @rule(name=PROVIDERS, market=st.sampled_from(MARKETS))
    def withdraw(self, name: str, market: str) -> None:
        self.send(name, [MarketUpdate(market, self.scene.wall, self.scene.wall, image=True)])

    @rule(name=PROVIDERS, lost=st.integers(1, 3))
    def lose_batches(self, name: str, lost: int) -> None:
        self.send(name, [], lost=lost)

    @rule(name=PROVIDERS, markets=st.lists(st.sampled_from(MARKETS), unique=True), break_it=st.booleans())
    def resync(self, name: str, markets: list[str], break_it: bool) -> None:
        self.send(name, [], resync=int(Resync.FIRST))
        for market in markets:
            self.send(name, [self.image_of(market, {"x": "1.94", "y": "2.04"})], resync=int(Resync.PART))
        self.send(name, [], resync=int(Resync.LAST), lost=int(break_it))

    @rule(name=PROVIDERS)
    def restart_ingest(self, name: str) -> None:
        self.inc[name] += 1
        self.seq[name] = 0
        self.send(name, [self.image_of(market, {"x": "2.00", "y": "1.90"}) for market in MARKETS], resync=7)

    @rule(
        name=PROVIDERS,
        state=st.sampled_from(["Connected"] * 5 + [state.value for state in ProviderState]),
        ahead=st.integers(0, 9),
    )
    def prove_life(self, name: str, state: str, ahead: int) -> None:
        self.beat(name, state=state, seq=self.seq[name] + (1 if ahead == 9 else 0))

    @rule(name=PROVIDERS, delay=st.sampled_from([10, 300, 900]), silence=st.sampled_from([0, 2_900, 3_100]))
    def prove_poorly(self, name: str, delay: int, silence: int) -> None:
        self.beat(name, delay_us=delay * MS, silence_us=silence * MS)

    @rule(
        spans=st.lists(st.sampled_from([20, 100, 300]), min_size=1, max_size=12),
        names=st.sampled_from(["", "a", "b", "ab"]),
    )
    def pass_time(self, spans: list[int], names: str) -> None:
        for span in spans:
            self.scene.now += span * MS
            for name in names:
                self.beat(name)
            quick = self.scene.book.tick(self.scene.now, self.scene.wall)
            assert payloads(quick) == payloads(self.twin.tick(self.scene.now, self.scene.wall))
            self.scene.take(quick)
        self.ticked = True

    @rule(rules=CONFIGS)
    def configure(self, rules: BookConfig) -> None:
        self.ticked = False
        quick = self.scene.book.configure(self.scene.now, rules)
        assert payloads(quick) == payloads(self.twin.configure(self.scene.now, rules))
        self.scene.take(quick)

    @rule()
    def take_over_again(self) -> None:
        epoch = self.scene.book.epoch + 1
        for book in (self.scene.book, self.twin):
            book.stand_by(self.scene.now, "test")
        quick = self.scene.book.lead(self.scene.now, epoch)
        assert payloads(quick) == payloads(self.twin.lead(self.scene.now, epoch))
        self.scene.take(quick)

    @invariant()
    def a_market_is_open_only_without_holds_and_with_proof(self) -> None:
        if not hasattr(self, "scene"):
            return
        for market in list(self.scene.book.markets()):
            quote = self.scene.quote(market)
            assert (quote.status is MarketStatus.OPEN) == (not quote.holds and not quote.status.final)
            assert len({hold.cause for hold in quote.holds}) == len(quote.holds)
            if quote.status is MarketStatus.OPEN and self.ticked:
                assert quote.fresh, "open after a tick without proof"
            if quote.status.final:
                assert not quote.holds

    @invariant()
    def a_final_status_is_left_only_by_a_rollback(self) -> None:
        if not hasattr(self, "scene"):
            return
        for market in list(self.scene.book.markets()):
            status = self.scene.quote(market).status
            before = self.known.get(market, status)
            if before.final and status is not before and market not in self.rolled_back:
                assert before is MarketStatus.CLOSED
                assert status.final
            self.known[market] = status
        self.rolled_back = {}


BookLife.TestCase.settings = settings(max_examples=25, stateful_step_count=40)
test_a_books_life = BookLife.TestCase
