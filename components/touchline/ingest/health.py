"""How a feed behaves, measured continuously; pure.

**Delay** is receive time minus the provider's publish time. Two clocks differ, so the smallest difference seen in a window counts as
their offset and is taken off, unless the provider is declared synchronised (then 0 is). A feed that is equally late all the time
looks punctual under an estimated offset: declare the clock synchronised where it is.

**Whose delay.** A heartbeat carries no work of the provider's: what it is late is the way (network, and whatever the provider
does to all its messages). What messages with prices are later than heartbeats is theirs. From receipt to the bus is ours.
"""

from collections import deque
from typing import NamedTuple

from touchline.ingest.clock import SECOND
from touchline.ingest.quantiles import SlidingCount, SlidingMinimum, SlidingQuantiles

WINDOW_US = 10 * SECOND
OFFSET_WINDOW_US = 1_800 * SECOND
LOSS_WINDOW_US = 60 * SECOND
BASELINE_US = 600 * SECOND
UNKNOWN = -1
MAX_DISCONNECTS = 1_001
"""One more than a FeedProvider can tolerate."""


class Thresholds(NamedTuple):
    """What the FeedProvider's `health` declares, in the units used here."""

    max_silence_us: int
    max_delay_us: int
    max_loss_ppm: int
    max_disconnects: int
    disconnects_window_us: int
    min_completeness_ppm: int
    synchronised: bool


class Health:
    """The measurements of one provider's feed. `now` and `wall` are microseconds (monotonic, epoch)."""

    def __init__(self, now: int, thresholds: Thresholds) -> None:
        self._since = now
        self.thresholds = thresholds
        self._data = SlidingQuantiles(WINDOW_US)
        self._heartbeats = SlidingQuantiles(WINDOW_US)
        self._ours = SlidingQuantiles(WINDOW_US)
        self._offset = SlidingMinimum(OFFSET_WINDOW_US)
        self._messages = SlidingCount(WINDOW_US)
        self._updates = SlidingCount(WINDOW_US)
        self._baseline = 0.0
        self._baseline_at = now
        self._missing = SlidingCount(LOSS_WINDOW_US)
        self._received = SlidingCount(LOSS_WINDOW_US)
        self._disconnects: deque[int] = deque(maxlen=MAX_DISCONNECTS)
        self._alive_at = now
        self.last_src = 0
        self.gaps = 0
        self.missing = 0
        self.disconnects = 0

    def configure(self, thresholds: Thresholds) -> None:
        """New thresholds; what was measured stays, but for what the change makes meaningless."""
        if thresholds.synchronised != self.thresholds.synchronised:
            self._data, self._heartbeats = SlidingQuantiles(WINDOW_US), SlidingQuantiles(WINDOW_US)
        self.thresholds = thresholds

    # What happens

    def frame(self, now: int) -> None:
        """One frame arrived."""
        self._received.add(now)

    def message(self, now: int, recv_us: int, publish_us: int, updates: int) -> None:
        """One message with updates."""
        self._messages.add(now)
        self._updates.add(now, updates)
        if publish_us:
            self._data.add(now, self._delay(now, recv_us, publish_us))

    def alive(self, now: int, recv_us: int, publish_us: int, *, heartbeat: bool) -> None:
        """A proof of life; `heartbeat`: it came without updates.

        It proves what the provider said when it said it, so it is as old as it is late: one that a slow connection held back for two
        seconds breaks no silence of two seconds.
        """
        late = self._delay(now, recv_us, publish_us) if publish_us else 0
        self._alive_at = max(self._alive_at, now - late)
        if publish_us:
            self.last_src = max(self.last_src, publish_us)
            if heartbeat:
                self._heartbeats.add(now, late)

    def handled(self, now: int, took_us: int) -> None:
        """From receipt to the bus took this long."""
        self._ours.add(now, took_us)

    def gap(self, now: int, missing: int) -> None:
        """The protocol proved that messages are missing."""
        self.gaps += 1
        self.missing += missing
        self._missing.add(now, missing)

    def disconnected(self, now: int) -> None:
        """An established connection broke."""
        self.disconnects += 1
        self._disconnects.append(now)

    # What it amounts to

    def silence_us(self, now: int) -> int:
        """Age of the last proof of life; before the first, of this process."""
        return now - self._alive_at

    def delay_p99_us(self, now: int) -> int:
        """Of messages with updates, else of heartbeats; -1 where neither came in the last 10 s."""
        delay = self._data.quantile(now, 990)
        return delay if delay >= 0 else self._heartbeats.quantile(now, 990)

    def loss_ppm(self, now: int) -> int:
        """Messages proved missing in the last minute, of those that should have come."""
        missing = self._missing.total(now)
        return missing * SECOND // (missing + self._received.total(now)) if missing else 0

    def report(self, now: int, *, priced: int, wanted: int) -> dict[str, object]:
        """The figures for the status, and which thresholds they break."""
        rate = self._messages.total(now) * SECOND // WINDOW_US
        self._follow(now, rate)
        p99 = self.delay_p99_us(now)
        way = self._heartbeats.quantile(now, 990)
        data = self._data.quantile(now, 990)
        completeness = priced * SECOND // wanted if wanted else SECOND
        figures: dict[str, object] = {
            "messagesPerSecond": rate,
            "updatesPerSecond": self._updates.total(now) * SECOND // WINDOW_US,
            "baselineMessagesPerSecond": round(self._baseline, 1),
            "delayP50Us": self._data.quantile(now, 500),
            "delayP99Us": p99,
            "delay": {
                "theirsP99Us": max(0, data - way) if data >= 0 and way >= 0 else UNKNOWN,
                "networkP99Us": way,
                "oursP99Us": self._ours.quantile(now, 990),
            },
            "clockOffsetUs": self._known_offset(),
            "silenceUs": self.silence_us(now),
            "gaps": self.gaps,
            "missing": self.missing,
            "lossPpm": self.loss_ppm(now),
            "disconnects": self.disconnects,
            "disconnectsInWindow": self._recent_disconnects(now),
            "completenessPpm": completeness,
        }
        return figures | {"breaches": self._breaches(now, p99, completeness)}

    def _recent_disconnects(self, now: int) -> int:
        since = now - self.thresholds.disconnects_window_us
        return sum(1 for at in self._disconnects if at > since)

    def _breaches(self, now: int, p99: int, completeness: int) -> list[str]:
        limits = self.thresholds
        checks = (
            ("maxSilence", self.silence_us(now) > limits.max_silence_us),
            ("maxDelay", p99 > limits.max_delay_us),
            ("maxLossPercent", self.loss_ppm(now) > limits.max_loss_ppm),
            ("maxDisconnects", self._recent_disconnects(now) > limits.max_disconnects),
            ("minCompletenessPercent", completeness < limits.min_completeness_ppm),
        )
        return [name for name, broken in checks if broken]

    def _delay(self, now: int, recv_us: int, publish_us: int) -> int:
        difference = recv_us - publish_us
        self._offset.add(now, difference)
        return max(0, difference - self._known_offset())

    def _known_offset(self) -> int:
        if self.thresholds.synchronised:
            return 0
        return self._offset.minimum() or 0

    def _follow(self, now: int, rate: int) -> None:
        """The baseline follows the rate slowly: an exponential mean with a time constant of ten minutes."""
        elapsed = now - self._baseline_at
        self._baseline_at = now
        if now - self._since <= WINDOW_US:
            self._baseline = float(rate)
        else:
            self._baseline += (rate - self._baseline) * min(1.0, elapsed / BASELINE_US)
