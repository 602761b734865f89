"""The rules of acceptance, in their order (DESIGN, section 7): market known, status, version, selection, freshness,
jurisdiction, stake, payout, liability, price. The first that a bet breaks decides it.

Pure: everything that is needed is passed in, as it is at the instant of judgement. The cost is bounded by the legs: no rule looks at
other selections than the bet's own, so a market of 5,000 outcomes costs what one of two costs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from touchline.api.v1alpha1.market import OverLimit, PriceChange
from touchline.bus.messages import BetLeg, BetRequest
from touchline.desk.liability import Liability, Room
from touchline.desk.quotes import Quote
from touchline.desk.records import DecisionKind
from touchline.desk.terms import Terms, TermsOfClasses
from touchline.domain.keys import MalformedKey, MarketKey, shard_of
from touchline.domain.micro_odds import MAX_MICRO, MIN_MICRO, decimal_text
from touchline.domain.money import MAX_WHOLE_DIGITS, MoneyError, floor_to_minor, minor_digits, money_text, payout_micro
from touchline.domain.reasons import BetReason
from touchline.domain.rounding import MILLION, millionths_text
from touchline.domain.status import MarketStatus
from touchline.domain.version import Version, VersionError

MAX_AMOUNT = 10**MAX_WHOLE_DIGITS * MILLION


@dataclass(frozen=True, slots=True)
class JudgedLeg:
    """What the book said of a leg: the version judged against and the price then; empty and 0 where it said nothing."""

    version: str = ""
    current: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of one check. `detail` is one sentence with the figures that led to it."""

    decision: DecisionKind
    legs: tuple[JudgedLeg, ...]
    reason: BetReason | None = None
    detail: str = ""
    alternative_stake: int = 0
    delay_us: int = 0
    """Passed, but to be decided only after this time, by a second check."""

    @property
    def taken(self) -> bool:
        """Whether the bettor gets the current prices."""
        return self.decision is DecisionKind.ACCEPTED

    @property
    def prices(self) -> list[int]:
        return [leg.current for leg in self.legs]


@dataclass(frozen=True, slots=True)
class House:
    """What is the same for every bet of a shard."""

    shard: int
    shards: int
    epoch: int
    currency: str
    max_legs: int


class _Broken(Exception):
    def __init__(
        self,
        reason: BetReason,
        detail: str,
        *,
        decision: DecisionKind = DecisionKind.REJECTED,
        alternative_stake: int = 0,
    ) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail
        self.decision, self.alternative_stake = decision, alternative_stake


def judge(
    request: BetRequest,
    quotes: Sequence[Quote | None],
    *,
    house: House,
    terms: TermsOfClasses,
    liability: Liability,
    second: bool = False,
) -> Verdict:
    """Judge a bet against its legs' quotes (one for each leg, in order). `second`: the delay is over, do not ask for it again."""
    legs = tuple(_judged(leg, quote) for leg, quote in zip(request.legs, quotes, strict=True))
    try:
        _check_form(request, house)
        found = [_check_leg(leg, quote, request, house, terms) for leg, quote in zip(request.legs, quotes, strict=True)]
        _check_amounts(request, [leg.current for leg in legs], found, house, liability)
        _check_prices(request, legs, found)
    except _Broken as broken:
        return Verdict(broken.decision, legs, broken.reason, broken.detail, broken.alternative_stake)
    delay = 0 if second else max(quote.delay_us for quote in quotes if quote is not None)
    return Verdict(DecisionKind.PENDING if delay else DecisionKind.ACCEPTED, legs, delay_us=delay)


def _judged(leg: BetLeg, quote: Quote | None) -> JudgedLeg:
    if quote is None:
        return JudgedLeg()
    return JudgedLeg(str(quote.version), quote.selections.get(leg.selection, 0))


