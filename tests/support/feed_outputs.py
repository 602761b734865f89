"""Running a feed's session by hand, and adding up what it gives out as ingest would."""

from collections.abc import Iterable
from typing import TypeVar

from touchline.domain.status import ProviderState, ProviderStatus
from touchline.feeds.interface import Frame, NativeMarket, NativeUpdate, Output, State, Updates

T = TypeVar("T")


def only(outputs: Iterable[Output], kind: type[T]) -> list[T]:
    return [output for output in outputs if isinstance(output, kind)]


def frame_of(outputs: Iterable[Output]) -> Frame:
    """The one disposition of a frame."""
    frames = only(outputs, Frame)
    assert len(frames) == 1, frames
    return frames[0]


class Reader:
    """The markets and the state that follow from a session's outputs, by the contract of `interface` alone."""

    def __init__(self) -> None:
        self.markets: dict[str, NativeMarket] = {}
        self.prices: dict[str, dict[str, int]] = {}
        self.state = ProviderState.DISCONNECTED
        self.states: list[ProviderState] = []
        self.frames: list[Frame] = []
        self.statuses: list[tuple[str, ProviderStatus, bool]] = []
        """Every change of (market, status, in play), in order."""

    def take(self, outputs: Iterable[Output]) -> None:
        for output in outputs:
            match output:
                case Frame():
                    self.frames.append(output)
                case State():
                    self.state = output.state
                    self.states.append(output.state)
                case Updates():
                    for update in output.updates:
                        self._apply(update)
                case _:
                    pass

    def status(self, market: str) -> ProviderStatus:
        return self.markets[market].status

    def price(self, market: str, runner: str) -> int:
        return self.prices[market].get(runner, 0)

    def books(self) -> dict[str, tuple[ProviderStatus, dict[str, int]]]:
        """By market its status, and by runner the price where there is one."""
        return {
            name: (market.status, {runner: micro for runner, micro in self.prices[name].items() if micro})
            for name, market in self.markets.items()
        }

    def _apply(self, update: NativeUpdate) -> None:
        if update.gone:
            self.markets.pop(update.market, None)
            self.prices.pop(update.market, None)
            return
        if update.image:
            assert update.definition is not None, "an image is complete"
            self.prices[update.market] = {}
        if update.definition is not None:
            known = self.markets.get(update.market)
            seen = (update.definition.status, update.definition.in_play)
            if known is None or (known.status, known.in_play) != seen:
                self.statuses.append((update.market, *seen))
            self.markets[update.market] = update.definition
        assert update.market in self.markets, "prices of a market that was never defined"
        self.prices[update.market].update({price.runner: price.micro for price in update.prices})
