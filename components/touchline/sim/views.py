"""How one simulated provider words the truth: its own ids, its own spelling, its own slightly different prices.

A view turns a market that changed into a Betfair market change: the definition where it changed, and on each ladder exactly
the levels that changed (size 0 removes). Views of one season differ in their number: 0 writes short names, 1 full ones, and so
on by turns; ids of events, markets and runners never coincide between two views.
"""

from datetime import UTC, datetime
from random import Random

from touchline.domain.ladder import LADDER, LadderRounding, round_to_ladder, tick_index
from touchline.sim.fixtures import BET_DELAY, FixtureMarket, Outcome
from touchline.sim.raw_book import Change

LEVELS = 3
HALF_SPREAD = 0.006
LOWEST, HIGHEST = 1.02, 900.0
Ladder = dict[float, float]


class View:
    """`number` tells providers apart; `named` also sends names, as recordings do and the live stream does not."""

    def __init__(self, number: int, *, seed: int, wall_offset: int, named: bool = True) -> None:
        """`wall_offset`: epoch microseconds minus the simulator's clock."""
        self._number = number
        self._named = named
        self._wall_offset = wall_offset
        self._rng = Random(seed * 31 + number)
        self._versions: dict[str, int] = {}
        self._ladders: dict[tuple[str, int], dict[str, Ladder]] = {}

    def market_id(self, market: FixtureMarket) -> str:
        place = market.fixture.markets.index(market)
        return f"1.{2 + self._number}{market.fixture.number:06d}{place:02d}"

    def event_id(self, market: FixtureMarket) -> str:
        return f"{3 + self._number}{market.fixture.number:07d}"

    def selection_id(self, outcome: Outcome) -> int:
        return outcome.selection + self._number * 10_000_000

    def word(self, market: FixtureMarket) -> Change | None:
        """The change to send; None where nothing that this provider shows has changed."""
        name = self.market_id(market)
        change: Change = {"id": name}
        if self._versions.get(name) != market.version:
            self._versions[name] = market.version
            change["marketDefinition"] = self._definition(market)
        runners = [
            runner
            for place, outcome in enumerate(market.outcomes)
            if (runner := self._runner(name, market, place, outcome))
        ]
        if runners:
            change["rc"] = runners
        return change if len(change) > 1 else None

    def forget(self, market: FixtureMarket) -> None:
        """The market is no longer shown."""
        name = self.market_id(market)
        self._versions.pop(name, None)
        for outcome in market.outcomes:
            self._ladders.pop((name, self.selection_id(outcome)), None)

    def _runner(self, name: str, market: FixtureMarket, place: int, outcome: Outcome) -> Change | None:
        selection = self.selection_id(outcome)
        back: Ladder = {}
        lay: Ladder = {}
        if market.chances:
            back, lay = self._offers(market.chances[place])
        wanted = {
            "atb": back,
            "atl": lay,
            "batb": {float(level): price for level, price in enumerate(back)},
            "batl": {float(level): price for level, price in enumerate(lay)},
        }
        known = self._ladders.setdefault((name, selection), {key: {} for key in wanted})
        sizes = {"batb": back, "batl": lay}
        change: Change = {}
        for key, ladder in wanted.items():
            levels = _difference(known[key], ladder, sizes.get(key))
            if levels:
                change[key] = levels
        self._ladders[name, selection] = wanted
        return {**change, "id": selection} if change else None

    def _offers(self, chance: float) -> tuple[Ladder, Ladder]:
        odds = min(max(1.0 / max(chance, 1e-6), LOWEST), HIGHEST) * (1.0 + self._rng.uniform(-0.004, 0.004))
        best = tick_index(round_to_ladder(round(max(odds * (1 - HALF_SPREAD), 1.01) * 1e6), LadderRounding.DOWN))
        cheapest = max(
            best + 1, tick_index(round_to_ladder(round(min(odds * (1 + HALF_SPREAD), 1000.0) * 1e6), LadderRounding.UP))
        )
        back = {LADDER[tick] / 1e6: self._size() for tick in range(best, max(best - LEVELS, -1), -1)}
        lay = {LADDER[tick] / 1e6: self._size() for tick in range(cheapest, min(cheapest + LEVELS, len(LADDER)))}
        return back, lay

    def _size(self) -> float:
        return round(self._rng.uniform(2.0, 500.0), 2)

    def _name(self, outcome: Outcome) -> str:
        if outcome.club is None:
            return outcome.name
        return outcome.club.short if self._number % 2 == 0 else outcome.club.full

    def _definition(self, market: FixtureMarket) -> Change:
        fixture = market.fixture
        closed = market.status == "CLOSED"
        start = _iso(fixture.kick_off + self._wall_offset)
        runners: list[Change] = []
        for place, outcome in enumerate(market.outcomes):
            runner: Change = {
                "status": market.results[place] if closed else "ACTIVE",
                "sortPriority": place + 1,
                "id": self.selection_id(outcome),
            }
            if self._named:
                runner["name"] = self._name(outcome)
            runners.append(runner)
        definition: Change = {
            "bspMarket": False,
            "turnInPlayEnabled": True,
            "persistenceEnabled": True,
            "marketBaseRate": 5,
            "eventId": self.event_id(market),
            "eventTypeId": "1",
            "numberOfWinners": 1,
            "bettingType": "ODDS",
            "marketType": market.kind,
            "marketTime": start,
            "suspendTime": start,
            "bspReconciled": False,
            "complete": True,
            "inPlay": market.in_play,
            "crossMatching": True,
            "runnersVoidable": False,
            "numberOfActiveRunners": 0 if closed else len(runners),
            "betDelay": BET_DELAY if market.in_play else 0,
            "status": market.status,
            "runners": runners,
            "regulators": ["MR_INT"],
            "countryCode": "GB",
            "discountAllowed": True,
            "timezone": "GMT",
            "openDate": start,
            "version": fixture.number * 1000 + market.version,
            "priceLadderDefinition": {"type": "CLASSIC"},
        }
        if self._named:
            definition["name"] = market.name
            definition["eventName"] = (
                f"{self._name(market.fixture.markets[0].outcomes[0])} v {self._name(market.fixture.markets[0].outcomes[1])}"
            )
        return definition


def _difference(before: Ladder, after: Ladder, sizes: Ladder | None) -> list[list[float]]:
    """The levels that changed. `sizes` given: the ladders map level to price, and sizes are by price."""
    if sizes is None:
        changed = [[price, size] for price, size in after.items() if before.get(price) != size]
        return changed + [[price, 0] for price in before if price not in after]
    levels = [[int(level), price, sizes[price]] for level, price in after.items()]
    if before == after and not levels:
        return []
    return levels + [[int(level), 0, 0] for level in before if level not in after]


def _iso(epoch_us: int) -> str:
    moment = datetime.fromtimestamp(epoch_us // 1_000_000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")
