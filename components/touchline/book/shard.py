"""One shard's book as a state machine: `(now, input) -> outputs`, no clock, no socket (docs/architecture.md).

Every node of a shard runs it on the same inputs, and only the leader's publishes. An input is taken in whole, then every market that it
may concern is settled (`settle`), then each market that differs from what was last sent is published, once.

Most inputs change nothing but prices of one market whose provider serves it and is in sync. Those take a path of their own (`plain`):
what it skips is provably without effect for them, and where it cannot prove that it leaves the batch to the general path.
"""

from collections.abc import Callable, Iterable

from touchline.book import frames
from touchline.book.config import EMPTY, BookConfig
from touchline.book.explain import explain_market
from touchline.book.firing import withdraw
from touchline.book.link import NEVER, Link, Take
from touchline.book.manual import ALL, EVENT, MARKET, Orders
from touchline.book.market import BookMarket, Event
from touchline.book.outputs import AskResync, BookOutput, Note, NoteKind, Quote
from touchline.book.pending import NOTHING, Legacy, PendingBoard
from touchline.book.plain import take
from touchline.book.publishing import Publisher
from touchline.book.quoting import quote_of
from touchline.book.settle import forget, settle
from touchline.book.sliding import SlidingCounts
from touchline.book.tally import Tally, count
from touchline.book.timetable import Timetable
from touchline.book.touched import Touched
from touchline.book.view import View
from touchline.bus.messages import Beat, MarketUpdate, OddsBatch
from touchline.bus.wire import SnapshotEnd
from touchline.domain.keys import MalformedKey, MarketKey
from touchline.domain.version import Version

ABSENT_KEPT_US = 600_000_000
"""How long a market that nobody offers any more stays in the book, held or final, before it is gone."""


