"""All markets of one subscription, as the messages so far add up.

Rules (Exchange Stream API; each has a test of its name):

* a whole message is applied before anything is given out; a runner or market may appear in it twice
* `img` replaces a market, a whole image (SUB_IMAGE) replaces all; everything else merges
* a market's first appearance with a definition is its image, marked or not (historic files mark none)
* a change of a market that nobody has defined yet is kept, but the market is not told of until it is defined
* one market under two events: the higher definition `version` wins, the lower one's change is left out
* prices keep changing while a market is suspended or closed: they are given out, and change no status
* a book that stays crossed proves that changes were lost, unless the provider's own image was crossed
* LINE markets quote lines, not odds: they have no prices here
"""

from collections.abc import Container, Sequence
from typing import NamedTuple

from touchline.feeds.betfair.decode import MarketChange
from touchline.feeds.betfair.definition import LINE, native_market, runner_id
from touchline.feeds.betfair.ladder import NO_PRICE
from touchline.feeds.betfair.runner_book import RunnerBook
from touchline.feeds.interface import NativeMarket, NativePrice, NativeUpdate

NEVER = 1 << 62


class Applied(NamedTuple):
    """What one message did. `undefined` names the markets that it changed but that nobody has defined yet."""

    updates: list[NativeUpdate]
    undefined: list[str]
    superseded: list[str]
    """Markets whose change came under an event with a lower version, and was left out."""


class MarketBook:
    """One market: its definition and its runners' ladders."""

    __slots__ = ("crossed", "dirty", "final_us", "image", "market", "odds", "redefined", "removed", "runners")

    def __init__(self) -> None:
        self.market: NativeMarket | None = None
        self.runners: dict[str, RunnerBook] = {}
        self.removed: dict[str, bool] = {}
        """By runner of the definition: whether it was withdrawn."""
        self.odds = True
        """False for LINE markets."""
        self.dirty: dict[str, RunnerBook] = {}
        self.image = True
        self.redefined = False
        self.crossed: dict[str, None] = {}
        """The runners whose book was crossed after the last message, in the order in which that began."""
        self.final_us = 0
        """Publish time of its closing; 0 before."""

    def apply(self, change: MarketChange, publish_us: int) -> None:
        definition = change.market_definition
        if definition is not None:
            self._define(native_market(change.id, definition), odds=definition.betting_type != LINE)
            closed = definition.status == "CLOSED"
            self.final_us = (self.final_us or publish_us) if closed else 0
        for runner_change in change.rc or ():
            name = runner_id(runner_change.id, runner_change.hc)
            runner = self._runner(name)
            runner.apply(runner_change)
            self.dirty[name] = runner

    def drain(self, publish_us: int) -> NativeUpdate | None:
        """What has changed since the last call; None where nothing has that concerns anybody."""
        market = self.market
        if market is None:
            return None
        self._watch_crossing()
        names = self.removed if self.image else self.dirty
        prices = [price for name in names if (price := self._price(name)) is not None]
        self.dirty = {}
        if not (prices or self.redefined or self.image):
            return None
        definition = market if self.redefined or self.image else None
        update = NativeUpdate(market.id, publish_us, definition=definition, prices=prices, image=self.image)
        self.image = self.redefined = False
        return update

    def _define(self, market: NativeMarket, *, odds: bool) -> None:
        self.odds = odds
        if market == self.market:
            return
        self.market, self.redefined = market, True
        self.removed = {runner.id: runner.removed for runner in market.runners}
        # A runner that appears or is withdrawn changes what is told of its price.
        self.dirty.update({name: self._runner(name) for name in self.removed})

    def _runner(self, name: str) -> RunnerBook:
        runner = self.runners.get(name)
        if runner is None:
            runner = self.runners[name] = RunnerBook()
        return runner

    def _price(self, name: str) -> NativePrice | None:
        """The price to give out; None where it was given out before, or the definition does not know the runner."""
        removed = self.removed.get(name)
        if removed is None:
            return None
        runner = self._runner(name)
        micro = NO_PRICE if removed or not self.odds else runner.best_back()
        if micro == runner.told and not self.image:
            return None
        runner.told = micro
        return NativePrice(name, micro)

    def _watch_crossing(self) -> None:
        # A closed book is no longer matched. A suspended one is watched: that we think it suspended may be what was lost.
        if self.final_us:
            self.crossed = {}
            return
        for name, runner in self.dirty.items():
            if runner.crossed() and not self.removed.get(name):
                self.crossed.setdefault(name)
            else:
                self.crossed.pop(name, None)


class MarketCache:
    """The markets by id, in the order of their first appearance."""

    def __init__(self) -> None:
        self._books: dict[str, MarketBook] = {}
        self._crossed: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._books)

    def defined(self, market: str) -> bool:
        """Whether the market has been told of."""
        book = self._books.get(market)
        return book is not None and book.market is not None

    def apply(self, changes: Sequence[MarketChange], publish_us: int, now: int, *, whole: bool = False) -> Applied:
        """Apply one whole message; `whole`: it is an image of everything, so what it leaves out is gone.

        `now` is any clock that does not go back (publish times may): how long a book stays crossed is measured by it.
        """
        before = self._books
        if whole:
            self._books, self._crossed = {}, {}
        touched: dict[str, MarketBook] = {}
        superseded: list[str] = []
        for change in changes:
            book = self._books.get(change.id)
            if book is not None and self._older(book, change):
                superseded.append(change.id)
                continue
            if book is None or change.img:
                book = self._books[change.id] = MarketBook()
            book.apply(change, publish_us)
            touched[change.id] = book
        images = [name for name, book in touched.items() if book.image]
        updates = [update for book in touched.values() if (update := book.drain(publish_us))]
        for name, book in touched.items():
            if not book.crossed:
                self._crossed.pop(name, None)
            elif name in images:
                # Crossed in the provider's own image: nothing was lost on the way.
                self._crossed[name] = NEVER
            else:
                self._crossed.setdefault(name, now)
        if whole:
            gone = [name for name, book in before.items() if name not in self._books and book.market is not None]
            updates.extend(NativeUpdate(name, publish_us, gone=True) for name in gone)
        undefined = [name for name, book in touched.items() if book.market is None]
        return Applied(updates, undefined, superseded)

    def images(self, publish_us: int) -> list[NativeUpdate]:
        """Every market that has been defined, complete."""
        updates = []
        for book in self._books.values():
            book.image = True
            update = book.drain(publish_us)
            if update is not None:
                updates.append(update)
        return updates

    def crossed(self, now: int, for_us: int, ignoring: Container[str] = ()) -> tuple[str, str] | None:
        """A market and runner whose book has stayed crossed for at least `for_us`, or None."""
        for market, since in self._crossed.items():
            if now - since >= for_us and market not in ignoring:
                return market, next(iter(self._books[market].crossed))
        return None

    def forget_closed(self, before_us: int) -> list[NativeUpdate]:
        """Drop the markets that closed before a publish time, so that a long session does not grow."""
        old = [name for name, book in self._books.items() if 0 < book.final_us < before_us]
        for name in old:
            del self._books[name]
            self._crossed.pop(name, None)
        return [NativeUpdate(name, before_us, gone=True) for name in old]

    @staticmethod
    def _older(book: MarketBook, change: MarketChange) -> bool:
        """Whether a change is of the same market under another event, with a lower version."""
        definition, known = change.market_definition, book.market
        if definition is None or known is None:
            return False
        return definition.event_id != known.event_id and definition.version < known.version
