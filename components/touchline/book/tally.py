"""How many markets of each class stand how, who serves them, and what holds them: counted in one walk over a shard's markets.

A node's status document holds the sums over the shards that it leads, so its size depends on how many classes and causes there are and
never on how many markets. Of each cause one market is named, for people: the first that was met.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from touchline.book.link import Link
from touchline.book.market import BookMarket
from touchline.domain.reasons import HoldReason
from touchline.domain.status import MarketStatus

UNCLASSIFIED = ""
"""Stands for the class of markets that no class selects."""
EXAMPLES = 5
"""Causes of one class of which a market is named, the most frequent first."""
DETAIL = 160
"""Characters of an example's detail."""


class Cause:
    """How many markets one cause holds, and the first of them in words."""

    __slots__ = ("detail", "example", "markets")

    def __init__(self, example: str, detail: str, markets: int = 0) -> None:
        self.example = example
        self.detail = detail
        self.markets = markets


class ClassTally:
    """One class. `oldest_us` is the greatest age of proof over its open markets."""

    __slots__ = ("causes", "oldest_us", "serving", "statuses")

    def __init__(self) -> None:
        self.statuses: dict[MarketStatus, int] = {}
        self.serving: dict[str, int] = {}
        """Markets that are not over, by the provider that serves them."""
        self.causes: dict[tuple[str, HoldReason], Cause] = {}
        self.oldest_us = 0

    def add(self, other: "ClassTally") -> None:
        """Take another shard's markets of the class in."""
        for status, count in other.statuses.items():
            self.statuses[status] = self.statuses.get(status, 0) + count
        for provider, count in other.serving.items():
            self.serving[provider] = self.serving.get(provider, 0) + count
        for key, cause in other.causes.items():
            mine = self.causes.get(key)
            if mine is None:
                mine = self.causes[key] = Cause(cause.example, cause.detail)
            mine.markets += cause.markets
        self.oldest_us = max(self.oldest_us, other.oldest_us)

    def document(self) -> dict[str, Any]:
        """As it stands in the status document."""
        ranked = sorted(self.causes.items(), key=lambda entry: (-entry[1].markets, entry[0]))
        holds = []
        for place, ((name, reason), cause) in enumerate(ranked):
            entry: dict[str, Any] = {"cause": name, "reason": reason.value, "markets": cause.markets}
            if place < EXAMPLES:
                entry |= {"example": cause.example, "detail": cause.detail[:DETAIL]}
            holds.append(entry)
        return {
            "markets": {status.value: count for status, count in sorted(self.statuses.items())},
            "providers": dict(sorted(self.serving.items())),
            "oldestPriceMs": self.oldest_us // 1000,
            "holds": holds,
        }


class Tally:
    """Every class of a shard, or of several; `kept_out` are single selections that a policy's triggers keep out, by cause."""

    def __init__(self) -> None:
        self.classes: dict[str, ClassTally] = {}
        self.kept_out: dict[str, int] = {}

    def add(self, other: "Tally") -> None:
        """Take another shard in."""
        for name, tally in other.classes.items():
            mine = self.classes.get(name)
            if mine is None:
                mine = self.classes[name] = ClassTally()
            mine.add(tally)
        for cause, count in other.kept_out.items():
            self.kept_out[cause] = self.kept_out.get(cause, 0) + count

    def statuses(self) -> dict[str, int]:
        """Markets by status, over all classes."""
        found: dict[str, int] = {}
        for tally in self.classes.values():
            for status, count in tally.statuses.items():
                found[status.value] = found.get(status.value, 0) + count
        return dict(sorted(found.items()))

    def reasons(self) -> dict[str, int]:
        """Holds by reason, over all classes."""
        found: dict[str, int] = {}
        for tally in self.classes.values():
            for (_, reason), cause in tally.causes.items():
                found[reason.value] = found.get(reason.value, 0) + cause.markets
        return dict(sorted(found.items()))

    def oldest_us(self) -> int:
        """The greatest age of proof over all open markets."""
        return max((tally.oldest_us for tally in self.classes.values()), default=0)

    def holds_of_policies(self) -> dict[str, dict[str, int]]:
        """Holds of each policy's triggers, by policy, then by the trigger's name: of whole markets and of single selections."""
        found: dict[str, dict[str, int]] = {}
        held = [(name, cause.markets) for tally in self.classes.values() for (name, _), cause in tally.causes.items()]
        for name, count in (*held, *self.kept_out.items()):
            policy, trigger = trigger_of(name)
            if policy:
                of = found.setdefault(policy, {})
                of[trigger] = of.get(trigger, 0) + count
        return {policy: dict(sorted(triggers.items())) for policy, triggers in sorted(found.items())}


def count(now: int, markets: Iterable[BookMarket]) -> Tally:
    """Count a shard's markets at `now`, the node's monotonic microseconds. For a book that leads: others offer nothing."""
    tally = Tally()
    classes = tally.classes
    ages: dict[Link, int] = {}
    for market in markets:
        config, view, status = market.class_config, market.view, market.status
        name = config.name if config is not None else UNCLASSIFIED
        of = classes.get(name)
        if of is None:
            of = classes[name] = ClassTally()
        of.statuses[status] = of.statuses.get(status, 0) + 1
        if view is not None and market.final is None:
            link = view.link
            of.serving[link.name] = of.serving.get(link.name, 0) + 1
            if status is MarketStatus.OPEN:
                age = ages.get(link)
                if age is None:
                    age = ages[link] = now - link.echo if link.echo >= 0 else 0
                of.oldest_us = max(of.oldest_us, age)
        for hold in market.holds:
            key = (hold.cause, hold.reason)
            cause = of.causes.get(key)
            if cause is None:
                cause = of.causes[key] = Cause(market.id, hold.detail)
            cause.markets += 1
        for signals in market.blocked.values():
            for blocking in signals:
                tally.kept_out[blocking] = tally.kept_out.get(blocking, 0) + 1
    return tally


def trigger_of(cause: str) -> tuple[str, str]:
    """Policy and trigger of a hold's cause; two empty words for a cause that is no trigger."""
    kind, _, rest = cause.partition("/")
    policy, _, trigger = rest.partition("/")
    return (policy, trigger) if kind == "policy" and trigger else ("", "")


def documents(tally: Tally, begun: Mapping[tuple[str, str], int]) -> dict[str, Any]:
    """The part of a node's document that is about classes and policies.

    `begun` says how often each policy's triggers fired lately, by policy and type.
    """
    policies: dict[str, dict[str, Any]] = {}
    for policy, holds in tally.holds_of_policies().items():
        policies.setdefault(policy, {"holds": {}, "lastHour": {}})["holds"] = holds
    for (policy, kind), times in sorted(begun.items()):
        policies.setdefault(policy, {"holds": {}, "lastHour": {}})["lastHour"][kind] = times
    return {
        "classes": {name: each.document() for name, each in sorted(tally.classes.items()) if name != UNCLASSIFIED},
        "policies": dict(sorted(policies.items())),
    }
