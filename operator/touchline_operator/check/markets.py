"""What is wrong with a class of markets among the others: rivals, ages that cannot be proved, providers that fail together."""

from __future__ import annotations

from collections.abc import Iterator

from touchline.api import FeedProvider, Market
from touchline.api.crosscheck import BEAT, SHORTEST_PROVABLE_AGE
from touchline_operator.check.findings import Finding
from touchline_operator.world.observed import Observed

MOST_NAMED = 5


def rivals(observed: Observed, market: Market) -> Iterator[Finding]:
    """Classes that are as specific and can match the same market: such a market stays suspended."""
    names = observed.world.selectors(observed.namespace).rivals(market.name, market.spec.selector)
    if names:
        shown = ", ".join(names[:MOST_NAMED]) + (
            f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        )
        yield Finding(
            "EquallySpecific",
            f"spec.selector: as specific as {shown}, and both can match the same market, which stays suspended; narrow one of "
            "them by sport, league, market type or phase",
        )


def unprovable(observed: Observed, market: Market) -> Iterator[Finding]:
    """An age that proof of a price, arriving at its pace, can never keep."""
    age = market.spec.freshness.max_age
    if age < SHORTEST_PROVABLE_AGE:
        yield Finding(
            "MaxAgeTooShort",
            f"spec.freshness.maxAge: {age} can never be proved, since proof of a price arrives every {BEAT}; write "
            f"{SHORTEST_PROVABLE_AGE} or more",
        )
    for choice in market.spec.feeds.providers:
        provider = observed.find("FeedProvider", choice.name)
        if provider is not None and isinstance(provider.resource, FeedProvider):
            wanted, covered = market.spec.selector.sports, provider.resource.spec.coverage.sports
            if wanted and "*" not in (*wanted, *covered) and not [sport for sport in wanted if sport in covered]:
                yield Finding(
                    "NotCovered",
                    f'"{choice.name}" covers {", ".join(covered)} and can never serve {", ".join(wanted)}; look at its '
                    "spec.coverage.sports",
                )


def not_redundant(observed: Observed, market: Market) -> Iterator[Finding]:
    """Fewer than two providers whose data does not come from one source."""
    choices = market.spec.feeds.providers
    if len(choices) < 2:
        yield Finding("OneProvider", f'only "{choices[0].name}" serves this class')
        return
    earlier: dict[str, str] = {}
    distinct = 0
    shared: tuple[str, str, str] | None = None
    for choice in choices:
        provider = observed.find("FeedProvider", choice.name)
        if provider is None or not isinstance(provider.resource, FeedProvider):
            continue
        upstream = provider.resource.spec.upstream
        if upstream is None or upstream.casefold() not in earlier:
            distinct += 1
        else:
            shared = (earlier[upstream.casefold()], choice.name, upstream)
        if upstream is not None:
            earlier.setdefault(upstream.casefold(), choice.name)
    if distinct < 2 and shared is not None:
        one, other, upstream = shared
        yield Finding(
            "SharedUpstream",
            f'"{one}" and "{other}" have one upstream, {upstream}: they fail together; add a provider that gets its data elsewhere',
        )
    elif distinct < 2:
        yield Finding("OneProvider", "only one of the class's providers exists")
