"""The rules of one market, judged whole: who serves, what holds it, whether it may open.

Holds are a function of the present facts, not of the way here: each review derives the set that should stand and brings `HoldSet` to it, so
nothing can be forgotten, and a hold goes only when its own cause does.

cause                          reason               set while
class                          NoProvider           no Market class selects the market, or its model is not built
class/unsupported              ChecksFailed         the class declares what this release does not act on
policy                         ChecksFailed         the class names a SuspensionPolicy that does not exist
policy/unsupported             ChecksFailed         the policy declares what this release does not act on
coverage                       NoProvider           no provider of the class offers the market, or none serves it yet
sync                           SequenceGap or       something the serving provider's ingest sent did not arrive, or it
                               Recovering           restarted, and the complete images have not come yet
recovery                       Recovering           the serving provider is itself recovering
freshness                      StalePrice           freshness is not proven (`freshness`)
provider                       ProviderSuspended    the provider says so (ActiveActive: any of the live ones)
manual/market …                Manual               a trader's halt on the market, event, provider or all
manual/class                   Manual               `spec.suspended` of the class
policy/<policy>/<trigger>      the trigger's type   the trigger fires, or waits for a trader (SuspendAndReview)
reopening/cool-down            CoolDown             nothing else holds it, the policy's cool-down runs
reopening/checks               ChecksFailed         nothing else holds it, a reopening check fails
"""

from collections.abc import Mapping
from typing import NamedTuple

from touchline.book.arbitration import Candidate, Word
from touchline.book.config import ClassConfig
from touchline.book.firing import COOLING
from touchline.book.link import NEVER, Link, Sync
from touchline.book.manual import Orders
from touchline.book.market import BookMarket, Signal
from touchline.book.pricing import reset_moves
from touchline.book.reopening import failed_checks
from touchline.domain.holds import Hold
from touchline.domain.reasons import HoldReason
from touchline.domain.status import MarketStatus, ProviderState, ProviderStatus

CHECKS = "reopening/checks"


class Wanted(NamedTuple):
    """One hold that should stand."""

    cause: str
    reason: HoldReason
    detail: str


class Outcome(NamedTuple):
    """What a review did to a market's holds. `due` is when to review again although nothing happens."""

    set: list[Hold]
    cleared: list[Hold]
    due: int
    opened: bool


def candidates_of(market: BookMarket) -> list[Candidate]:
    """The class's providers with their fitness for this market, in the class's order."""
    found = []
    for choice, link, fresh in zip(market.choices, market.links, market.fresh, strict=True):
        view = market.views.get(choice.name)
        if view is None:
            why = "does not offer the market"
        elif not link.in_sync:
            why = link.sync_detail
        elif not fresh.answer:
            why = fresh.why
        else:
            found.append(Candidate(choice.name, view, True))
            continue
        found.append(Candidate(choice.name, view, False, why))
    return found


def review(
    now: int, wall: int, market: BookMarket, word: Word, signals: Mapping[str, Signal], orders: Orders
) -> Outcome:
    """Bring the holds and the status of a market to what the facts demand."""
    if market.final is not None:
        market.fired = {}
        market.cool_until = 0
        return _bring(wall, market, [], NEVER, market.final)
    _note_cool_down(now, market, signals)
    wanted = _standing(market, word, signals, orders)
    due = NEVER
    opens = False
    if not wanted and now < market.cool_until:
        wanted.append(_cool_down(market))
        due = market.cool_until
    if not wanted and market.status is not MarketStatus.OPEN:
        failed = _failed_checks(market)
        opens = not failed
        if failed:
            wanted.append(Wanted(CHECKS, HoldReason.CHECKS_FAILED, failed))
    outcome = _bring(wall, market, wanted, due, MarketStatus.SUSPENDED if wanted else MarketStatus.OPEN, opens=opens)
    if opens:
        reset_moves(now, market, list(market.offers))
    return outcome


