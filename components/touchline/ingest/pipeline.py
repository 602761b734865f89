"""From native updates to normalised ones: validation, translation, identity, enrichment, as one state machine.

    message ──> validation ──> translation ──> event's id known? ──yes──> bound ──> MarketUpdates
                    │               │                 └──no──> LookUp ··· resolved ──> the whole market
                    └── Quarantine ─┘

Only definitions take this way. A price update of a bound market is a dictionary look-up for each price (`wording.price_changes`).

While an event's id is being looked up its markets keep their newest state and are published whole when it comes, so nothing
queues and no order is lost. The same happens when an EntityMap changes: what was refused or translated otherwise is
published anew from the state that is kept.

Nothing here does I/O; an input whose moment counts has it as `now`, monotonic microseconds.
"""

from collections.abc import Sequence

from touchline.bus.messages import MarketUpdate
from touchline.domain.status import ProviderStatus
from touchline.feeds.interface import NativePrice, NativeUpdate, Updates
from touchline.ingest import wording
from touchline.ingest.binding import Bound, BoundMarket, bind
from touchline.ingest.counts import UpdateCounts, count
from touchline.ingest.entities import Entities
from touchline.ingest.event_records import Resolved
from touchline.ingest.event_state import EventState
from touchline.ingest.events import Events
from touchline.ingest.identity import Ambiguous
from touchline.ingest.market_state import MarketState
from touchline.ingest.refusals import QuarantineReason, Refusal
from touchline.ingest.results import Coverage, Publish, Quarantine, Result
from touchline.ingest.translation import Translation
from touchline.ingest.unmatched import unmatched
from touchline.ingest.validation import Verdict, examine, examine_prices, timestamp

MAX_MARKETS = 100_000
WAITS_FOR_IDENTITY = {QuarantineReason.AMBIGUOUS_EVENT, QuarantineReason.DUPLICATE}
NOT_COVERED = "NotCovered"
"""The rule under which markets outside the FeedProvider's `coverage` are ignored."""


EVERYTHING = Coverage(frozenset({"*"}), frozenset({"*"}))


