"""One runner's ladders, and the best price at which a bettor can back it.

A subscription may carry full ladders (`atb`), displayed ones with virtual prices (`bdatb`) or plain best offers (`batb`), or
several at once. The first of these, in that order, that holds anything is believed.
"""

from touchline.feeds.betfair.decode import RunnerChange
from touchline.feeds.betfair.ladder import NO_PRICE, LevelLadder, PriceLadder


class RunnerBook:
    """`told` is the best price that was last given out, -1 before the first."""

    __slots__ = ("_all_back", "_all_lay", "_best_back", "_best_lay", "_shown_back", "told")

    def __init__(self) -> None:
        self._all_back: PriceLadder | None = None
        self._all_lay: PriceLadder | None = None
        self._shown_back: LevelLadder | None = None
        self._best_back: LevelLadder | None = None
        self._best_lay: LevelLadder | None = None
        self.told = -1

    def apply(self, change: RunnerChange) -> None:
        """Merge one change. What it leaves out, and an empty ladder, is unchanged."""
        if change.atb:
            if self._all_back is None:
                self._all_back = PriceLadder()
            self._all_back.update(change.atb)
        if change.atl:
            if self._all_lay is None:
                self._all_lay = PriceLadder()
            self._all_lay.update(change.atl)
        if change.bdatb:
            if self._shown_back is None:
                self._shown_back = LevelLadder()
            self._shown_back.update(change.bdatb)
        if change.batb:
            if self._best_back is None:
                self._best_back = LevelLadder()
            self._best_back.update(change.batb)
        if change.batl:
            if self._best_lay is None:
                self._best_lay = LevelLadder()
            self._best_lay.update(change.batl)

    def best_back(self) -> int:
        """Micro price, 0 where none is offered."""
        if self._all_back is not None and (best := self._all_back.highest()):
            return best
        if self._shown_back is not None and (best := self._shown_back.best()):
            return best
        return self._best_back.best() if self._best_back is not None else NO_PRICE

    def crossed(self) -> bool:
        """Whether somebody seems to offer to back at a price at which, or below which, another offers to lay.

        The exchange would have matched the two. Displayed ladders hold virtual prices and are not compared.
        """
        if self._all_back is not None and self._all_lay is not None:
            back, lay = self._all_back.highest(), self._all_lay.lowest()
            if back and lay and back >= lay:
                return True
        if self._best_back is not None and self._best_lay is not None:
            back, lay = self._best_back.best(), self._best_lay.best()
            return bool(back and lay and back >= lay)
        return False