class ShardBook:
    """See the module. `seq` counts the updates published in this epoch; `Version(epoch, seq)` is a market's version."""

    def __init__(self, *, shard: int, shards: int, node: str) -> None:
        self.shard = shard
        self.shards = shards
        self.node = node
        self.config: BookConfig = EMPTY
        self.orders = Orders()
        self.publisher = Publisher(shard)
        self.pending = PendingBoard()
        self.begun = SlidingCounts()
        """How often each policy's triggers suspended something, by policy and type. Every node counts, so who takes over knows the hour."""
        self._links: dict[str, Link] = {}
        self._markets: dict[str, BookMarket] = {}
        self._events: dict[str, Event] = {}
        self._timetable = Timetable()
        self._touched = Touched()
        self._ticked = False
        """Until the first tick says what time it is, the newest receive time stands for it."""

    @property
    def leading(self) -> bool:
        return self.publisher.leading

    @property
    def epoch(self) -> int:
        """Of the term that this node leads, or led last."""
        return self.publisher.epoch

    @property
    def seq(self) -> int:
        """Of the last update published in this epoch."""
        return self.publisher.seq

    # Inputs

    def configure(self, now: int, config: BookConfig) -> list[BookOutput]:
        """Take over a configuration: classes, policies, providers, orders. Whatever it changes is live at once."""
        before, orders = self.config, Orders(config.halts, config.resumes)
        config.reuse(before)
        self.config = config
        outputs: list[BookOutput] = [Note(NoteKind.REFUSED, "config", fault) for fault in config.faults]
        if config.classes != before.classes or config.providers != before.providers:
            for name in config.providers:
                self.link(name)
            for link in self._links.values():
                link.config = config.providers.get(link.name)
                for asked in link.conditions.values():
                    asked.judge(now)
            self._touched.touch_many(self._markets)
        for scope, id in orders.changed_from(self.orders):
            self._touch_ordered(scope, id)
        self.orders = orders
        return self._settle_pending(now, outputs, lambda: "the configuration")

    def lead(self, now: int, epoch: int, legacy: Legacy = NOTHING) -> list[BookOutput]:
        """Lead from here on, with the reviews and cool-downs that an earlier leader left: publishes a state of every market.

        Raises:
            ValueError: the epoch is not above every one that this book has led.
        """
        if epoch <= self.epoch:
            raise ValueError(f"epoch {epoch} of shard {self.shard} is not above {self.epoch}")
        for id in self.pending.inherit(now, self._wall(now), legacy, self._markets):
            self._touched.touch(id, None)
        outputs = self._settle_pending(now, [], lambda: "what an earlier leader left")  # before anything is published
        self.publisher.leading = True
        self.publisher.epoch = epoch
        self.publisher.seq = 0
        outputs.append(Note(NoteKind.LEADERSHIP, f"shard {self.shard}", f"leads in epoch {epoch}"))
        for id in sorted(self._markets):
            update = self.publisher.state(now, self._markets[id])
            if update is not None:
                outputs.append(update)
        return outputs

    def stand_by(self, now: int, why: str) -> list[BookOutput]:  # noqa: ARG002 - nothing is published any more
        """Stop publishing, at once."""
        if not self.leading:
            return []
        self.publisher.leading = False
        text = f"stands by after epoch {self.epoch}: {why}"
        return [Note(NoteKind.LEADERSHIP, f"shard {self.shard}", text)]

    def odds(self, now: int, batch: OddsBatch) -> list[BookOutput]:
        """One batch of one provider, applied whole before anything is published."""
        link = self._links.get(batch.provider)
        if (
            link is not None
            and link.in_sync
            and batch.inc == link.inc
            and batch.seq == link.seq + 1
            and not batch.resync
        ):
            outputs = take(now, link, batch, self._markets, self.publisher)
            if outputs is not None:
                return outputs
        return self._take_batch(now, batch)

    def beat(self, now: int, beat: Beat) -> list[BookOutput]:
        """A provider's proof of life."""
        link = self.link(beat.provider)
        before = (link.state, link.sync)
        if not link.hear(now, beat, self.shard, self.node):
            return []
        outputs: list[BookOutput] = []
        if (link.state, link.sync) != before:
            self._touched.touch_many(link.markets)
            outputs.append(
                Note(NoteKind.SYNC, link.name, f"{link.state.value}, {link.sync.value} {link.sync_detail}".strip())
            )
        self._judge(now, link)
        return self._settle_pending(now, outputs, lambda: f"a beat of {beat.provider}")

    def tick(self, now: int, wall: int) -> list[BookOutput]:
        """The passing of time, at least every 100 ms: freshness, cool-downs, hysteresis, requests for images."""
        self.publisher.wall_offset = wall - now
        self._ticked = True
        outputs: list[BookOutput] = []
        for link in self._links.values():
            self._judge(now, link)
            request = link.ask(now, self.shard, self.node)
            if request is not None:
                outputs.append(AskResync(link.name, request))
        for id in self._timetable.due(now):
            market = self._markets.get(id)
            if market is not None:
                market.scheduled = NEVER
                if market.due <= now:
                    self._touched.touch_many((id,))
                else:
                    self._schedule(market)
        return self._settle_pending(now, outputs, lambda: "the passing of time")

    # Questions

    def quote(self, now: int, market: str) -> Quote | None:
        """What the desk needs to judge a bet; freshness is judged at `now`, and not proven of a market that waits to be settled.

        None for a market that is not in the book. A book that does not lead has no offers: its quotes are suspended.
        """
        found = self._markets.get(market)
        if found is None:
            return None
        quote = quote_of(now, self._wall(now), found, self.epoch, leading=self.leading)
        return quote._replace(fresh=False) if self.waits(market) else quote

    def waits(self, market: str) -> bool:
        """Whether a market waits for its turn to be settled (`Touched`): until then it takes no bets, and may be shown as it was."""
        return self._touched.waits(market)

    def explain(self, now: int, market: str) -> dict[str, object] | None:
        """Why a market is as it is, with every input (`explain`); None for a market that is not in the book."""
        found = self._markets.get(market)
        return (
            explain_market(now, self._wall(now), found, Version(self.epoch, found.seq)) if found is not None else None
        )

    def snapshot(self) -> tuple[list[tuple[str, bytes]], SnapshotEnd]:
        """`(subject, packed state frame)` of every market at its last published version, by id."""
        states = [self._state(self._markets[id]) for id in sorted(self._markets)]
        return states, SnapshotEnd(self.epoch, self.seq)

    def state(self, market: str) -> tuple[str, bytes] | None:
        """`(subject, packed state frame)` of one market at its last published version; None if it is not in the book."""
        found = self._markets.get(market)
        return self._state(found) if found is not None else None

    def _state(self, market: BookMarket) -> tuple[str, bytes]:
        return market.subject, frames.pack("S", market, self.epoch, 0, frames.state_body(market, self.epoch))

    def markets(self) -> Iterable[str]:
        """Ids of the markets in the book, in the order in which they came."""
        return self._markets.keys()

    def tally(self, now: int) -> Tally:
        """Its markets counted by class, status and cause; of a book that leads."""
        return count(now, self._markets.values())

    @property
    def events(self) -> int:
        """Events with a market in the book."""
        return len(self._events)

    def link(self, name: str) -> Link:
        """The provider of a name, known or not."""
        found = self._links.get(name)
        if found is None:
            found = self._links[name] = Link(name)
            found.config = self.config.providers.get(name)
        return found

    # The general path

    def _take_batch(self, now: int, batch: OddsBatch) -> list[BookOutput]:
        link = self.link(batch.provider)
        before = (link.sync, link.inc)
        taken = link.take(now, batch)
        outputs: list[BookOutput] = []
        if taken is not Take.DROP:
            for update in batch.updates:
                self._apply(now, link, update, outputs)
        if taken is Take.APPLY_LAST:
            named = link.complete()
            for id in [id for id in link.markets if id not in named]:
                self._drop_view(now, link, link.markets[id])
            if text := link.refused_in_all():
                outputs.append(Note(NoteKind.REFUSED, link.name, text))
        if (link.sync, link.inc) != before:
            self._judge(now, link)
            self._touched.touch_many(link.markets)
            outputs.append(Note(NoteKind.SYNC, link.name, f"{link.sync.value} {link.sync_detail}".strip()))
        return self._settle_pending(now, outputs, lambda: f"batch {batch.seq} of {batch.provider} ({batch.inc})")

    def _apply(self, now: int, link: Link, update: MarketUpdate, outputs: list[BookOutput]) -> None:
        market = self._markets.get(update.market)
        view = market.views.get(link.name) if market is not None else None
        if update.image:
            if update.meta is None:  # an image without a description: the provider no longer offers the market
                link.seen.pop(update.market, None)
                if market is not None and view is not None:
                    self._drop_view(now, link, market)
                return
            link.seen[update.market] = None
        if view is None:
            if update.meta is None:
                if text := link.refuse():
                    outputs.append(Note(NoteKind.REFUSED, update.market, text))
                return
            if market is None:
                market = self._make_market(now, update.market, outputs)
                if market is None:
                    return
            view = market.views[link.name] = View(link)
            link.markets[market.id] = market
            market.absent_since = NEVER
        if market is None:
            return
        view.apply(update)
        if not self._ticked:
            self.publisher.wall_offset = update.recv - now
        if update.incidents:
            self._tell_incidents(now, market, update.incidents, link)
        whole = update.image or update.meta is not None or update.status >= 0
        self._touched.touch(market.id, None if whole else dict.fromkeys(sel.id for sel in update.sels))

    def _make_market(self, now: int, id: str, outputs: list[BookOutput]) -> BookMarket | None:
        try:
            key = MarketKey.parse(id)
        except MalformedKey as error:
            outputs.append(Note(NoteKind.REFUSED, id[:80], str(error)))
            return None
        event = self._events.get(key.event)
        if event is None:
            event = self._events[key.event] = Event(key.event)
        market = self._markets[id] = event.markets[id] = BookMarket(key, event, now)
        self.pending.recall(now, market)
        return market

    def _drop_view(self, now: int, link: Link, market: BookMarket) -> None:
        """The provider no longer offers the market; one that nobody offers is kept for a while, held or final."""
        link.markets.pop(market.id, None)
        market.views.pop(link.name, None)
        if not market.views:
            market.absent_since = now
        self._touched.touch(market.id, None)

    def _tell_incidents(self, now: int, market: BookMarket, incidents: list[str], link: Link) -> None:
        """What happens in an event concerns every market of it whose class listens to the provider."""
        for id, other in market.event.markets.items():
            if link not in other.links:
                continue
            for trigger in other.event_triggers:
                if trigger.note(now, incidents, link.name):
                    self._touched.touch(id, {})

    # What has to be looked at

    def _touch_ordered(self, scope: str, id: str) -> None:
        """The markets that a trader's order may concern, at once however many they are: who orders a halt waits for no slice."""
        if scope == MARKET:
            found: Iterable[str] = (id,) if id in self._markets else ()
        elif scope == EVENT:
            found = self._events[id].markets if id in self._events else ()
        elif scope == ALL:
            found = self._markets
        else:
            found = self.link(id).markets
        for market in found:
            self._touched.touch(market, {})

    def _judge(self, now: int, link: Link) -> None:
        """Ask again what is asked of the provider as a whole; only where an answer changes are markets looked at."""
        for asked in link.conditions.values():
            if asked.judge(now):
                self._touched.touch_many(asked.markets)

    def _settle_pending(self, now: int, outputs: list[BookOutput], because: Callable[[], str]) -> list[BookOutput]:
        """Settle whatever was touched, and what that touches in turn; then publish each market that differs, once."""
        if not self._touched:
            return outputs
        wall = self._wall(now)
        settled: dict[str, None] = {}
        self._touched.begin(because())
        while taken := self._touched.take():
            for id, selections, reason in taken:
                self._settle(now, wall, id, selections, reason, outputs)
                settled[id] = None
        for id in settled:
            self._publish(now, self._markets[id], outputs)
        return outputs

    def _settle(
        self, now: int, wall: int, id: str, touched: Iterable[str] | None, because: str, outputs: list[BookOutput]
    ) -> None:
        market = self._markets[id]
        result = settle(now, wall, market, touched, self, because)
        self.pending.note(now, market)
        market.due = min(market.due, market.absent_since + ABSENT_KEPT_US)
        self._schedule(market)
        outputs.extend(result.notes)
        for trigger in result.begun:
            self.begun.add(now, trigger)
        for other in market.event.markets if result.event else ():
            if other != id:
                self._touched.touch(other, {})
        for link in result.providers:
            self._touched.touch_many(other for other in link.markets if other != id)

    def _schedule(self, market: BookMarket) -> None:
        if market.due < market.scheduled:
            market.scheduled = market.due
            self._timetable.add(market.due, market.id)

    def _publish(self, now: int, market: BookMarket, outputs: list[BookOutput]) -> None:
        if now >= market.absent_since + ABSENT_KEPT_US:
            outputs.append(Note(NoteKind.GONE, market.id, "nobody has offered it for a long time"))
            update = self.publisher.gone(market)
            self._forget(market)
        else:
            update = self.publisher.changes(now, market)
        if update is not None:
            outputs.append(update)

    def _forget(self, market: BookMarket) -> None:
        """Drop a market, and with it what it set for others; they are looked at with the next input."""
        forget(market)
        self.pending.forget(market.id)
        self._touched.forget(market.id)
        del self._markets[market.id]
        del market.event.markets[market.id]
        for link in withdraw(market):
            self._touched.touch_many(link.markets)
        for id in market.event.markets:
            self._touched.touch(id, {})
        if not market.event.markets:
            del self._events[market.event.id]

    def _wall(self, now: int) -> int:
        return now + self.publisher.wall_offset
