"""The status of a Market: how many of its markets are open, who serves them, and what holds the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from touchline.api import Market
from touchline.domain.reasons import HoldReason
from touchline_operator.check.findings import Judgement
from touchline_operator.status.books import ClassSum, Hold, class_sum, counting, leaders
from touchline_operator.status.conditions import FALSE, TRUE, UNKNOWN, Said, condition, since
from touchline_operator.status.figures import Figures, kept, present, steady_duration
from touchline_operator.world.observed import Observed

SUSPENDED = "Suspended"
SETTLES_US = 10_000_000
"""So long a class stays Suspended at least: in play something is suspended every few seconds, and a condition is no ticker."""
NAMED = 5
"""Causes that the message spells out."""
FIGURES = ("instances", "servingProvider", "oldestPrice")
_STATES = ("Open", "Suspended", "Closed", "Settled", "Cancelled")


def suspension(observed: Observed, judgement: Judgement) -> Said:
    """Whether anything of the class is suspended, and by what. The reason is the one that holds most markets."""
    if judgement.invalid:
        return Said(SUSPENDED, UNKNOWN, "Invalid", "the object cannot be read")
    resource, health = observed.target.resource, observed.health
    counted = class_sum(health, observed.target.key.name)
    if isinstance(resource, Market) and resource.spec.suspended:
        text = "; ".join(("spec.suspended is true: the whole class is halted", *_figures(counted)))
        return Said(SUSPENDED, TRUE, HoldReason.MANUAL.value, text)
    if observed.witness:
        return Said(SUSPENDED, UNKNOWN, "Witnessing", "no book runs in a witness region")
    before = condition(observed.target.status, SUSPENDED)
    if not health.connected or not counting(health):
        if health.starting and before.get("observedGeneration") == observed.target.generation:
            return Said(SUSPENDED, before["status"], str(before["reason"]), str(before.get("message", "")))
        return Said(SUSPENDED, UNKNOWN, "NoReport", _silence(observed))
    return _judged(observed, counted, before, _leaderless(observed))


def market_figures(observed: Observed) -> Figures:
    """Markets by state, who serves most of them, and the oldest proof."""
    before, health = observed.target.status, observed.health
    if health.starting:
        return kept(before, FIGURES)
    if not health.connected or not counting(health):
        return {}
    counted = class_sum(health, observed.target.key.name)
    serving = min(counted.serving.items(), key=lambda entry: (-entry[1], entry[0]), default=("", 0))[0]
    oldest = counted.oldest_ms * 1000 if counted.count("Open") else None
    return present(
        {
            "instances": {state.lower(): counted.count(state) for state in _STATES},
            "servingProvider": serving or None,
            "oldestPrice": steady_duration(before.get("oldestPrice"), oldest, within_us=200_000),
        }
    )


def _judged(observed: Observed, counted: ClassSum, before: Mapping[str, object], leaderless: str) -> Said:
    live = counted.count("Open") + counted.count("Suspended")
    if not counted.markets:
        return Said(SUSPENDED, FALSE, "NoMarkets", f"no market of the class is in the book{leaderless}")
    if leaderless and not counted.holds:
        text = f"{live} markets are open where a shard is led{leaderless}"
        return Said(SUSPENDED, TRUE, HoldReason.AUTHORITY_LOST.value, text)
    if counted.holds:
        reason = _reason(counted.holds, str(before.get("reason", "")) if before.get("status") == TRUE else "")
        return Said(SUSPENDED, TRUE, reason, "; ".join(_figures(counted)) + leaderless)
    text = (
        f"{counted.count('Open')} markets are open, none is suspended" if live else "every market of the class is over"
    )
    if before.get("status") == TRUE and 0 <= observed.now - since(before) < SETTLES_US:
        return Said(SUSPENDED, TRUE, str(before["reason"]), f"just over: {text}")
    return Said(SUSPENDED, FALSE, "NoHold", text)


def _reason(holds: tuple[Hold, ...], before: str) -> str:
    """The reason of most markets. The one that was told stays while it still holds half as many as any other: no to and fro."""
    by_reason: dict[str, int] = {}
    for hold in holds:
        by_reason[hold.reason] = by_reason.get(hold.reason, 0) + hold.markets
    most = min(by_reason, key=lambda reason: (-by_reason[reason], reason))
    return before if 2 * by_reason.get(before, 0) >= by_reason[most] else most


def _figures(counted: ClassSum) -> Iterator[str]:
    """The sentence with its figures, then one part for each of the widest causes."""
    suspended = counted.count("Suspended")
    if not suspended:
        return
    live = counted.count("Open") + suspended
    yield f"{suspended} of {live} market{'s are' if live > 1 else ' is'} suspended"
    for hold in counted.holds[:NAMED]:
        example = f", such as {hold.example}" if hold.example else ""
        yield f"{hold.markets} {hold.reason} ({_named(hold.cause)}){example}{': ' + hold.detail if hold.detail else ''}"
    more = len(counted.holds) - NAMED
    if more > 0:
        yield f"and {more} more cause{'s' if more > 1 else ''}"


def _named(cause: str) -> str:
    """A hold's cause in the words of the author's own objects."""
    kind, _, rest = cause.partition("/")
    policy, _, trigger = rest.partition("/")
    return f"trigger {trigger} of {policy}" if kind == "policy" and trigger else cause


def _leaderless(observed: Observed) -> str:
    engine, led = observed.engine_resource, leaders(observed.health)
    missing = [str(shard) for shard in range(engine.spec.shards if engine is not None else 0) if shard not in led]
    return f"; nobody leads the shards {', '.join(missing)}, whose markets take no bets" if missing else ""


def _silence(observed: Observed) -> str:
    if observed.engine is None:
        return "there is no OddsEngine in this namespace"
    if not observed.health.connected:
        return observed.health.fault or "the operator has no connection to the broker"
    return "no book node that leads a shard has counted its markets"
