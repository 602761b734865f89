"""One market brought up to date after something about it changed: class, provider, phase, finality, prices, holds."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol

from touchline.book.arbitration import ARBITERS, Word
from touchline.book.conditions import ConditionKind, condition
from touchline.book.config import BookConfig, ClassConfig
from touchline.book.firing import fire
from touchline.book.link import NEVER, Link
from touchline.book.manual import Orders
from touchline.book.market import FINAL, BookMarket, Signal, Transition
from touchline.book.outputs import Note, NoteKind
from touchline.book.pricing import reset_moves, shown_prices, take_prices, watch_all
from touchline.book.review import CHECKS, candidates_of, review
from touchline.book.tally import trigger_of
from touchline.book.triggers.price_move import PriceMove
from touchline.book.triggers.provider_disagreement import ProviderDisagreement
from touchline.book.triggers.registry import make_trigger
from touchline.domain.holds import Hold
from touchline.domain.status import MarketStatus, Phase, ProviderStatus


class Surroundings(Protocol):
    """What a market needs to know of its shard."""

    config: BookConfig
    orders: Orders

    def link(self, name: str) -> Link:
        """The provider of a name, known or not."""


class Settled(NamedTuple):
    """What else has to be looked at, and what to write down. `begun` are triggers whose holds began, by policy and type."""

    event: bool
    providers: list[Link]
    notes: list[Note]
    begun: list[tuple[str, str]]


def settle(
    now: int, wall: int, market: BookMarket, touched: Iterable[str] | None, book: Surroundings, because: str
) -> Settled:
    """Bring one market up to date. `touched` are the selections whose prices may have changed, None for all.

    Sets `status`, `holds`, `prices`, `unsent`, `due` and `fast_link`; what to publish is the difference to what was sent.
    """
    notes: list[Note] = []

    def record(kind: NoteKind, text: str) -> None:
        notes.append(Note(kind, market.id, text))
        market.transitions.append(Transition(wall, text, because))

    due = NEVER
    if market.final is None:
        served, ruled = market.view, market.class_config
        due = _serve(now, market, book)
        if market.view is not served:
            touched = None
            serving = market.serving
            record(
                NoteKind.SERVING, f"served by {serving.name}: {market.standing.why}" if serving else "served by nobody"
            )
        if market.class_config is not ruled or (market.arbiter is not None and not market.arbiter.single):
            touched = None
    else:  # who serves is frozen, what it says is not
        market.candidates = candidates_of(market)
        market.view = market.views.get(market.standing.serving, market.view)
    word = _word(market)
    finality = _finalise(market, word)
    if finality:
        record(NoteKind.FINAL, finality)
        watch_all(now, market)
        if market.final is None:  # rolled back: others may be fit by now
            due = _serve(now, market, book)
            word = _word(market)
    take_prices(now, market, touched)
    fit = [candidate.view for candidate in market.candidates if candidate.fit and candidate.view is not None]
    blocked_before = market.blocked
    fired = fire(now, wall, market, [view for view in fit if view is not market.view], book.orders)
    if fired.released:
        reset_moves(now, market, fired.released)
    outcome = review(now, wall, market, word, fired.signals, book.orders)
    for hold in outcome.cleared:
        record(NoteKind.HELD, f"{hold.reason} ({hold.cause}) cleared")
    for hold in outcome.set:
        record(
            NoteKind.HELD,
            f"{hold.reason} ({hold.cause}): {hold.detail}" if hold.detail else f"{hold.reason} ({hold.cause})",
        )
    if outcome.opened:
        record(NoteKind.REOPENED, "open")
    market.unsent.update(shown_prices(market, None if market.blocked != blocked_before else touched))
    market.due = min(due, fired.due, outcome.due)
    market.fast_link = _fast_link(market)
    begun = _begun(market, outcome.set, blocked_before) if outcome.set or market.blocked else []
    return Settled(fired.event, fired.providers, notes, begun)


def _begun(
    market: BookMarket, holds: Iterable[Hold], blocked: Mapping[str, Mapping[str, Signal]]
) -> list[tuple[str, str]]:
    """What suspended the market or a selection of it just now, by policy and type; what a new market comes with suspends nothing."""
    if market.status_sent is None:
        return []
    causes = [(hold.cause, hold.reason) for hold in holds]
    for selection, signals in market.blocked.items():
        known = blocked.get(selection, ())
        causes += [(cause, signal.config.type) for cause, signal in signals.items() if cause not in known]
    return [(policy, reason.value) for cause, reason in causes if (policy := trigger_of(cause)[0])]


def forget(market: BookMarket) -> None:
    """Take a market out of everything that would look at it."""
    for link in market.links:
        for key, asked in list(link.conditions.items()):
            if asked.markets.pop(market.id, None) is not None and not asked.markets:
                del link.conditions[key]


def _serve(now: int, market: BookMarket, book: Surroundings) -> int:
    """Who serves, in which phase, under which class: each may change the next, so until nothing changes."""
    due = NEVER
    phase = market.phase
    for _ in range(_ROUNDS):
        changed = _classify(now, market, book)
        market.candidates = candidates_of(market)
        if market.arbiter is not None and market.class_config is not None:
            due = market.arbiter.decide(now, market.standing, market.candidates, market.class_config)
            market.view = None
            for one in market.candidates:
                if one.name == market.standing.serving:
                    market.view = one.view
        else:
            market.view = None
        if not (_follow_phase(market) or changed):
            break
    if market.phase is not phase and market.status_sent is not None:  # a new market has not turned
        text = "in play" if market.phase is Phase.IN_PLAY else "no longer in play"
        for trigger in market.event_triggers:
            trigger.phase(now, text)
    return due


def _follow_phase(market: BookMarket) -> bool:
    """Take over the phase of who serves (before anybody does, of the first who offers it); true if it is another."""
    view = market.view or next(iter(market.views.values()), None)
    if view is None:
        return False
    phase = Phase.IN_PLAY if view.in_play else Phase.PRE_MATCH
    changed = phase is not market.phase
    market.phase = phase
    return changed


def _classify(now: int, market: BookMarket, book: Surroundings) -> bool:
    """Find the market's class for its phase and take over its rules; true if they are others than before."""
    view = market.view or next(iter(market.views.values()), None)
    meta = view.meta if view is not None else None
    if meta is None:
        return False
    config_before, meta_before, phase_before = market.classified
    if book.config is config_before and meta is meta_before and market.phase is phase_before:
        return False
    market.classified = (book.config, meta, market.phase)
    in_play = market.phase is Phase.IN_PLAY
    config, market.unclassified = book.config.class_of(meta.sport, meta.league, market.key.type, in_play=in_play)
    choices = config.choices_for(meta.sport, meta.league, market.key.type) if config is not None else ()
    if config is market.class_config and choices == market.choices:
        return False
    forget(market)
    links = tuple(book.link(choice.name) for choice in choices)
    market.class_config, market.choices, market.links = config, choices, links
    market.arbiter = ARBITERS.get(config.model) if config is not None else None
    market.fresh = ()
    _take_triggers(now, market, config)
    if config is None:
        return True
    market.fresh = tuple(condition(link, ConditionKind.FRESH, config.max_age_us) for link in links)
    wanted = [asked for link in links for trigger in market.triggers for asked in trigger.conditions(link)]
    for asked in (*market.fresh, *wanted):
        if not asked.markets:  # an older one was judged for all its markets, and is again when time or a beat comes
            asked.judge(now)
        asked.markets[market.id] = market
    if market.arbiter is not None and not market.arbiter.single:
        for known in market.views.values():  # the hot path does not keep the times of single prices
            known.srcs = {}
    return True


