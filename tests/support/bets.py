"""Bets, market classes and a book of given quotes, for tests of the desk."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from touchline.api.v1alpha1.market import Market
from touchline.bus.messages import BetLeg, BetReply, BetRequest
from touchline.desk.desk import Desk
from touchline.desk.outputs import Answer, Append, DeskOutput, StepDown
from touchline.domain.holds import Hold
from touchline.domain.keys import shard_of
from touchline.domain.status import MarketStatus
from touchline.domain.version import Version

SECOND = 1_000_000
WALL = 1_800_000_000 * SECOND
UNIT = 1_000_000
"""One unit of currency, and odds of 1.0, in micro."""


def market_class(name: str = "football", *, jurisdictions: dict[str, Any] | None = None, **betting: Any) -> Market:
    """A Market resource; `betting` as in YAML (`maxPayout="100.00"`)."""
    spec: dict[str, Any] = {
        "feeds": {"model": "ActivePassive", "providers": [{"name": "betfair-a", "priority": 1}]},
        "suspensionPolicyRef": {"name": "in-play"},
        "betting": betting,
    }
    if jurisdictions:
        spec["jurisdictions"] = jurisdictions
    return Market.model_validate({"metadata": {"name": name}, "spec": spec})


FOOTBALL = market_class()


class GivenQuote(NamedTuple):
    """A `touchline.desk.quotes.Quote` of plain values."""

    status: MarketStatus = MarketStatus.OPEN
    holds: tuple[Hold, ...] = ()
    version: Version = Version(1, 7)
    selections: Mapping[str, int] = {"home": 2_000_000, "draw": 3_400_000, "away": 3_750_000}
    fresh: bool = True
    age_us: int = 90_000
    max_age_us: int = 800_000
    market_class: Market | None = FOOTBALL
    delay_us: int = 0


class GivenBook:
    """A book whose quotes the test sets; `asked` counts how often it was asked."""

    def __init__(self, **quotes: GivenQuote) -> None:
        self.quotes = {f"{event}:MatchWinner": quote for event, quote in quotes.items()}
        self.asked = 0

    def quote(self, now: int, market: str) -> GivenQuote | None:
        self.asked += 1
        return self.quotes.get(market)


def bet(
    key: str = "k1",
    *,
    market: str = "e1:MatchWinner",
    selection: str = "home",
    price: int = 2_000_000,
    version: str = "1.7",
    stake: int = 10 * UNIT,
    customer: str = "c1",
    jurisdiction: str = "GB",
    price_change: str = "",
    within_ppm: int = 0,
) -> BetRequest:
    leg = BetLeg(market, selection, price, version)
    return BetRequest(key, customer, jurisdiction, stake, [leg], price_change, within_ppm)


class Bench:
    """One desk with a store that a test acknowledges by hand. Everything the desk puts out is kept in order."""

    def __init__(self, *, node: str = "n1", shards: int = 1, shard: int = 0) -> None:
        self.now = 10 * SECOND
        self.authority = True
        self.desk = Desk(
            shard=shard,
            node=node,
            durability="Fsync",
            authorised=lambda now: self.authority,
            shards=shards,
            currency="USD",
        )
        self.appends: list[Append] = []
        self.answers: dict[int, BetReply] = {}
        self.others: list[DeskOutput] = []
        self._token = 0

    @property
    def wall(self) -> int:
        return WALL + self.now

    def take(self, outputs: list[DeskOutput]) -> list[DeskOutput]:
        for output in outputs:
            if isinstance(output, Append):
                self.appends.append(output)
            elif isinstance(output, Answer):
                assert output.token not in self.answers, "answered twice"
                self.answers[output.token] = output.reply
            else:
                self.others.append(output)
        return outputs

    def lead(self, epoch: int = 1) -> None:
        """Begin a term and let its epoch record be stored."""
        self.take(self.desk.lead(self.now, self.wall, epoch))
        self.store_all()
        assert self.desk.leading

    def bet(self, request: BetRequest, book: GivenBook) -> int:
        self._token += 1
        self.take(self.desk.bet(self.now, self.wall, request, book, self._token))
        return self._token

    def store(self) -> Append:
        """Acknowledge the oldest append."""
        append = self.appends.pop(0)
        self.take(self.desk.stored(self.now, self.wall, append.token, append.expected_seq + 1))
        return append

    def store_all(self) -> None:
        while self.appends:
            self.store()

    def refuse(self) -> None:
        """Refuse the oldest append."""
        append = self.appends.pop(0)
        self.take(self.desk.refused(self.now, self.wall, append.token, "wrong last sequence"))

    def tick(self, book: GivenBook) -> None:
        self.take(self.desk.tick(self.now, self.wall, book))

    def decided(self, request: BetRequest, book: GivenBook) -> dict[str, Any]:
        """Bet, store, and read the answer's document."""
        token = self.bet(request, book)
        self.store_all()
        return document(self.answers[token])

    @property
    def stepped_down(self) -> list[str]:
        return [output.why for output in self.others if isinstance(output, StepDown)]


def document(reply: BetReply) -> dict[str, Any]:
    decoded: dict[str, Any] = msgspec.json.decode(reply.decision)
    return decoded


def event_of_shard(shard: int, shards: int, start: int = 0) -> str:
    """An event id that belongs to a shard."""
    return next(f"e{n}" for n in range(start, start + 10_000) if shard_of(f"e{n}", shards) == shard)
