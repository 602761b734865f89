"""The providers: what happens in the matches, and two companies that tell of it over connections that fail.

A provider numbers its messages, stamps them with its own clock, sends a heartbeat when it has nothing to say, and a complete image to
whoever connects or asks. It can be told to be late, to lose a message, to hang, to declare itself unreliable, or to have a wrong clock.
"""

from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from touchline.domain.status import ProviderStatus
from touchline.simulation.fixtures import GOAL, HEARTBEAT_US, PROVIDERS, RED_CARD, Fixture
from touchline.simulation.node import EPOCH_US
from touchline.simulation.scheduler import MILLISECOND, SECOND, Scheduler
from touchline.simulation.trace import Trace
from touchline.simulation.truth import Truth

PRICE_STEP = 1_000
"""Prices are this far apart, so that the digits below can name the provider."""


@dataclass
class Offer:
    """One provider's present word on one market."""

    fixture: Fixture
    status: ProviderStatus = ProviderStatus.OPEN
    in_play: bool = False
    delay_ms: int = 0
    prices: dict[str, int] = field(default_factory=dict)
    results: dict[str, str] = field(default_factory=dict)


class Change(NamedTuple):
    """What a message says of one market; None is unchanged. `image`: it says everything."""

    market: str
    status: ProviderStatus | None = None
    in_play: bool | None = None
    delay_ms: int | None = None
    prices: dict[str, int] | None = None
    incidents: tuple[str, ...] = ()
    results: dict[str, str] | None = None
    rollback: bool = False
    image: bool = False


class Message(NamedTuple):
    """One message on a provider's connection. `reliable` is false while the provider itself does not trust its data (a 503)."""

    seq: int
    publish_us: int
    changes: list[Change]
    image: bool
    reliable: bool


class Listener(Protocol):
    """The ingest at the other end of a connection."""

    def handle_message(self, generation: int, message: Message) -> None: ...
    def handle_broken(self, generation: int) -> None: ...


