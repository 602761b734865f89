"""The public decision document (PROTOCOL, "decision"), built once as JSON bytes and never changed afterwards.

What is not a decision, because nothing was stored, is a refusal: it has no `id` and no `decision` that could be relied on.
"""

import msgspec

from touchline.bus.messages import BetRequest
from touchline.desk.judgement import Verdict
from touchline.domain.micro_odds import decimal_text
from touchline.domain.money import MoneyError, money_text
from touchline.domain.prices import PriceError
from touchline.domain.reasons import BetReason
from touchline.domain.rounding import millionths_text


class _Leg(msgspec.Struct):
    market: str
    selection: str
    price: str
    version: str
    accepted_price: str | None = msgspec.field(name="acceptedPrice")
    current_price: str | None = msgspec.field(name="currentPrice")


class _Decision(msgspec.Struct, omit_defaults=True):
    key: str
    id: str
    decision: str
    reason: str | None
    type: str
    stake: str
    legs: list[_Leg]
    at: int
    shard: int
    epoch: int
    durability: str
    detail: str = ""
    alternative_stake: str = msgspec.field(name="alternativeStake", default="")
    due: int = 0


class _Refusal(msgspec.Struct, omit_defaults=True):
    key: str
    detail: str
    decision: str = ""
    reason: str = ""
    retry_after_ms: int = msgspec.field(name="retryAfterMs", default=0)


_encode = msgspec.json.Encoder().encode


def decision_document(
    request: BetRequest,
    verdict: Verdict,
    *,
    bet: str,
    at: int,
    shard: int,
    epoch: int,
    durability: str,
    currency: str,
) -> bytes:
    """The document of one decision. `bet` is its id, `at` epoch microseconds; a pending one names its `due` time."""
    legs = [
        _Leg(
            leg.market,
            leg.selection,
            _price(leg.price) or "",
            judged.version or leg.version,
            _price(judged.current) if verdict.taken else None,
            _price(judged.current),
        )
        for leg, judged in zip(request.legs, verdict.legs, strict=True)
    ]
    return _encode(
        _Decision(
            request.key,
            bet,
            verdict.decision,
            verdict.reason,
            request.type,
            _amount(request.stake, currency),
            legs,
            at,
            shard,
            epoch,
            durability,
            verdict.detail,
            _amount(verdict.alternative_stake, currency) if verdict.alternative_stake else "",
            at + verdict.delay_us if verdict.delay_us else 0,
        )
    )


def duplicate_key(key: str) -> bytes:
    """For a key that was used for another bet (HTTP 409)."""
    detail = "this key belongs to another bet: use a new key for a new bet, or repeat the first one unchanged"
    return _encode(_Refusal(key, detail, "Rejected", BetReason.DUPLICATE))


def not_now(key: str, detail: str, *, retry_after_ms: int, reason: str = "") -> bytes:
    """For a bet that was not looked at (HTTP 503): the same key may be tried again, and is then decided for the first time."""
    return _encode(_Refusal(key, detail, "", reason, retry_after_ms))


def unknown_key(key: str) -> bytes:
    """For a key that no stored decision has (HTTP 404)."""
    return _encode(_Refusal(key, "no decision is stored for this key"))


def _price(micro: int) -> str | None:
    """Text of a price; None where there is none, or where what the bettor wrote is none."""
    try:
        return decimal_text(micro)
    except PriceError:
        return None


def _amount(micro: int, currency: str) -> str:
    """A stake that is no whole number of the currency's smallest unit is rejected, but must be named."""
    try:
        return money_text(micro, currency)
    except MoneyError:
        return millionths_text(micro)
