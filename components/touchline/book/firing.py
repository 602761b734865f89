"""Which policy triggers fire on a market, its own and those of wider scope that reach it.

Scope decides whom a firing trigger holds: one selection (it is shown without a price), the market, every market of the event, or every
market of this shard that the same provider serves. A trigger with review stays *latched* after it comes to rest, until a trader
resumes (`manual`).
"""

from collections.abc import Sequence
from typing import NamedTuple

from touchline.book.link import NEVER, Link
from touchline.book.manual import Orders
from touchline.book.market import BookMarket, Latch, Signal
from touchline.book.triggers.base import Facts
from touchline.book.view import View

COOLING = "reopening/cool-down"
_Signals = dict[str, dict[str, Signal]]


class Fired(NamedTuple):
    """`signals` hold the market, by cause; `released` are selections that may be offered again.

    `due` is when to judge again although nothing happens. `event` and `providers` say whose other markets have to be looked at.
    """

    signals: dict[str, Signal]
    released: list[str]
    due: int
    event: bool
    providers: list[Link]


_NOTHING = Fired({}, [], NEVER, False, [])


def fire(now: int, wall: int, market: BookMarket, rivals: Sequence[View], orders: Orders) -> Fired:
    """Judge every trigger of a market and tell those whom it reaches; brings `latched`, `blocked` and `cooling` up to date."""
    serving = market.serving
    quiet = not (market.triggers or market.latched or market.blocked or market.event.signals)
    if quiet and not any(link.signals for link in market.links):
        return _NOTHING
    firing: dict[tuple[str, str], Signal] = {}
    due = NEVER
    if market.final is None:
        facts = Facts(serving, market.view, rivals)
        for trigger in market.triggers:
            config = trigger.config
            for answer in trigger.judge(now, facts):
                due = min(due, answer.due)
                if answer.detail:
                    selection = answer.selection if config.scope == "Selection" else ""
                    firing.setdefault((config.cause, selection), Signal(config, answer.detail, answer.at))
        _latch(wall, market, firing, orders)
    own: dict[str, Signal] = {}
    wide: dict[str, dict[str, Signal]] = {"Event": {}, "Provider": {}}
    blocked: _Signals = {}
    for (cause, selection), signal in firing.items():
        if selection:
            blocked.setdefault(selection, {})[cause] = signal
        elif signal.config.scope in wide:
            wide[signal.config.scope][cause] = signal
        else:
            own[cause] = signal
    event_changed = _tell(market.event.signals, market.id, wide["Event"])
    told = [
        link for link in market.links if _tell(link.signals, market.id, wide["Provider"] if link is serving else {})
    ]
    if market.final is None:
        reaching = (market.event.signals, serving.signals if serving is not None else {})
        for signals in reaching:
            for cause, by_market in signals.items():
                own.setdefault(cause, next(iter(by_market.values())))
    released, cooled = _block(now, market, blocked)
    return Fired(own, released, min(due, cooled), event_changed, told)


def withdraw(market: BookMarket) -> list[Link]:
    """A market leaves the book: what it set for others ends. Returns the providers whose markets must be looked at."""
    _tell(market.event.signals, market.id, {})
    return [link for link in market.links if _tell(link.signals, market.id, {})]


def _latch(wall: int, market: BookMarket, firing: dict[tuple[str, str], Signal], orders: Orders) -> None:
    for key, signal in firing.items():
        if signal.config.review:
            known = market.latched.get(key)
            if known is None or known.resting or known.signal.detail != signal.detail:
                market.latched[key] = Latch(signal, wall)
    if not market.latched:
        return
    serving = market.serving
    resumed = orders.resumed_at(market.id, market.event.id, serving.name if serving is not None else "")
    for key, latch in list(market.latched.items()):
        if key in firing:
            continue
        if resumed >= latch.since:
            del market.latched[key]
        else:
            market.latched[key] = latch._replace(resting=True)
            firing[key] = Signal(latch.signal.config, f"{latch.signal.detail}; a trader must resume it")


def _tell(signals: _Signals, market: str, mine: dict[str, Signal]) -> bool:
    """Bring a market's share of wider signals up to date; true if any appeared or vanished."""
    if not signals and not mine:
        return False
    changed = False
    for cause in [cause for cause, by_market in signals.items() if market in by_market and cause not in mine]:
        del signals[cause][market]
        changed = True
        if not signals[cause]:
            del signals[cause]
    for cause, signal in mine.items():
        by_market = signals.setdefault(cause, {})
        changed = changed or market not in by_market
        by_market[market] = signal
    return changed


def _block(now: int, market: BookMarket, blocked: _Signals) -> tuple[list[str], int]:
    """Selections to keep out, each for its cool-down longer than its triggers fire; returns those released, and when to look."""
    due = NEVER
    released: list[str] = []
    if not blocked and not market.blocked:
        return released, due
    for selection, before in market.blocked.items():
        if selection in blocked:
            continue
        if selection not in market.cooling:
            market.cooling[selection] = now + max(signal.config.cool_down_us for signal in before.values())
        if now < market.cooling[selection] and market.final is None:
            blocked[selection] = before
            due = min(due, market.cooling[selection])
        else:
            released.append(selection)
    for selection in list(market.cooling):
        if selection in released or (selection in blocked and blocked[selection] is not market.blocked.get(selection)):
            del market.cooling[selection]
    market.blocked = blocked
    return released, due
