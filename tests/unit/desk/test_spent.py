"""Liabilities of markets that are over are dropped in the end, and of no other."""

import pytest

from support.bets import UNIT, Bench, GivenBook, GivenQuote, bet
from touchline.desk.liability import Liability
from touchline.desk.spent import KEPT_US, LOOKS, Spent
from touchline.domain.status import MarketStatus

M = "e1:MatchWinner"


class Markets:
    """A book of statuses."""

    def __init__(self, **statuses: MarketStatus) -> None:
        self.statuses = {f"{event}:MatchWinner": status for event, status in statuses.items()}

    def quote(self, now: int, market: str) -> GivenQuote | None:
        status = self.statuses.get(market)
        return GivenQuote(status=status) if status is not None else None


def liable(*markets: str) -> Liability:
    liability = Liability()
    for market in markets:
        liability.add([(market, "home")], 10 * UNIT, 25 * UNIT)
    return liability


@pytest.mark.parametrize("over", [{"e1": MarketStatus.SETTLED}, {"e1": MarketStatus.CANCELLED}, {}])
def test_a_market_that_is_over_or_not_offered_is_dropped_after_its_time(over: dict[str, MarketStatus]) -> None:
    liability = liable(M)
    spent = Spent(liability)
    spent.look(0, Markets(**over))
    spent.look(KEPT_US - 1, Markets(**over))
    assert liability.event("e1") == 15 * UNIT
    spent.look(KEPT_US, Markets(**over))
    assert (liability.markets(), liability.event("e1")) == ([], 0)


@pytest.mark.parametrize("status", [MarketStatus.OPEN, MarketStatus.SUSPENDED, MarketStatus.CLOSED])
def test_a_market_that_still_waits_for_its_result_is_never_dropped(status: MarketStatus) -> None:
    liability = liable(M)
    spent = Spent(liability)
    for now in (0, KEPT_US, 2 * KEPT_US):
        spent.look(now, Markets(e1=status))
    assert liability.markets() == [M]


def test_a_market_that_came_back_in_between_waits_anew() -> None:
    liability = liable(M)
    spent = Spent(liability)
    spent.look(0, Markets(e1=MarketStatus.SETTLED))
    spent.look(KEPT_US - 1, Markets(e1=MarketStatus.OPEN))  # rolled back
    spent.look(KEPT_US, Markets(e1=MarketStatus.SETTLED))
    spent.look(2 * KEPT_US - 1, Markets(e1=MarketStatus.SETTLED))
    assert liability.markets() == [M]
    spent.look(2 * KEPT_US, Markets(e1=MarketStatus.SETTLED))
    assert liability.markets() == []


def test_each_turn_looks_at_a_few_and_a_round_at_all() -> None:
    liability = liable(*(f"e{number}:MatchWinner" for number in range(3 * LOOKS)))
    spent = Spent(liability)
    for now in (0, 1, 2, KEPT_US + 2):
        spent.look(now, Markets())
    assert len(liability.markets()) == 2 * LOOKS
    for now in (KEPT_US + 3, KEPT_US + 4):
        spent.look(now, Markets())
    assert liability.markets() == []


def test_a_desk_drops_what_is_over_whether_it_leads_or_not() -> None:
    bench = Bench()
    bench.lead()
    open_book = GivenBook(e1=GivenQuote())
    assert bench.decided(bet("k1"), open_book)["decision"] == "Accepted"
    assert bench.desk.liability.markets() == [M]
    bench.desk.stand_by(bench.now)
    settled = GivenBook(e1=GivenQuote(status=MarketStatus.SETTLED))
    bench.desk.tick(bench.now, bench.wall, settled)
    bench.desk.tick(bench.now + KEPT_US, bench.wall, settled)
    assert bench.desk.liability.markets() == []
