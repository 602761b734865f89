"""Each rule of acceptance, and the order in which they are asked."""

from typing import Any

import pytest

from support.bets import FOOTBALL, UNIT, Bench, GivenBook, GivenQuote, bet, event_of_shard, market_class
from touchline.bus.messages import BetLeg, BetRequest
from touchline.domain.holds import Hold
from touchline.domain.reasons import HoldReason
from touchline.domain.status import MarketStatus
from touchline.domain.version import Version

HELD = (Hold("policy/in-play/goal", HoldReason.EVENT_STATUS, 0),)


def decide(request: BetRequest, quote: GivenQuote | None = None, **quotes: GivenQuote) -> dict[str, Any]:
    bench = Bench()
    bench.lead()
    return bench.decided(request, GivenBook(**({"e1": quote} if quote else {}), **quotes))


def test_a_bet_at_the_current_price_is_accepted_at_it() -> None:
    decision = decide(bet(), GivenQuote())
    assert decision == {
        "key": "k1",
        "id": "0-1-2",
        "decision": "Accepted",
        "reason": None,
        "type": "Single",
        "stake": "10.00",
        "legs": [
            {
                "market": "e1:MatchWinner",
                "selection": "home",
                "price": "2.00",
                "version": "1.7",
                "acceptedPrice": "2.00",
                "currentPrice": "2.00",
            }
        ],
        "at": 1_800_000_010_000_000,
        "shard": 0,
        "epoch": 1,
        "durability": "Fsync",
    }


