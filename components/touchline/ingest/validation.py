"""What is wrong with one native update, asked in the order of DESIGN, section 6; pure.

    event exists, league, team mapping, market structure  (`translate`)
    odds, metadata, timestamps, types, integrity           here; duplicates beside each

A refusal with a runner concerns that runner only, the rest of the update flows. A refusal without one concerns the market; other
markets of the same message flow.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from touchline.domain.prices import MAX_MICRO, MIN_MICRO
from touchline.feeds.interface import NativeMarket, NativePrice, NativeUpdate
from touchline.ingest.entities import Entities
from touchline.ingest.refusals import QuarantineReason, Refusal
from touchline.ingest.translation import Translation, translate

EARLIEST_US = 946_684_800_000_000
"""2000-01-01: no odds feed is older; a smaller number is another unit."""
LATEST_US = 4_102_444_800_000_000
"""2100-01-01: a larger number is another unit."""
MAX_BET_DELAY_MS = 600_000
MAX_RUNNERS = 5_000
RESULTS = frozenset({"Winner", "Loser", "Void", "HalfWinner", "HalfLoser", "Placed"})


class Verdict(NamedTuple):
    """What became of one update with a definition; `prices` are those that may be used, in the update's order."""

    translation: Translation | None
    """Given where the whole definition is accepted."""
    prices: Sequence[NativePrice]
    refusals: tuple[Refusal, ...]
    """Of the market: nothing of it may flow."""
    odds: tuple[Refusal, ...]
    """Of single prices; runners that have no meaning are in the translation."""
    sound: bool
    """Whether the update is good in itself, so that it is worth keeping for the day when a mapping is fixed."""


def examine(
    entities: Entities,
    provider: str,
    update: NativeUpdate,
    before: NativeMarket | None,
    known: Mapping[str, str],
) -> Verdict:
    """Judge an update with a definition. `before` is the market's last accepted definition."""
    definition = update.definition
    assert definition is not None
    mapping = _shape(definition)
    translation = None
    if not mapping:
        outcome = translate(entities, provider, definition, known)
        if isinstance(outcome, Translation):
            translation = outcome
        else:
            mapping = outcome
    prices, odds = examine_prices(update.prices, {runner.id for runner in definition.runners})
    checks = (
        _metadata(definition),
        timestamp(update.publish_us),
        _types(definition),
        _integrity(update, definition, before),
    )
    unsound = tuple(problem for problem in checks if problem is not None)[:1]
    refusals = (*mapping, *unsound)
    return Verdict(None if refusals else translation, prices, refusals, odds, not unsound)


def examine_prices(
    prices: Sequence[NativePrice], runners: Collection[str]
) -> tuple[Sequence[NativePrice], tuple[Refusal, ...]]:
    """The prices that may be used. A price that cannot be right makes its selection unavailable: the old one must not stay."""
    for price in prices:
        if price.runner not in runners or (price.micro and not MIN_MICRO <= price.micro <= MAX_MICRO):
            return _sift(prices, runners)
    return prices, ()


def timestamp(publish_us: int) -> Refusal | None:
    """Whether a publish time can be one at all (epoch microseconds)."""
    if EARLIEST_US <= publish_us <= LATEST_US:
        return None
    return Refusal(QuarantineReason.BAD_TIMESTAMP, f"publish time {publish_us} µs is not between 2000 and 2100")


def _sift(prices: Sequence[NativePrice], runners: Collection[str]) -> tuple[Sequence[NativePrice], tuple[Refusal, ...]]:
    accepted: list[NativePrice] = []
    refusals: list[Refusal] = []
    for price in prices:
        if price.runner not in runners:
            refusals.append(
                Refusal(QuarantineReason.UNKNOWN_SELECTION, "a price of a runner that is not defined", price.runner)
            )
        elif price.micro and not MIN_MICRO <= price.micro <= MAX_MICRO:
            shown = price.text or str(price.micro)
            refusals.append(Refusal(QuarantineReason.BAD_ODDS, f"{shown} is not a price", price.runner))
            accepted.append(NativePrice(price.runner, 0))
        else:
            accepted.append(price)
    return accepted, tuple(refusals)


def _shape(definition: NativeMarket) -> tuple[Refusal, ...]:
    if not definition.event_id:
        return (Refusal(QuarantineReason.UNKNOWN_EVENT, "the definition names no event"),)
    if not definition.runners:
        return (Refusal(QuarantineReason.MARKET_STRUCTURE, "the market has no runners"),)
    if len(definition.runners) > MAX_RUNNERS:
        text = f"{len(definition.runners)} runners; at most {MAX_RUNNERS}"
        return (Refusal(QuarantineReason.MARKET_STRUCTURE, text),)
    return ()


def _metadata(definition: NativeMarket) -> Refusal | None:
    if not EARLIEST_US <= definition.start_us <= LATEST_US:
        return Refusal(
            QuarantineReason.BAD_METADATA, f"start time {definition.start_us} µs is not between 2000 and 2100"
        )
    return None


def _types(definition: NativeMarket) -> Refusal | None:
    if not 0 <= definition.bet_delay_ms <= MAX_BET_DELAY_MS:
        return Refusal(
            QuarantineReason.BAD_TYPE, f"bet delay {definition.bet_delay_ms} ms is not within 0 to {MAX_BET_DELAY_MS}"
        )
    for runner in definition.runners:
        if runner.result and runner.result not in RESULTS:
            return Refusal(QuarantineReason.BAD_TYPE, f"result {runner.result!r} of runner {runner.id!r} is unknown")
    return None


def _integrity(update: NativeUpdate, definition: NativeMarket, before: NativeMarket | None) -> Refusal | None:
    if before is None or update.image or update.rollback or definition.version >= before.version:
        return None
    return Refusal(
        QuarantineReason.INTEGRITY, f"definition version {definition.version} came after version {before.version}"
    )