def _take_triggers(now: int, market: BookMarket, config: ClassConfig | None) -> None:
    """Triggers of the policy; one whose configuration is the same stays with what it remembers."""
    known = {trigger.config: trigger for trigger in market.triggers}
    policy = config.policy if config is not None else None
    made = [known.get(entry) or make_trigger(entry) for entry in (policy.triggers if policy is not None else ())]
    market.triggers = tuple(trigger for trigger in made if trigger is not None)
    market.moves = tuple(trigger for trigger in market.triggers if isinstance(trigger, PriceMove))
    market.compared = any(isinstance(trigger, ProviderDisagreement) for trigger in market.triggers)
    watch_all(now, market)


def _word(market: BookMarket) -> Word:
    if market.final is not None and market.view is not None:
        return Word(market.view.status, "")
    if market.arbiter is None:
        return Word(ProviderStatus.OPEN, "")
    return market.arbiter.word(market.standing, market.candidates)


def _finalise(market: BookMarket, word: Word) -> str:
    """Close, settle or cancel a market, once, or take that back; what happened in words, empty for nothing.

    A closed market may still be settled or cancelled. Everything else that would leave a final status needs the serving provider's
    explicit rollback (FEEDS, "naive", 5 and 14).
    """
    taken_back = market.view is not None and market.view.rollback
    for view in market.views.values():
        view.rollback = False
    before = market.final
    wanted = FINAL.get(word.status)
    if before is None or taken_back or (before is MarketStatus.CLOSED and wanted is not None):
        market.final = wanted
    if market.final is before:
        return ""
    who = market.serving.name if market.serving is not None else "nobody"
    if market.final is None:
        return f"{who} takes back {before}"
    return f"{who} says {market.final}" if before is None else f"{who} says {market.final} after {before}"


def _fast_link(market: BookMarket) -> Link | None:
    """The provider whose plain price changes cannot change anything but prices."""
    if market.view is None or market.arbiter is None or not market.arbiter.single or market.blocked:
        return None
    if market.final is None:
        if CHECKS in market.holds or market.compared:
            return None
        for move in market.moves:
            if move.fires:
                return None
    return market.view.link


_ROUNDS = 4