class Provider:
    """One provider. Its connection is one stream in order; `generation` names the connection."""

    def __init__(self, name: str, markets: list[Fixture], scheduler: Scheduler, trace: Trace, truth: Truth) -> None:
        self.name = name
        self.mark = 100 * (PROVIDERS.index(name) + 1)
        self.offers = {fixture.market: Offer(fixture) for fixture in markets}
        self.generation = 0
        self.listener: Listener | None = None
        self.skew_us = 0
        self.silent_until = 0
        self.unreliable_until = 0
        self.slow_us = 0
        self.slow_until = 0
        self.creeps_since = 0
        self.creeps_until = 0
        self.lose = 0
        """How many of the next messages are lost on the way."""
        self._scheduler = scheduler
        self._trace = trace
        self._truth = truth
        self._seq = 0
        self._at = 0
        for offer in self.offers.values():
            offer.prices = {selection: micro + self.mark for selection, micro in offer.fixture.base.items()}
            self._remember(offer)
        scheduler.after(scheduler.between(0, HEARTBEAT_US), self._heartbeat)

    # -- the connection ------------------------------------------------------------------------------------------------

    def connect(self, listener: Listener) -> int:
        """Accept a connection in place of the one before; an image follows. Returns its generation."""
        self.generation += 1
        self.listener = listener
        self._at = self._scheduler.now
        self.image()
        return self.generation

    def hang_up(self) -> None:
        """The connection breaks; what is on its way is lost."""
        listener, self.listener = self.listener, None
        self.generation += 1
        if listener is not None:
            self._trace.note(self.name, "hangs up")
            listener.handle_broken(self.generation - 1)

    def image(self) -> None:
        """Send everything; asked for by a listener that knows that it missed something."""
        self._send([self._full(offer) for offer in self.offers.values()], image=True)

    def _full(self, offer: Offer) -> Change:
        return Change(
            offer.fixture.market, offer.status, offer.in_play, offer.delay_ms, dict(offer.prices), (),
            dict(offer.results) if offer.results else None, image=True,
        )  # fmt: skip

    # -- what happens --------------------------------------------------------------------------------------------------

    def change(self, change: Change) -> None:
        """Something changed; said at once if anybody listens and the provider works."""
        offer = self.offers[change.market]
        if change.status is not None:
            offer.status = change.status
        if change.in_play is not None:
            offer.in_play = change.in_play
        if change.delay_ms is not None:
            offer.delay_ms = change.delay_ms
        if change.prices is not None:
            offer.prices.update(change.prices)
        if change.rollback:
            offer.results = {}
        if change.results is not None:
            offer.results = dict(change.results)
        self._remember(offer)
        if self._scheduler.now >= self.unreliable_until:
            self._send([change])

    def unreliable(self, duration: int) -> None:
        """Say nothing but that nothing can be trusted; an image ends it."""
        self.unreliable_until = self._scheduler.now + duration
        self._send([])
        self._scheduler.after(duration, self._reliable)

    def _reliable(self) -> None:
        if self._scheduler.now >= self.unreliable_until:
            self.image()

    def _remember(self, offer: Offer) -> None:
        is_open = offer.status is ProviderStatus.OPEN
        self._truth.offer(self.name, offer.fixture.market, self._scheduler.now, is_open, offer.prices)

    def _heartbeat(self) -> None:
        self._send([])
        self._scheduler.after(HEARTBEAT_US, self._heartbeat)

    def _send(self, changes: list[Change], *, image: bool = False) -> None:
        listener = self.listener
        if listener is None:
            return
        scheduler = self._scheduler
        now = scheduler.now
        self._seq += 1
        reliable = now >= self.unreliable_until
        message = Message(self._seq, EPOCH_US + now + self.skew_us, changes, image, reliable)
        if self.lose and not image:
            self.lose -= 1
            self._trace.note(self.name, "lost message", str(self._seq))
            return
        delay = scheduler.between(3, 15) * MILLISECOND
        if now < self.slow_until:
            delay += self.slow_us
        if now < self.creeps_until:
            # Half a second later with every second: never silent for long, and further and further behind.
            delay += (now - self.creeps_since) // 2
        # A provider that hangs has made its messages and sends them when it goes on.
        self._at = max(self._at, max(now, self.silent_until) + delay)
        scheduler.at(self._at, self._arrive, self.generation, listener, message)

    def _arrive(self, generation: int, listener: Listener, message: Message) -> None:
        if generation == self.generation:
            listener.handle_message(generation, message)


