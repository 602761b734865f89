"""Generated football: matches that kick off, score, suspend, reopen, end, and make room for the next, for ever.

A state machine: `step(now)` does the next thing that has become due and returns the markets that changed. All chance
comes from one seeded generator, so a seed and a sequence of times give the same season. Time is compressed: `tempo` seconds of
a match pass in one of ours. Suspensions last real seconds, as people watch them.

What happens to a market: OPEN before the match; at kick-off SUSPENDED and then OPEN in play with a bet delay (one match in
three turns in play without the suspension, as on the exchange); at a goal SUSPENDED, its prices withdrawn, new ones while it is
still suspended, then OPEN; at the end SUSPENDED, then CLOSED with results; over/under closes with the third goal.
"""

import heapq
from collections import deque
from itertools import combinations
from random import Random
from typing import NamedTuple

from touchline.sim.clubs import CLUBS, DRAW, OVER, UNDER, Club
from touchline.sim.football import MINUTES, match_odds, under_over

SECOND = 1_000_000
BET_DELAY = 5
"""Seconds that a bet waits in play."""
LEAD_MINUTES = (3.0, 12.0)
"""Match minutes before kick-off at which a fixture appears."""
HOLD_SECONDS = (2.5, 5.0)
SETTLE_SECONDS = 2.0
REPRICE_SECONDS = 0.8
SHOWN_CLOSED_SECONDS = 20.0
PAIRS = tuple(combinations(CLUBS, 2))
MEMORY = len(PAIRS) - len(CLUBS)
"""Pairs that are remembered, and so the most matches at a time."""
MOVES_IN_PLAY, MOVES_BEFORE = (0.2, 0.9), (0.4, 1.6)
"""Seconds between two moves of a fixture's prices."""


class Outcome(NamedTuple):
    """One selection: Betfair's id, and the club where it is one."""

    selection: int
    name: str
    club: Club | None = None


class FixtureMarket:
    """The truth about one market, which every simulated provider words in its own way.

    `chances` are the probabilities of the outcomes, empty while nothing is offered. `results` are WINNER or LOSER.
    """

    def __init__(self, fixture: "Fixture", kind: str, name: str, outcomes: tuple[Outcome, ...]) -> None:
        self.fixture = fixture
        self.kind = kind
        self.name = name
        self.outcomes = outcomes
        self.status = "OPEN"
        self.in_play = False
        self.chances: tuple[float, ...] = ()
        self.results: tuple[str, ...] = ()
        self.version = 1
        self.gone = False

    def say(self, status: str) -> None:
        self.status = status
        self.version += 1


class Fixture:
    """One match, from its appearance to its settlement. Times are microseconds of the simulator's clock."""

    def __init__(self, number: int, home: Club, away: Club, kick_off: int, tempo: float, rng: Random) -> None:
        self.number = number
        self.home = home
        self.away = away
        self.kick_off = kick_off
        self.tempo = tempo
        self.rates = (
            home.rating * 1.08 * 1.4 / (0.6 + away.rating / 2),
            away.rating * 0.92 * 1.4 / (0.6 + home.rating / 2),
        )
        self.belief = [0.0, 0.0]
        self.score = (0, 0)
        self.skips_suspension = rng.random() < 1 / 3
        self.over = False
        self.hold_until = 0
        self.markets = [
            FixtureMarket(self, "MATCH_ODDS", "Match Odds", _sides(home, away)),
            FixtureMarket(self, "OVER_UNDER_25", "Over/Under 2.5 Goals", _TOTALS),
        ]
        self.goals = sorted(
            (self.at(rng.uniform(1.0, MINUTES - 0.5)), side)
            for side in (0, 1)
            for _ in range(_goals(self.rates[side], rng))
        )
        self.reprice(kick_off)

    def at(self, minute: float) -> int:
        """When a minute of the match is."""
        return self.kick_off + round(minute * 60 * SECOND / self.tempo)

    def minute(self, now: int) -> float:
        return (now - self.kick_off) * self.tempo / 60 / SECOND

    def drift(self, rng: Random) -> None:
        """The market changes its mind a little: a random walk that is drawn back to the truth."""
        self.belief = [0.97 * value + rng.gauss(0.0, 0.03) for value in self.belief]

    def reprice(self, now: int) -> None:
        home, away = (
            rate * (1.0 + max(-0.5, min(0.5, belief))) for rate, belief in zip(self.rates, self.belief, strict=True)
        )
        minute = self.minute(now)
        for market in self.markets:
            if market.status != "CLOSED":
                worth = match_odds if market.kind == "MATCH_ODDS" else under_over
                market.chances = worth(home, away, self.score, minute)