@pytest.mark.parametrize(
    ("request_", "quote", "reason"),
    [
        (bet(), None, "UnknownMarket"),
        (bet(), GivenQuote(status=MarketStatus.CLOSED), "MarketClosed"),
        (bet(), GivenQuote(status=MarketStatus.SETTLED), "MarketClosed"),
        (bet(), GivenQuote(status=MarketStatus.CANCELLED), "MarketClosed"),
        (bet(), GivenQuote(status=MarketStatus.SUSPENDED, holds=HELD), "MarketSuspended"),
        (bet(), GivenQuote(holds=HELD), "MarketSuspended"),
        (bet(), GivenQuote(market_class=None), "MarketSuspended"),
        (bet(version="2.1"), GivenQuote(), "NoAuthority"),
        (bet(version="1.8"), GivenQuote(), "Malformed"),
        (bet(version="new"), GivenQuote(), "Malformed"),
        (bet(selection="nobody"), GivenQuote(), "UnknownSelection"),
        (bet(), GivenQuote(selections={"home": 0}), "SelectionUnavailable"),
        (bet(), GivenQuote(fresh=False), "StalePrice"),
        (bet(jurisdiction="US-NY"), GivenQuote(market_class=market_class(jurisdictions={"allow": ["US-NJ"]})), "JurisdictionNotAllowed"),
        (bet(stake=UNIT // 2), GivenQuote(), "StakeBelowMinimum"),
        (bet(stake=0), GivenQuote(market_class=market_class(stake={"min": "0.00", "max": "5.00"})), "StakeBelowMinimum"),
        (bet(stake=10_001 * UNIT), GivenQuote(), "StakeAboveMaximum"),
        (bet(stake=10_001), GivenQuote(), "Malformed"),
        (bet(market="nonsense"), GivenQuote(), "Malformed"),
        (bet(price=0), GivenQuote(), "Malformed"),
        (bet(price_change="Whatever"), GivenQuote(), "Malformed"),
    ],
)  # fmt: skip
def test_a_bet_that_breaks_a_rule_is_rejected_with_its_reason(
    request_: BetRequest, quote: GivenQuote | None, reason: str
) -> None:
    decision = decide(request_, quote)
    assert (decision["decision"], decision["reason"]) == ("Rejected", reason)
    assert decision["detail"]
    assert all(leg["acceptedPrice"] is None for leg in decision["legs"])


def test_the_first_rule_that_is_broken_decides() -> None:
    everything_wrong = GivenQuote(
        status=MarketStatus.SUSPENDED, holds=HELD, selections={}, fresh=False, market_class=market_class(jurisdictions={"allow": ["FR"]})
    )  # fmt: skip
    request = bet(version="9.9", selection="nobody", stake=0)
    order = []
    quote = everything_wrong
    for repaired in (
        {"status": MarketStatus.OPEN, "holds": ()},
        {"version": Version(9, 9)},
        {"selections": {"nobody": 0}},
        {"selections": {"nobody": 2_500_000}},
        {"fresh": True},
        {"market_class": FOOTBALL},
    ):
        order.append(decide(request, quote)["reason"])
        quote = quote._replace(**repaired)
        if "version" in repaired:
            request = bet(version="1.1", selection="nobody", stake=0)
    order.append(decide(request, quote)["reason"])
    order.append(decide(bet(selection="nobody"), quote)["decision"])
    assert order == [
        "MarketSuspended", "NoAuthority", "UnknownSelection", "SelectionUnavailable", "StalePrice",
        "JurisdictionNotAllowed", "StakeBelowMinimum", "Accepted",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("wish", "within", "asked", "now", "decision", "taken"),
    [
        ("Exact", 0, 2_000_000, 2_000_000, "Accepted", "2.00"),
        ("Exact", 0, 2_000_000, 2_020_000, "Repriced", None),
        ("Exact", 0, 2_000_000, 1_980_000, "Repriced", None),
        ("AcceptBetter", 0, 2_000_000, 2_020_000, "Accepted", "2.02"),
        ("AcceptBetter", 0, 2_000_000, 1_999_999, "Repriced", None),
        ("AcceptWithin", 50_000, 2_000_000, 1_900_000, "Accepted", "1.90"),
        ("AcceptWithin", 50_000, 2_000_000, 1_899_999, "Repriced", None),
        ("AcceptWithin", 50_000, 2_000_000, 2_500_000, "Accepted", "2.50"),
        ("", 0, 2_000_000, 2_020_000, "Accepted", "2.02"),
        ("", 0, 2_000_000, 1_980_000, "Repriced", None),
    ],
)
def test_a_moved_price_is_taken_as_far_as_the_bettor_wished(
    wish: str, within: int, asked: int, now: int, decision: str, taken: str | None
) -> None:
    answer = decide(
        bet(price=asked, price_change=wish, within_ppm=within, version="1.1"), GivenQuote(selections={"home": now})
    )
    assert (answer["decision"], answer["legs"][0]["acceptedPrice"]) == (decision, taken)
    assert (answer["reason"] == "PriceChanged") == (decision == "Repriced")


def test_an_offer_names_the_price_as_it_is_now() -> None:
    leg = decide(bet(price_change="Exact"), GivenQuote(selections={"home": 1_950_000}, version=Version(1, 9)))["legs"][
        0
    ]
    assert (leg["price"], leg["currentPrice"], leg["version"]) == ("2.00", "1.95", "1.9")


def test_the_class_says_what_happens_to_a_moved_price_where_the_bet_does_not() -> None:
    within = market_class(priceChange="AcceptWithin", acceptWithinPercent="2.5")
    moved = GivenQuote(selections={"home": 1_950_000}, market_class=within)
    assert decide(bet(), moved)["decision"] == "Accepted"
    assert decide(bet(), moved._replace(selections={"home": 1_949_999}))["decision"] == "Repriced"


def test_a_bet_of_an_earlier_epoch_is_checked_again_and_stands_if_the_price_does() -> None:
    quote = GivenQuote(version=Version(1, 7))
    assert decide(bet(version="0.99"), quote)["decision"] == "Accepted"
    assert decide(bet(version="0.99", price=2_100_000, price_change="AcceptBetter"), quote)["decision"] == "Repriced"


def test_over_a_limit_the_class_offers_refuses_or_asks_a_trader() -> None:
    def answer(over_limit: str) -> dict[str, Any]:
        limits = market_class(stake={"min": "1.00", "max": "50.00"}, overLimit=over_limit)
        return decide(bet(stake=60 * UNIT), GivenQuote(market_class=limits))

    offered, refused, review = answer("OfferMaximum"), answer("Reject"), answer("Review")
    assert (offered["decision"], offered["reason"], offered["alternativeStake"]) == (
        "Rejected",
        "StakeAboveMaximum",
        "50.00",
    )
    assert (refused["decision"], refused.get("alternativeStake")) == ("Rejected", None)
    assert (review["decision"], review["reason"]) == ("Review", "StakeAboveMaximum")


def test_the_alternative_stake_passes_every_limit_at_once() -> None:
    limits = market_class(
        stake={"min": "1.00", "max": "1000.00"},
        maxPayout="100.00",
        maxLiability={"selection": "33.33", "market": "500.00", "event": "500.00"},
    )
    quote = GivenQuote(selections={"home": 2_375_000}, market_class=limits)
    offered = decide(bet(stake=900 * UNIT), quote)
    assert offered["alternativeStake"] == "24.24"  # 33.33 of profit at 1.375 a unit; the payout alone would allow 42.10
    assert decide(bet(stake=24_240_000), quote)["decision"] == "Accepted"
    assert decide(bet(stake=24_250_000), quote)["reason"] == "LiabilityExceeded"


def test_no_alternative_is_offered_below_the_smallest_stake() -> None:
    limits = market_class(maxPayout="1.50")
    decision = decide(bet(), GivenQuote(market_class=limits))
    assert (decision["reason"], "alternativeStake" in decision) == ("StakeAboveMaximum", False)


def test_liability_counts_what_was_accepted_before() -> None:
    limits = market_class(maxLiability={"selection": "15.00", "market": "15.00", "event": "15.00"})
    bench, book = Bench(), GivenBook(e1=GivenQuote(market_class=limits))
    bench.lead()
    assert bench.decided(bet("a"), book)["decision"] == "Accepted"
    second = bench.decided(bet("b"), book)
    assert (second["reason"], second["alternativeStake"]) == ("LiabilityExceeded", "5.00")
    assert "selection" in second["detail"]
    # Stakes on the other side pay for this one: the market's worst case has room again, the selection's own has not.
    assert bench.decided(bet("c", selection="away", price=3_750_000, stake=2 * UNIT), book)["decision"] == "Accepted"
    assert bench.decided(bet("d", stake=6 * UNIT), book)["reason"] == "LiabilityExceeded"
    assert bench.decided(bet("e", stake=5 * UNIT), book)["decision"] == "Accepted"


def multiple(*legs: tuple[str, int], kind: str = "Multiple") -> BetRequest:
    request = bet()
    request.legs = [BetLeg(f"{event}:MatchWinner", "home", price, "1.7") for event, price in legs]
    request.type = kind
    return request


def test_a_multiple_is_accepted_only_if_every_leg_passes() -> None:
    good, held = GivenQuote(), GivenQuote(status=MarketStatus.SUSPENDED, holds=HELD)
    both = multiple(("e1", 2_000_000), ("e2", 2_000_000))
    assert decide(both, e1=good, e2=good)["decision"] == "Accepted"
    assert decide(both, e1=good, e2=held)["reason"] == "MarketSuspended"
    assert decide(both, e1=good)["reason"] == "UnknownMarket"
    moved = decide(both, e1=good, e2=good._replace(selections={"home": 1_900_000}))
    assert (moved["decision"], [leg["currentPrice"] for leg in moved["legs"]]) == ("Repriced", ["2.00", "1.90"])


def test_a_multiple_must_be_of_one_shard_and_of_different_events() -> None:
    here, there = event_of_shard(0, 4), event_of_shard(1, 4)
    bench = Bench(shards=4)
    bench.lead()
    book = GivenBook(**{here: GivenQuote(), there: GivenQuote()})
    decision = bench.decided(multiple((here, 2_000_000), (there, 2_000_000)), book)
    assert decision["reason"] == "Malformed"
    assert there in decision["detail"]
    assert decide(multiple(("e1", 2_000_000), ("e1", 2_000_000)), e1=GivenQuote())["reason"] == "Malformed"


@pytest.mark.parametrize(
    "request_", [multiple(("e1", 2_000_000)), multiple(("e1", 2_000_000), ("e2", 2_000_000), kind="Single"), multiple()]
)
def test_singles_have_one_leg_and_multiples_more(request_: BetRequest) -> None:
    assert decide(request_, e1=GivenQuote(), e2=GivenQuote())["reason"] == "Malformed"


def test_a_multiple_of_too_many_legs_is_refused_without_looking_at_all_of_them() -> None:
    bench, book = Bench(), GivenBook()
    bench.lead()
    decision = bench.decided(multiple(*((f"e{n}", 2_000_000) for n in range(90))), book)
    assert decision["reason"] == "Malformed"
    assert book.asked <= 21


def test_denied_places_stay_denied_and_a_country_covers_its_parts() -> None:
    usa = market_class(jurisdictions={"allow": ["US", "GB"], "deny": ["US-NY"]})
    taken = {
        place: decide(bet(jurisdiction=place), GivenQuote(market_class=usa))["decision"]
        for place in ("US", "US-NJ", "US-NY", "GB", "FR", "")
    }
    assert taken == {
        "US": "Accepted", "US-NJ": "Accepted", "US-NY": "Rejected", "GB": "Accepted", "FR": "Rejected", "": "Rejected"
    }  # fmt: skip