class Pipeline:
    """All markets of one provider."""

    def __init__(self, provider: str, entities: Entities, coverage: Coverage = EVERYTHING) -> None:
        self._provider = provider
        self._entities = entities
        self._coverage = coverage
        self._markets: dict[str, MarketState] = {}
        self._events = Events()
        self._owners: dict[str, str] = {}
        """Native market by internal market id."""
        self._undefined: dict[str, None] = {}
        self.counts = UpdateCounts()

    # Inputs

    def message(self, recv_us: int, message: Updates) -> list[Result]:
        """One provider message, received at `recv_us` (epoch microseconds)."""
        out: list[MarketUpdate] = []
        rest: list[Result] = []
        for update in message.updates:
            self._update(update, recv_us, out, rest)
        return _results(out, rest)

    def resolved(self, now: int, key: str, outcome: Resolved | Ambiguous) -> list[Result]:
        """The answer to a `LookUp`."""
        out: list[MarketUpdate] = []
        rest: list[Result] = []
        event = self._events.answered(now, key, outcome, rest)
        if event is None:
            return []
        for native_id in list(event.markets):
            market = self._markets[native_id]
            if not market.refused or market.refused[0].reason in WAITS_FOR_IDENTITY:
                self._publish(native_id, market, event, None, (), out, rest)
        return _results(out, rest)

    def failed(self, key: str) -> list[Result]:
        """The registry could not answer a `LookUp`: ask again."""
        rest: list[Result] = []
        self._events.failed(key, rest)
        return rest

    def moved(self, native_event: str, internal: str) -> list[Result]:
        """Somebody recorded that a native event is this internal one (a split, a merge, or ourselves)."""
        rest: list[Result] = []
        self._events.moved(native_event, internal, rest)
        return rest

    def configure(self, entities: Entities, coverage: Coverage) -> list[Result]:
        """New EntityMaps or coverage: everything is translated anew; what reads as before is not sent again."""
        self._entities, self._coverage = entities, coverage
        out: list[MarketUpdate] = []
        rest: list[Result] = []
        for native_id, market in list(self._markets.items()):
            update = NativeUpdate(native_id, market.publish_us, market.definition, image=True)
            verdict = examine(entities, self._provider, update, None, {})
            self._apply(native_id, market, verdict, None, out, rest)
        return _results(out, rest)

    def tick(self, now: int) -> list[Result]:
        """Time passed: events that were ambiguous are asked for again."""
        rest: list[Result] = []
        self._events.tick(now, rest)
        return rest

    # Figures

    @property
    def pending(self) -> int:
        """Look-ups under way whose markets have never been published."""
        return self._events.pending

    def completeness(self) -> tuple[int, int]:
        """Of the selections of open markets that should have a price: how many have one, and how many there are."""
        priced = wanted = 0
        for market in self._markets.values():
            if market.definition.status is not ProviderStatus.OPEN or market.ignored:
                continue
            routes, prices = market.routes, market.prices
            for runner in market.definition.runners:
                if not runner.removed:
                    wanted += 1
                    price = prices.get(runner.id)
                    priced += price is not None and price.micro > 0 and runner.id in routes
        return priced, wanted

    def sizes(self) -> dict[str, int]:
        """Markets and events held, for the status."""
        bound = sum(1 for market in self._markets.values() if market.bound is not None)
        return {"events": len(self._events), "markets": len(self._markets), "published": bound, "lookups": self.pending}

    def unmatched(self) -> list[dict[str, str | int]]:
        """Names that no EntityMap knows and that keep something out now, the most frequent first."""
        return unmatched(self._markets.values())

    # One update

    def _update(self, update: NativeUpdate, recv_us: int, out: list[MarketUpdate], rest: list[Result]) -> None:
        self.counts.received += 1
        market = self._markets.get(update.market)
        if update.gone:
            self.counts.accepted += 1
            self._undefined.pop(update.market, None)
            if market is not None:
                self._withdraw(market, update.publish_us, recv_us, out)
                self._events.detach(update.market, market)
                del self._markets[update.market]
            return
        if market is None:
            market = self._first(update, rest)
            if market is None:
                return
        market.recv_us = recv_us
        if update.definition is None:
            self._prices(market, update, out, rest)
            return
        before = market.definition if market.translation is not None else None
        verdict = examine(self._entities, self._provider, update, before, market.selections)
        if verdict.sound:
            market.take(update, verdict.prices)
        elif verdict.refusals[-1].reason is not QuarantineReason.INTEGRITY:
            market.lossy = True
        partial = self._apply(update.market, market, verdict, update, out, rest)
        self.counts.file(
            refused=bool(market.refused), published=market.bound is not None, ignored=market.ignored, partial=partial
        )

    def _first(self, update: NativeUpdate, rest: list[Result]) -> MarketState | None:
        """A market that we see for the first time, if it can be kept."""
        if update.definition is None:
            problem = Refusal(QuarantineReason.UNKNOWN_MARKET, "the market's definition was never sent")
        elif len(self._markets) >= MAX_MARKETS:
            problem = Refusal(QuarantineReason.INTEGRITY, f"more than {MAX_MARKETS} markets: narrow the subscription")
        else:
            self._undefined.pop(update.market, None)
            market = self._markets[update.market] = MarketState(update.definition)
            market.publish_us = update.publish_us
            return market
        self.counts.quarantined += 1
        if update.market not in self._undefined and len(self._undefined) < MAX_MARKETS:
            self._undefined[update.market] = None
            self._refuse(problem, update.market, "", update, rest)
        return None

    def _prices(self, market: MarketState, update: NativeUpdate, out: list[MarketUpdate], rest: list[Result]) -> None:
        """No definition: the short path."""
        problem = timestamp(update.publish_us)
        if problem is not None:
            market.lossy = True
            self._break(market, problem, out)
            self._refuse(problem, update.market, market.definition.event_id, update, rest)
            self.counts.quarantined += 1
            return
        prices, refusals = examine_prices(update.prices, market.runners)
        market.take(update, prices)
        if market.bound is not None:
            if not update.image:
                out.extend(wording.price_changes(market, update, prices))
            else:
                market.broken = "" if not market.refused else market.broken
                out.extend(wording.images(market))
        for refusal in refusals:
            self._refuse(refusal, update.market, market.definition.event_id, update, rest)
        self.counts.file(
            refused=bool(market.refused),
            published=market.bound is not None,
            ignored=market.ignored,
            partial=bool(refusals),
        )

    # Definitions: the long path

    def _apply(
        self,
        native_id: str,
        market: MarketState,
        verdict: Verdict,
        update: NativeUpdate | None,
        out: list[MarketUpdate],
        rest: list[Result],
    ) -> bool:
        """Act on a judged definition (`update` None: on the one held, under new maps); true where some runners are left out."""
        translation = verdict.translation
        if translation is None:
            self._reject(native_id, market, verdict.refusals, update, out, rest)
            return False
        translation = self._sticky(market, translation)
        before, market.translation = market.translation, translation
        stale = before is None or before.refusals != translation.refusals
        for refusal in (*(translation.refusals if stale else ()), *verdict.odds):
            self._refuse(refusal, native_id, market.definition.event_id, update, rest)
        if not self._coverage.covers(translation.view.sport, translation.view.league):
            self._withdraw(market, market.publish_us, market.recv_us, out)
            self._events.detach(native_id, market)
            market.ignored, market.refused = NOT_COVERED, ()
            return False
        market.ignored = ""
        event = self._events.attach(native_id, market, translation.view, rest)
        self._publish(native_id, market, event, update, verdict.prices, out, rest)
        return bool(translation.refusals or verdict.odds)

    def _sticky(self, market: MarketState, translation: Translation) -> Translation:
        """A race keeps the key under which it was first seen when its start time moves."""
        meeting, at, _ = translation.view.native_id.partition("@")
        if at and market.event_key.startswith(f"{meeting}@"):
            return translation._replace(view=translation.view._replace(native_id=market.event_key))
        return translation

    def _publish(
        self,
        native_id: str,
        market: MarketState,
        event: EventState,
        update: NativeUpdate | None,
        prices: Sequence[NativePrice],
        out: list[MarketUpdate],
        rest: list[Result],
    ) -> None:
        """Publish a market as its event's identity allows: whole where it reads otherwise than before, else what changed."""
        if event.ambiguous is not None:
            problem = Refusal(QuarantineReason.AMBIGUOUS_EVENT, event.ambiguous.why, "", event.ambiguous.candidates)
            self._reject(native_id, market, (problem,), update, out, rest)
            return
        if event.record is None or market.translation is None:
            market.refused = ()
            return
        healed = bool(market.broken) and not market.lossy
        if healed:
            market.broken = ""
        bound = bind(market.translation, event.record)
        if bound != market.bound:
            self._rebind(native_id, market, bound, update, out, rest)
            return
        market.refused = ()
        if healed or (update is not None and update.image):
            out.extend(wording.images(market))
        elif update is not None:
            out.extend(wording.definition_changes(market, update, prices))

    def _rebind(
        self,
        native_id: str,
        market: MarketState,
        bound: Bound,
        update: NativeUpdate | None,
        out: list[MarketUpdate],
        rest: list[Result],
    ) -> None:
        """Publish a market under other ids, or with another description, than before."""
        before = market.unbind()
        for old in before:
            self._owners.pop(old.id, None)
        owned = tuple(new for new in bound.markets if self._owners.setdefault(new.id, native_id) == native_id)
        kept = {new.id for new in owned}
        out.extend(wording.gone(old.id, market.publish_us, market.recv_us) for old in before if old.id not in kept)
        taken = tuple(new for new in bound.markets if new.id not in kept)
        if not owned:
            self._reject(native_id, market, (self._duplicate(taken),), update, out, rest)
            return
        if taken:
            self._refuse(self._duplicate(taken), native_id, market.definition.event_id, update, rest)
        market.refused = ()
        market.bind(bound, owned)
        out.extend(wording.images(market))

    def _duplicate(self, taken: Sequence[BoundMarket]) -> Refusal:
        ids = tuple(new.id for new in taken)
        owner = self._owners[ids[0]]
        return Refusal(QuarantineReason.DUPLICATE, f"the provider's market {owner} is {ids[0]} already", candidates=ids)

    # Refusing and withdrawing

    def _reject(
        self,
        native_id: str,
        market: MarketState,
        refusals: tuple[Refusal, ...],
        update: NativeUpdate | None,
        out: list[MarketUpdate],
        rest: list[Result],
    ) -> None:
        """Nothing of this may flow. What is published already is suspended, unless only something old was refused."""
        stale = all(refusal.reason is QuarantineReason.INTEGRITY for refusal in refusals)
        if not stale:
            known, market.refused = market.refused, refusals
            self._break(market, refusals[0], out)
            if known == refusals:
                return  # said before, and only counted since
        for refusal in refusals:
            self._refuse(refusal, native_id, market.definition.event_id, update, rest)

    def _break(self, market: MarketState, problem: Refusal, out: list[MarketUpdate]) -> None:
        if not market.broken:
            market.broken = problem.detail
            out.extend(wording.status_only(market))

    def _refuse(
        self, refusal: Refusal, market: str, event: str, update: NativeUpdate | None, rest: list[Result]
    ) -> None:
        count(self.counts.refusals, refusal.reason)
        rest.append(Quarantine(refusal, market, event, update))

    def _withdraw(self, market: MarketState, src: int, recv: int, out: list[MarketUpdate]) -> None:
        for internal in market.unbind():
            self._owners.pop(internal.id, None)
            out.append(wording.gone(internal.id, src, recv))


def _results(out: list[MarketUpdate], rest: list[Result]) -> list[Result]:
    return [Publish(out), *rest] if out else rest