def _check_form(request: BetRequest, house: House) -> None:
    """What the gateway should have refused, and what a multiple may hold."""
    count = len(request.legs)
    if request.type not in {"Single", "Multiple"} or (request.type == "Single") != (count == 1) or count == 0:
        raise _Broken(
            BetReason.MALFORMED, f"a {request.type or 'bet'} of {count} legs: a Single has one, a Multiple more"
        )
    if count > house.max_legs:
        raise _Broken(BetReason.MALFORMED, f"{count} legs: at most {house.max_legs} are taken")
    if request.price_change not in {"", *PriceChange}:
        raise _Broken(
            BetReason.MALFORMED, f"priceChange {request.price_change[:40]!r} is not Exact, AcceptBetter or AcceptWithin"
        )
    if not 0 <= request.within_ppm <= MILLION:
        raise _Broken(BetReason.MALFORMED, "the tolerated fall of a price must be between 0 and 100 %")
    smallest = 10 ** (6 - minor_digits(house.currency))
    if not 0 <= request.stake < MAX_AMOUNT or request.stake % smallest:
        raise _Broken(
            BetReason.MALFORMED, f"stake {millionths_text(request.stake)} is not an amount that {house.currency} has"
        )
    events: set[str] = set()
    for leg in request.legs:
        try:
            event = MarketKey.parse(leg.market).event
        except MalformedKey as error:
            raise _Broken(BetReason.MALFORMED, str(error)) from error
        if shard_of(event, house.shards) != house.shard:
            raise _Broken(BetReason.MALFORMED, f"event {event} belongs to another shard: its legs are bet as singles")
        if event in events:
            raise _Broken(BetReason.MALFORMED, f"two legs on event {event}: related outcomes are not multiplied")
        events.add(event)
        if not MIN_MICRO <= leg.price <= MAX_MICRO:
            raise _Broken(BetReason.MALFORMED, f"{millionths_text(leg.price)} is not a price")


def _check_leg(leg: BetLeg, quote: Quote | None, request: BetRequest, house: House, terms: TermsOfClasses) -> Terms:
    if quote is None:
        raise _Broken(BetReason.UNKNOWN_MARKET, f"there is no market {leg.market}")
    if quote.status.final:
        raise _Broken(BetReason.MARKET_CLOSED, f"{leg.market} is {quote.status}")
    if quote.status is not MarketStatus.OPEN or quote.holds:
        why = ", ".join(dict.fromkeys(hold.reason.value for hold in quote.holds)) or str(quote.status)
        raise _Broken(BetReason.MARKET_SUSPENDED, f"{leg.market} is suspended: {why}")
    _check_version(leg, quote, house)
    if leg.selection not in quote.selections:
        raise _Broken(BetReason.UNKNOWN_SELECTION, f"{leg.market} has no selection {leg.selection[:64]}")
    if not quote.selections[leg.selection]:
        raise _Broken(BetReason.SELECTION_UNAVAILABLE, f"{leg.selection} of {leg.market} has no price")
    if not quote.fresh:
        age, limit = quote.age_us // 1000, quote.max_age_us // 1000
        raise _Broken(
            BetReason.STALE_PRICE, f"the price of {leg.market} is proven to {age} ms ago only, {limit} ms are allowed"
        )
    if quote.market_class is None:
        raise _Broken(BetReason.MARKET_SUSPENDED, f"no Market class takes bets on {leg.market}")
    found = terms.of(quote.market_class)
    if not found.allows(request.jurisdiction):
        where = request.jurisdiction or "an unknown jurisdiction"
        raise _Broken(BetReason.JURISDICTION_NOT_ALLOWED, f"bets on {leg.market} are not taken from {where}")
    return found


def _check_version(leg: BetLeg, quote: Quote, house: House) -> None:
    """What the bettor saw must have been published, and not by a later leader than this one.

    An older version is no reason in itself: whether the bet still stands is decided by the price, which is compared whatever the
    versions say. So a bet made in an earlier epoch is checked again in full.
    """
    try:
        seen = Version.parse(leg.version)
    except VersionError as error:
        raise _Broken(BetReason.MALFORMED, str(error)) from error
    if seen.epoch > house.epoch:
        raise _Broken(
            BetReason.NO_AUTHORITY, f"version {seen} is of a later term than epoch {house.epoch}, which decides here"
        )
    if seen > quote.version:
        raise _Broken(
            BetReason.MALFORMED, f"version {seen} of {leg.market} was never published; {quote.version} is the newest"
        )