class Fixtures:
    """`count` matches at any time. `step` must be called with times that never go back."""

    def __init__(self, *, count: int, seed: int, tempo: float, now: int) -> None:
        if not 1 <= count <= MEMORY:
            raise ValueError(f"{count} fixtures: ask for 1 to {MEMORY}")
        if not 0 < tempo <= 1000:
            raise ValueError(f"tempo {tempo}: ask for more than 0 and at most 1000")
        self._rng = Random(seed)
        self._tempo = tempo
        self._numbers = 0
        self._met: deque[tuple[Club, Club]] = deque(maxlen=MEMORY)
        self._order = 0
        self._due: list[tuple[int, int, Fixture, str]] = []
        self.playing: list[Fixture] = []
        for place in range(count):
            # The first ones are spread over a whole match, so that something happens soon somewhere.
            self._appear(
                now, now + round((self._rng.uniform(*LEAD_MINUTES) - place * 90 / count) * 60 * SECOND / tempo)
            )

    def markets(self) -> list[FixtureMarket]:
        """All markets that are shown now."""
        return [market for fixture in self.playing for market in fixture.markets]

    def step(self, now: int) -> list[FixtureMarket] | None:
        """Do the next thing that is due by `now`; the markets that it changed. None: nothing is due any more.

        One thing at a time, so that whoever shows the markets after each step shows every state that they went through.
        """
        if not self._due or self._due[0][0] > now:
            return None
        at, _, fixture, action = heapq.heappop(self._due)
        return list(dict.fromkeys(self._act(at, fixture, action)))

    def _appear(self, now: int, kick_off: int) -> list[FixtureMarket]:
        home, away = self._draw()
        self._numbers += 1
        fixture = Fixture(self._numbers, home, away, kick_off, self._tempo, self._rng)
        self.playing.append(fixture)
        if kick_off <= now:
            self._join_late(fixture, now)
        else:
            self._plan(kick_off, fixture, "kick-off")
        for at, side in fixture.goals:
            if at > now:
                self._plan(at, fixture, f"goal {side}")
        self._plan(max(now + SECOND, fixture.at(MINUTES)), fixture, "whistle")
        self._plan(now + round(self._rng.uniform(0.1, 1.0) * SECOND), fixture, "move")
        return fixture.markets

    def _draw(self) -> tuple[Club, Club]:
        """Two clubs that do not play now, if there are any, and that have not met lately: a pair that met again soon would be the
        same event to whoever matches by names and time."""
        busy = [club for fixture in self.playing if not fixture.over for club in (fixture.home, fixture.away)]
        free = [pair for pair in PAIRS if pair[0] not in busy and pair[1] not in busy]
        new = [pair for pair in free or PAIRS if pair not in self._met] or [
            pair for pair in PAIRS if pair not in self._met
        ]
        pair = self._rng.choice(new)
        self._met.append(pair)
        return pair if self._rng.random() < 0.5 else (pair[1], pair[0])

    def _join_late(self, fixture: Fixture, now: int) -> None:
        """A match that is under way when the season begins."""
        scored = [side for at, side in fixture.goals if at <= now]
        fixture.score = (scored.count(0), scored.count(1))
        for market in fixture.markets:
            market.in_play = True
        fixture.reprice(now)
        if sum(fixture.score) > 2:
            self._close(fixture.markets[1], ("LOSER", "WINNER"))

    def _plan(self, at: int, fixture: Fixture, action: str) -> None:
        self._order += 1
        heapq.heappush(self._due, (at, self._order, fixture, action))

    def _act(self, at: int, fixture: Fixture, action: str) -> list[FixtureMarket]:
        match action.split():
            case ["move"]:
                return self._move(at, fixture)
            case ["kick-off"]:
                return self._kick_off(at, fixture)
            case ["goal", side]:
                return self._goal(at, fixture, int(side))
            case ["reprice"]:
                fixture.reprice(at)
                return [market for market in fixture.markets if market.status == "SUSPENDED"]
            case ["reopen"]:
                return self._reopen(at, fixture)
            case ["whistle"]:
                return self._whistle(at, fixture)
            case ["settle"]:
                return self._settle(at, fixture)
            case ["leave"]:
                return self._leave(at, fixture)
            case _:
                raise AssertionError(action)

    def _move(self, at: int, fixture: Fixture) -> list[FixtureMarket]:
        if fixture.over:
            return []
        in_play = fixture.markets[0].in_play
        self._plan(
            at + round(self._rng.uniform(*(MOVES_IN_PLAY if in_play else MOVES_BEFORE)) * SECOND), fixture, "move"
        )
        fixture.drift(self._rng)
        if at < fixture.hold_until:
            return []
        fixture.reprice(at)
        return [market for market in fixture.markets if market.status == "OPEN"]

    def _kick_off(self, at: int, fixture: Fixture) -> list[FixtureMarket]:
        if fixture.skips_suspension:
            for market in fixture.markets:
                market.in_play = True
                market.say("OPEN")
            return fixture.markets
        return self._hold(at, fixture, 1.5)

    def _goal(self, at: int, fixture: Fixture, side: int) -> list[FixtureMarket]:
        if fixture.over:
            return []
        home, away = fixture.score
        fixture.score = (home + 1, away) if side == 0 else (home, away + 1)
        changed = self._hold(at, fixture, self._rng.uniform(*HOLD_SECONDS))
        totals = fixture.markets[1]
        if sum(fixture.score) > 2 and totals.status != "CLOSED":
            self._close(totals, ("LOSER", "WINNER"))
        return changed

    def _hold(self, at: int, fixture: Fixture, seconds: float) -> list[FixtureMarket]:
        """Suspend and withdraw prices; they come back shortly before the market reopens."""
        fixture.hold_until = max(fixture.hold_until, at + round(seconds * SECOND))
        self._plan(fixture.hold_until - round(REPRICE_SECONDS * SECOND), fixture, "reprice")
        self._plan(fixture.hold_until, fixture, "reopen")
        held = [market for market in fixture.markets if market.status != "CLOSED"]
        for market in held:
            market.chances = ()
            market.say("SUSPENDED")
        return held

    def _reopen(self, at: int, fixture: Fixture) -> list[FixtureMarket]:
        if fixture.over or at < fixture.hold_until:
            return []
        fixture.reprice(at)
        held = [market for market in fixture.markets if market.status == "SUSPENDED"]
        for market in held:
            market.in_play = fixture.minute(at) >= 0
            market.say("OPEN")
        return held

    def _whistle(self, at: int, fixture: Fixture) -> list[FixtureMarket]:
        fixture.over = True
        fixture.hold_until = at
        self._plan(at + round(SETTLE_SECONDS * SECOND), fixture, "settle")
        held = [market for market in fixture.markets if market.status != "CLOSED"]
        for market in held:
            market.chances = ()
            market.say("SUSPENDED")
        return held

    def _settle(self, at: int, fixture: Fixture) -> list[FixtureMarket]:
        self._plan(at + round(SHOWN_CLOSED_SECONDS * SECOND), fixture, "leave")
        home, away = fixture.score
        won = 0 if home > away else 1 if away > home else 2
        settled = [market for market in fixture.markets if market.status != "CLOSED"]
        for market in settled:
            if market.kind == "MATCH_ODDS":
                self._close(market, tuple("WINNER" if place == won else "LOSER" for place in range(3)))
            else:
                self._close(market, ("LOSER", "WINNER") if home + away > 2 else ("WINNER", "LOSER"))
        lead = self._rng.uniform(*LEAD_MINUTES) * 60 * SECOND / self._tempo
        return [*settled, *self._appear(at, at + round(lead))]

    def _leave(self, at: int, fixture: Fixture) -> list[FixtureMarket]:  # noqa: ARG002 - one shape for all actions
        self.playing.remove(fixture)
        for market in fixture.markets:
            market.gone = True
        return fixture.markets

    @staticmethod
    def _close(market: FixtureMarket, results: tuple[str, ...]) -> None:
        market.chances = ()
        market.results = results
        market.say("CLOSED")


def _sides(home: Club, away: Club) -> tuple[Outcome, ...]:
    return (
        Outcome(home.selection, home.full, home),
        Outcome(away.selection, away.full, away),
        Outcome(DRAW, "The Draw"),
    )


_TOTALS = (Outcome(UNDER, "Under 2.5 Goals"), Outcome(OVER, "Over 2.5 Goals"))


def _goals(rate: float, rng: Random) -> int:
    """A Poisson number by counting exponential waits (Knuth)."""
    count, waited = 0, rng.expovariate(1.0)
    while waited < rate:
        count += 1
        waited += rng.expovariate(1.0)
    return count
