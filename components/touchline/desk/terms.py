"""On what terms a market class takes bets: its `betting` and `jurisdictions` blocks as integers, made once per class.

Amounts are micro units of the engine's currency.
"""

from dataclasses import dataclass

from touchline.api.v1alpha1.market import Market, OverLimit, PriceChange

_ANYWHERE = "*"
# A percentage has six decimals at most, so its micro value divided by 100 is exact to a hundredth of a part per million.
_MICRO_PERCENT_PER_PPM = 100


@dataclass(frozen=True, slots=True)
class Terms:
    """One class's limits. `within_ppm` is meant where `price_change` is AcceptWithin."""

    stake_min: int
    stake_max: int
    max_payout: int
    selection_limit: int
    market_limit: int
    event_limit: int
    price_change: PriceChange
    within_ppm: int
    over_limit: OverLimit
    allow: frozenset[str]
    deny: frozenset[str]

    @classmethod
    def of(cls, market_class: Market) -> "Terms":
        betting, where = market_class.spec.betting, market_class.spec.jurisdictions
        within = betting.accept_within_percent
        return cls(
            stake_min=betting.stake.min.micros,
            stake_max=betting.stake.max.micros,
            max_payout=betting.max_payout.micros,
            selection_limit=betting.max_liability.selection.micros,
            market_limit=betting.max_liability.market.micros,
            event_limit=betting.max_liability.event.micros,
            price_change=betting.price_change,
            within_ppm=within.micros // _MICRO_PERCENT_PER_PPM if within else 0,
            over_limit=betting.over_limit,
            allow=frozenset(where.allow),
            deny=frozenset(where.deny),
        )

    def allows(self, jurisdiction: str) -> bool:
        """Whether a bettor from there may bet: `US-NJ` is covered by itself, by `US` and by `*`; what is denied is denied.

        A bettor from an unknown place (empty) is allowed only where everybody is and nobody is denied.
        """
        country = jurisdiction.partition("-")[0]
        if jurisdiction in self.deny or country in self.deny:
            return False
        if not jurisdiction:
            return _ANYWHERE in self.allow and not self.deny
        return _ANYWHERE in self.allow or jurisdiction in self.allow or country in self.allow


class TermsOfClasses:
    """Terms by class, made anew when a class's resource has been replaced."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[Market, Terms]] = {}

    def of(self, market_class: Market) -> Terms:
        name = market_class.metadata.name
        known = self._known.get(name)
        if known is None or known[0] is not market_class:
            known = (market_class, Terms.of(market_class))
            self._known[name] = known
        return known[1]