def _check_amounts(
    request: BetRequest, prices: list[int], found: list[Terms], house: House, liability: Liability
) -> None:
    """Stake, payout and liability. Over one of them, a class may offer the largest stake that passes all, or ask a trader."""
    least, most = max(terms.stake_min for terms in found), min(terms.stake_max for terms in found)
    if request.stake < least or request.stake == 0:
        raise _Broken(BetReason.STAKE_BELOW_MINIMUM, f"the smallest stake is {_text(least, house)}")
    scale = MILLION ** len(prices)
    odds = 1
    for price in prices:
        odds *= price
    max_payout = min(terms.max_payout for terms in found)
    rooms = [liability.room((leg.market, leg.selection), terms) for leg, terms in zip(request.legs, found, strict=True)]
    tightest = min(rooms, key=lambda room: room.profit)
    payout = payout_micro(request.stake, *prices)
    if request.stake > most:
        reason, detail = BetReason.STAKE_ABOVE_MAXIMUM, f"the largest stake is {_text(most, house)}"
    elif payout > max_payout:
        reason = BetReason.STAKE_ABOVE_MAXIMUM
        detail = f"a payout of {_text(payout, house)} is over the limit of {_text(max_payout, house)} for one bet"
    elif payout - request.stake > tightest.profit:
        reason, detail = BetReason.LIABILITY_EXCEEDED, _liability_detail(tightest, payout - request.stake, house)
    else:
        return
    over_limit = _strictest(found)
    if over_limit is OverLimit.REVIEW:
        raise _Broken(reason, detail, decision=DecisionKind.REVIEW)
    alternative = 0
    if over_limit is OverLimit.OFFER_MAXIMUM:
        by_liability = max(tightest.profit, 0) * scale // (odds - scale)
        alternative = floor_to_minor(min(most, max_payout * scale // odds, by_liability), house.currency)
        if alternative < least:
            alternative = 0
    raise _Broken(reason, detail, alternative_stake=alternative)


def _strictest(found: list[Terms]) -> OverLimit:
    """What a multiple's classes say together: a plain refusal of one is not softened by another."""
    for choice in (OverLimit.REJECT, OverLimit.REVIEW):
        if any(terms.over_limit is choice for terms in found):
            return choice
    return OverLimit.OFFER_MAXIMUM


def _liability_detail(room: Room, profit: int, house: House) -> str:
    return (
        f"{_text(profit, house)} more would be over the {room.scope}'s liability limit of {_text(room.limit, house)}; "
        f"{_text(room.figure, house)} stand already"
    )


def _check_prices(request: BetRequest, legs: tuple[JudgedLeg, ...], found: list[Terms]) -> None:
    """Whether the bettor would still take the bet at the prices as they are now; if not, the bet is offered at these."""
    moved = [
        f"{leg.selection} of {leg.market} from {decimal_text(leg.price)} to {decimal_text(judged.current)}"
        for leg, judged, terms in zip(request.legs, legs, found, strict=True)
        if not _acceptable(request, leg.price, judged.current, terms)
    ]
    if moved:
        raise _Broken(BetReason.PRICE_CHANGED, "moved: " + "; ".join(moved), decision=DecisionKind.REPRICED)


def _acceptable(request: BetRequest, asked: int, current: int, terms: Terms) -> bool:
    wish = PriceChange(request.price_change) if request.price_change else terms.price_change
    if current == asked:
        return True
    if wish is PriceChange.EXACT:
        return False
    if current > asked:
        return True
    if wish is PriceChange.ACCEPT_BETTER:
        return False
    # A bet may say AcceptWithin and leave the figure to the class.
    within = (request.price_change and request.within_ppm) or terms.within_ppm
    return current * MILLION >= asked * (MILLION - within)


def _text(micro: int, house: House) -> str:
    try:
        return f"{money_text(floor_to_minor(micro, house.currency), house.currency)} {house.currency}"
    except MoneyError:
        return millionths_text(micro)