class Matches:
    """The matches themselves: moves prices, scores goals, turns events in play, ends some. Each provider hears of it a little later."""

    def __init__(self, markets: list[Fixture], providers: list[Provider], scheduler: Scheduler) -> None:
        self.calm = False
        """No more goals, turns or ends; prices go on."""
        self.still = False
        """Prices rest, too."""
        self._rest_until = 0
        self._fixtures = markets
        self._providers = providers
        self._scheduler = scheduler
        self._prices = {fixture.market: dict(fixture.base) for fixture in markets}
        self._events = list(dict.fromkeys(fixture.event for fixture in markets))
        self._shut: dict[str, int] = dict.fromkeys(self._events, 0)
        self._in_play: dict[str, bool] = dict.fromkeys(self._events, False)
        self._over: set[str] = set()
        for fixture in markets:
            scheduler.after(scheduler.soon(300 * MILLISECOND), self._move, fixture)
        for event in self._events:
            scheduler.after(scheduler.soon(1_500 * MILLISECOND), self._turn, event)
            scheduler.after(scheduler.soon(3 * SECOND), self._goal, event)
            scheduler.after(scheduler.soon(5 * SECOND), self._card, event)
        if scheduler.chance(0.4):
            scheduler.after(scheduler.between(2_500, 6_000) * MILLISECOND, self._end, scheduler.pick(markets))

    def rest(self, duration: int) -> None:
        """No price moves by itself for so long."""
        self._rest_until = self._scheduler.now + duration

    def _tell(self, change: Change) -> None:
        for provider in self._providers:
            delay = self._scheduler.between(0, 25) * MILLISECOND
            prices = change.prices
            if prices is not None:
                prices = {selection: micro + provider.mark for selection, micro in prices.items()}
            self._scheduler.after(delay, provider.change, change._replace(prices=prices))

    def _move(self, fixture: Fixture) -> None:
        scheduler = self._scheduler
        scheduler.after(scheduler.soon(400 * MILLISECOND), self._move, fixture)
        if fixture.market in self._over or self.still or scheduler.now < self._rest_until:
            return
        self._tell(Change(fixture.market, prices=self._moved(fixture, 30)))

    def _moved(self, fixture: Fixture, per_mille: int) -> dict[str, int]:
        scheduler = self._scheduler
        selection = scheduler.pick(fixture.selections)
        prices = self._prices[fixture.market]
        old = prices[selection]
        new = old * (1000 + scheduler.between(-per_mille, per_mille)) // 1000 // PRICE_STEP * PRICE_STEP
        new = max(1_100_000, min(20_000_000, new))
        prices[selection] = new if new != old else old + PRICE_STEP
        return {selection: prices[selection]}

    def _of(self, event: str) -> list[Fixture]:
        return [fixture for fixture in self._fixtures if fixture.event == event and fixture.market not in self._over]

    def _goal(self, event: str) -> None:
        scheduler = self._scheduler
        if not self.calm:
            scheduler.after(scheduler.soon(4 * SECOND), self._goal, event)
            if self._in_play[event] and scheduler.now >= self._shut[event]:
                self._shut_for(event, Change("", ProviderStatus.SUSPENDED, incidents=(GOAL,)), jump=300)

    def _card(self, event: str) -> None:
        if not self.calm and self._scheduler.now >= self._shut[event]:
            self._shut_for(event, Change("", ProviderStatus.SUSPENDED, incidents=(RED_CARD,)), jump=50)

    def _turn(self, event: str) -> None:
        if not self.calm and not self._in_play[event] and self._scheduler.now >= self._shut[event]:
            self._in_play[event] = True
            delay = self._scheduler.pick((0, 0, 200, 500))
            self._shut_for(event, Change("", ProviderStatus.SUSPENDED, in_play=True, delay_ms=delay), jump=30)

    def _shut_for(self, event: str, change: Change, *, jump: int) -> None:
        duration = self._scheduler.between(200, 1_200) * MILLISECOND
        self._shut[event] = self._scheduler.now + duration + 100 * MILLISECOND
        for fixture in self._of(event):
            self._tell(change._replace(market=fixture.market))
        self._scheduler.after(duration, self._open_again, event, jump)

    def _open_again(self, event: str, jump: int) -> None:
        for fixture in self._of(event):
            self._tell(Change(fixture.market, ProviderStatus.OPEN, prices=self._moved(fixture, jump)))

    def _end(self, fixture: Fixture) -> None:
        if self._scheduler.now < self._shut[fixture.event]:
            self._scheduler.after(300 * MILLISECOND, self._end, fixture)
            return
        self._over.add(fixture.market)
        self._scheduler.after(50 * MILLISECOND, self._close, fixture)

    def _close(self, fixture: Fixture) -> None:
        self._tell(Change(fixture.market, ProviderStatus.CLOSED))
        if self._scheduler.chance(0.7):
            self._scheduler.after(self._scheduler.between(100, 900) * MILLISECOND, self._settle, fixture)

    def _settle(self, fixture: Fixture) -> None:
        winner = self._scheduler.pick(fixture.selections)
        results = {selection: "Winner" if selection == winner else "Loser" for selection in fixture.selections}
        self._tell(Change(fixture.market, ProviderStatus.SETTLED, results=results))