def _standing(market: BookMarket, word: Word, signals: Mapping[str, Signal], orders: Orders) -> list[Wanted]:
    """Everything that holds a market apart from its reopening."""
    wanted: list[Wanted] = []
    config = market.class_config
    if config is None:
        wanted.append(Wanted("class", HoldReason.NO_PROVIDER, market.unclassified))
    elif market.arbiter is None:
        wanted.append(Wanted("class", HoldReason.NO_PROVIDER, f"{config.name}: the model {config.model} is not built"))
    elif config.policy is None:
        wanted.append(Wanted("policy", HoldReason.CHECKS_FAILED, f"{config.name} names a policy that does not exist"))
    if config is not None:
        wanted.extend(_not_acted_on(config))
    serving = market.serving
    if serving is None:
        if config is not None:
            names = ", ".join(choice.name for choice in market.choices)
            wanted.append(Wanted("coverage", HoldReason.NO_PROVIDER, f"not offered by {names}"))
    else:
        wanted.extend(_unproven(market, serving))
        if market.standing.shown and not wanted:
            wanted.append(Wanted("coverage", HoldReason.NO_PROVIDER, "no provider serves it yet"))
    if word.status is ProviderStatus.SUSPENDED:
        wanted.append(Wanted("provider", HoldReason.PROVIDER_SUSPENDED, word.detail))
    halts = orders.halts(market.id, market.event.id, serving.name if serving is not None else "")
    wanted.extend(Wanted(cause, HoldReason.MANUAL, detail) for cause, detail in halts)
    if config is not None and config.suspended:
        wanted.append(Wanted("manual/class", HoldReason.MANUAL, f"the class {config.name} is suspended"))
    wanted.extend(Wanted(cause, signal.config.type, signal.detail) for cause, signal in signals.items())
    return wanted


def _not_acted_on(config: ClassConfig) -> list[Wanted]:
    """A market without its declared margin or trigger is not the market that was declared: it stays shut."""
    policy = config.policy
    if not config.unsupported and (policy is None or not policy.unsupported):
        return []
    declared = [("class/unsupported", config.unsupported)]
    if config.policy is not None:
        declared.append(("policy/unsupported", config.policy.unsupported))
    return [Wanted(cause, HoldReason.CHECKS_FAILED, text) for cause, text in declared if text]


def _unproven(market: BookMarket, serving: Link) -> list[Wanted]:
    """What is not proven of the serving provider."""
    wanted = []
    if not serving.in_sync:
        gap = serving.sync is Sync.GAP
        reason = HoldReason.SEQUENCE_GAP if gap else HoldReason.RECOVERING
        wanted.append(Wanted("sync", reason, f"{serving.name}: {serving.sync_detail}"))
    if serving.state is ProviderState.RECOVERING:
        detail = f"{serving.name}: {serving.detail}" if serving.detail else f"{serving.name} is recovering"
        wanted.append(Wanted("recovery", HoldReason.RECOVERING, detail))
    else:
        for choice, fresh in zip(market.choices, market.fresh, strict=True):
            if choice.name == serving.name and not fresh.answer:
                wanted.append(Wanted("freshness", HoldReason.STALE_PRICE, f"{serving.name}: {fresh.why}"))
    return wanted


def _note_cool_down(now: int, market: BookMarket, signals: Mapping[str, Signal]) -> None:
    """A policy hold that is gone starts its cool-down; that of a moment runs since the moment."""
    for cause, signal in market.fired.items():
        if cause not in signals:
            begin = signal.at if signal.at >= 0 else now
            market.cool_until = max(market.cool_until, begin + signal.config.cool_down_us)
            market.cooling_from = f"{cause} cleared ({signal.detail})"
    market.fired = dict(signals)


def _cool_down(market: BookMarket) -> Wanted:
    return Wanted(COOLING, HoldReason.COOL_DOWN, market.cooling_from)


def _failed_checks(market: BookMarket) -> str:
    config = market.class_config
    if config is None or config.policy is None:
        return ""
    fresh = any(candidate.fit for candidate in market.candidates if candidate.name == market.standing.serving)
    offered = {
        selection: 0 if selection in market.blocked else offer.micro for selection, offer in market.offers.items()
    }
    expected = [selection for selection in market.expected() if selection not in market.blocked]
    return failed_checks(config.policy, fresh=fresh, expected=expected, prices=offered)


def _bring(
    wall: int, market: BookMarket, wanted: list[Wanted], due: int, status: MarketStatus, *, opens: bool = False
) -> Outcome:
    """Clear the holds that should not stand, set those that should."""
    holds = market.holds
    causes = {want.cause: want for want in wanted}
    cleared = [hold for hold in holds if hold.cause not in causes]
    for hold in cleared:
        holds.clear(hold.cause)
    begun = []
    for want in wanted:
        hold = Hold(want.cause, want.reason, wall, want.detail)
        if holds.set(hold):
            begun.append(hold)
        elif want.cause in _RETOLD:
            _retell(market, want)
    market.status = status
    return Outcome(begun, cleared, due, opens)


def _retell(market: BookMarket, want: Wanted) -> None:
    old = next(hold for hold in market.holds if hold.cause == want.cause)
    if (old.reason, old.detail) != (want.reason, want.detail):
        market.holds.clear(want.cause)
        market.holds.set(old._replace(reason=want.reason, detail=want.detail))


_RETOLD = frozenset({CHECKS, "class", "class/unsupported", "policy/unsupported", "coverage", "sync"})
"""Causes whose present words matter; of the others the figures stand that led to the hold."""
