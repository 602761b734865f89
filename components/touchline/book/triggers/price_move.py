"""PriceMove: a selection's price moves by at least `percent` within a time, by a stated metric.

A price takes part in the comparison while it was *in force* within the window: a price that stood for an hour and jumps now has moved
within two seconds. So what enters a window is each replaced price with the moment at which it was replaced, and it leaves
`within` later. The window keeps the running lowest and highest of these (two monotonic queues, O(1) amortised).

The hot path does not come here for most changes: `observe` returns a band of prices of which no two can fire, and a price
inside it is only remembered (`past`) until one outside arrives. A reopening starts the windows anew from the price at that moment.
"""

from collections import deque
from collections.abc import Iterable, Sequence

from touchline.book.conditions import Condition
from touchline.book.config import TriggerConfig
from touchline.book.link import Link
from touchline.book.triggers.base import Facts, Firing
from touchline.book.triggers.moves import Metric, band, describe, moved
from touchline.domain.prices import decimal_text

EMPTY_BAND = (1, 0)
FULL_BAND = (0, 1 << 62)


class PriceWindow:
    """One selection's replaced prices that were in force within the window, as `(end, micro)`; only extremes are kept."""

    __slots__ = ("highest", "lowest", "now_micro", "within_us")

    def __init__(self, within_us: int) -> None:
        self.within_us = within_us
        self.lowest: deque[tuple[int, int]] = deque()
        self.highest: deque[tuple[int, int]] = deque()
        self.now_micro = 0

    def absorb(self, past: Iterable[tuple[int, int]]) -> None:
        """Add replaced prices, oldest first; 0 (no price) is none."""
        lowest, highest = self.lowest, self.highest
        for entry in past:
            micro = entry[1]
            if not micro:
                continue
            while lowest and lowest[-1][1] >= micro:
                lowest.pop()
            lowest.append(entry)
            while highest and highest[-1][1] <= micro:
                highest.pop()
            highest.append(entry)

    def expire(self, now: int) -> None:
        """Forget what was replaced more than the window ago."""
        oldest = now - self.within_us
        while self.lowest and self.lowest[0][0] < oldest:
            self.lowest.popleft()
        while self.highest and self.highest[0][0] < oldest:
            self.highest.popleft()

    def jump(self, metric: Metric, percent_ppm: int) -> tuple[int, int] | None:
        """The extreme from which the present price is far enough away, as `(end, micro)`."""
        micro = self.now_micro
        if not micro:
            return None
        for queue in (self.lowest, self.highest):
            if queue and moved(metric, percent_ppm, queue[0][1], micro):
                return queue[0]
        return None

    def extremes(self) -> tuple[int, int]:
        """Lowest and highest price in the window, the present one included; `(0, 0)` where there is none."""
        lowest = self.lowest[0][1] if self.lowest else self.now_micro
        highest = self.highest[0][1] if self.highest else self.now_micro
        if not self.now_micro:
            return lowest, highest
        return min(lowest, self.now_micro), max(highest, self.now_micro)


class PriceMove:
    """One PriceMove trigger on one market: a window for each selection, and those that fire now."""

    __slots__ = ("config", "fires", "metric", "windows")

    def __init__(self, config: TriggerConfig) -> None:
        self.config = config
        self.metric = Metric(config.metric)
        self.windows: dict[str, PriceWindow] = {}
        self.fires: dict[str, str] = {}

    def observe(self, now: int, selection: str, past: Iterable[tuple[int, int]], micro: int) -> tuple[int, int]:
        """A new price; `past` are the prices replaced since the last call. Returns the band that needs no call."""
        window = self.windows.get(selection)
        if window is None:
            window = self.windows[selection] = PriceWindow(self.config.within_us)
        window.absorb(past)
        window.expire(now)
        window.now_micro = micro
        jump = window.jump(self.metric, self.config.percent_ppm)
        if jump is not None:
            self.fires[selection] = self._text(selection, jump[1], micro)
            return EMPTY_BAND
        if selection in self.fires:
            return EMPTY_BAND
        lowest, highest = window.extremes()
        return band(self.metric, self.config.percent_ppm, lowest, highest) if lowest else EMPTY_BAND

    def judge(self, now: int, facts: Facts) -> Sequence[Firing]:  # noqa: ARG002 - prices are told by `observe`
        firings = []
        for selection in list(self.fires):
            window = self.windows[selection]
            window.expire(now)
            jump = window.jump(self.metric, self.config.percent_ppm)
            if jump is None:
                del self.fires[selection]
            else:
                firings.append(Firing(self.fires[selection], selection, due=jump[0] + self.config.within_us + 1))
        return firings

    def reset(self, selection: str) -> None:
        """Start a selection's window anew from its present price."""
        window = self.windows.pop(selection, None)
        self.fires.pop(selection, None)
        if window is not None:
            fresh = self.windows[selection] = PriceWindow(self.config.within_us)
            fresh.now_micro = window.now_micro

    def conditions(self, link: Link) -> Sequence[Condition]:  # noqa: ARG002 - nothing of the provider as a whole
        return ()

    def _text(self, selection: str, old: int, new: int) -> str:
        size = describe(self.metric, old, new)
        within = f"{self.config.within_us // 1000} ms"
        return f"{selection} moved from {decimal_text(old)} to {decimal_text(new)} within {within}: {size}"
