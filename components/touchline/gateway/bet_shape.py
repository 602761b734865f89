"""The form of a bet: from what a bettor sends to a `BetRequest`. Whether it is a good bet is the desk's to say.

The same document comes over HTTP and in the WebSocket's `bet` command; every fault is told at once, each with its place.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from touchline.bus.messages import BetLeg, BetRequest
from touchline.domain.keys import MalformedKey, MarketKey, is_selection
from touchline.domain.money import MoneyError, parse_money
from touchline.domain.prices import PriceError, parse_micro
from touchline.domain.version import Version, VersionError
from touchline.gateway.identity import Identity
from touchline.gateway.problems import Fault, malformed, pointer

MAX_LEGS = 20
KEY_PATTERN = r"^[A-Za-z0-9_.:-]{1,64}$"
_PERCENT = r"^(0|[1-9][0-9]?|100)(\.[0-9]{1,4})?$"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=True)


class Leg(_Strict):
    """One selection, at the price and version that the bettor saw."""

    market: str = Field(max_length=160, description="Market id.", examples=["e7f3a1:MatchWinner"])
    selection: str = Field(max_length=64, description="Selection id.", examples=["home"])
    price: str = Field(max_length=32, description="Decimal odds that the bettor saw, as text.", examples=["2.10"])
    version: str = Field(max_length=40, description="Version of the market that showed it.", examples=["3.1190"])


class BetDocument(_Strict):
    """A bet to be decided."""

    key: Annotated[str, Field(pattern=KEY_PATTERN)] = Field(
        description="Idempotency key, chosen by the bettor's app: the same key always gets the first decision.",
        examples=["4f1c6f0e-6d0c-4f6f-8f7b-1f6f1a8e2b11"],
    )
    stake: str = Field(
        max_length=40, description="Stake in the engine's currency, as decimal text.", examples=["10.00"]
    )
    legs: list[Leg] = Field(
        min_length=1, max_length=MAX_LEGS, description="One leg of a Single, two and more of a Multiple."
    )
    price_change: Literal["Exact", "AcceptBetter", "AcceptWithin"] | None = Field(
        default=None,
        alias="priceChange",
        description="Which changes of price are accepted; the market class's default if left out.",
    )
    within_percent: Annotated[str, Field(pattern=_PERCENT)] | None = Field(
        default=None,
        alias="withinPercent",
        description="For AcceptWithin: by how much worse the price may be; the market class's own tolerance if left out.",
        examples=["1.5"],
    )
    type: Literal["Single", "Multiple"] = Field(default="Single", description="Kind of bet.")


def bet_schema() -> dict[str, Any]:
    """JSON Schema of a bet without references, so that it can stand inside another document."""
    schema = BetDocument.model_json_schema(by_alias=True)
    schema["properties"]["legs"]["items"] = schema.pop("$defs")["Leg"]
    return schema


def read_bet(document: Any, identity: Identity, currency: str) -> BetRequest:
    """A well-formed bet of one customer.

    Raises:
        Problem: with every fault and its place.
    """
    try:
        bet = BetDocument.model_validate(document)
    except ValidationError as error:
        faults = [Fault(pointer(item["loc"]), item["msg"]) for item in error.errors(include_url=False)]
        raise malformed("the bet is malformed", faults) from error
    faults = []
    stake = 0
    try:
        stake = parse_money(bet.stake, currency)
    except MoneyError as error:
        faults.append(Fault("/stake", str(error)))
    legs = [_read_leg(index, leg, faults) for index, leg in enumerate(bet.legs)]
    if bet.type == "Single" and len(legs) != 1:
        faults.append(Fault("/legs", "a Single has one leg; write type Multiple for more"))
    if bet.type == "Multiple" and len(legs) < 2:
        faults.append(Fault("/legs", "a Multiple has two legs or more"))
    if bet.within_percent is not None and bet.price_change != "AcceptWithin":
        faults.append(Fault("/withinPercent", "only goes with priceChange AcceptWithin"))
    if faults:
        raise malformed("the bet is malformed", faults)
    return BetRequest(
        key=bet.key,
        customer=identity.customer,
        jurisdiction=identity.jurisdiction,
        stake=stake,
        legs=legs,
        price_change=bet.price_change or "",
        within_ppm=_ppm(bet.within_percent),
        type=bet.type,
    )


def _read_leg(index: int, leg: Leg, faults: list[Fault]) -> BetLeg:
    price = 0
    try:
        MarketKey.parse(leg.market)
    except MalformedKey as error:
        faults.append(Fault(f"/legs/{index}/market", str(error)))
    if not is_selection(leg.selection):
        faults.append(Fault(f"/legs/{index}/selection", "must be 1-64 letters, digits, '_', '-' or '.'"))
    try:
        price = parse_micro(leg.price)
    except PriceError as error:
        faults.append(Fault(f"/legs/{index}/price", str(error)))
    try:
        Version.parse(leg.version)
    except VersionError as error:
        faults.append(Fault(f"/legs/{index}/version", str(error)))
    return BetLeg(leg.market, leg.selection, price, leg.version)


def _ppm(percent: str | None) -> int:
    """`1.5` percent is 15,000 parts per million; at most four decimals, so exact."""
    if percent is None:
        return 0
    whole, _, part = percent.partition(".")
    return int(whole) * 10_000 + int(part.ljust(4, "0") or 0)
