"""A recording as a session: the provider's words as recorded, the times of now.

**Re-stamping.** Prices of last year must look as they would have looked live. With `wall0` our time at the first frame, `pt0`
its recorded publish time and N the speed, a message recorded at `pt` is published at `wall0 + (pt - pt0) / N`; so its measured
delay is how late the replay runs against its own pace. As fast as it goes (no pace) it is published when it is received.
Start times of events stay as recorded: they identify the event.

**What a recording cannot do.** It is asked for nothing again, so where a live session would ask for a fresh image, a replay
quarantines the frame that showed the loss (unreadable, broken segment, crossed book) and goes on. Frames that hold only
changes of markets nobody has defined yet are ignored under the rule `MarketNotDefined`; the changes themselves are kept for
the moment the market is defined. A SUB_IMAGE replaces the markets that it names and no others: recordings are merged from
several subscriptions.

**Heartbeats** are added: a proof of life every interval, also after the last line, so the final state stays valid until the
replay is closed. A further pass (loop) takes back the settlements of the one before.
"""

from touchline.domain.status import ProviderState, ProviderStatus
from touchline.feeds.betfair.cache import MarketCache
from touchline.feeds.betfair.decode import MalformedMessage, Message, decode
from touchline.feeds.betfair.segments import BrokenSegment, Segments
from touchline.feeds.betfair.session import CROSSED_US, NOT_MARKETS
from touchline.feeds.interface import Alive, Disposition, Frame, NativeUpdate, Output, Reconnect, State, Updates

LOOP_PAUSE_US = 1_000_000
"""Between two passes: a file that breaks off at its first line must not spin."""
RETRY_US = 60_000_000
FINAL = {ProviderStatus.CLOSED, ProviderStatus.SETTLED, ProviderStatus.CANCELLED}


class ReplaySession:
    """Implements `touchline.feeds.interface.Session`. `speed` None: as fast as it goes."""

    def __init__(self, name: str, *, speed: float | None, heartbeat_us: int, loop: bool = False) -> None:
        self._name = name
        self._speed = speed
        self._heartbeat_us = heartbeat_us
        self._loop = loop
        self._cache = MarketCache()
        self._segments = Segments()
        self._open = False
        self._frames = 0
        self._first: tuple[int, int] | None = None
        """Our time and the recorded publish time (µs) of the first message."""
        self._newest_us = 0
        self._beat = 0
        self._state = State(ProviderState.DISCONNECTED, "not started")
        self._final: dict[str, None] = {}
        """The markets that were over when the last pass ended."""
        self._crossed: dict[str, None] = {}

    def connected(self, now: int, wall: int) -> list[Output]:  # noqa: ARG002 - the contract's shape
        self._cache, self._segments = MarketCache(), Segments()
        self._open, self._frames, self._first, self._newest_us = True, 0, None, 0
        self._beat = now
        self._crossed = {}
        return self._say(ProviderState.RECOVERING, f"{self._name}: opened")

    def received(self, now: int, wall: int, frame: bytes) -> list[Output]:
        self._frames += 1
        self._beat = now
        outputs = self._read(wall, frame)
        if self._state.state is ProviderState.RECOVERING:
            outputs.extend(self._say(ProviderState.CONNECTED, f"{self._name}: playing"))
        return outputs

    def disconnected(self, now: int, wall: int, detail: str) -> list[Output]:  # noqa: ARG002
        self._open = False
        outputs = self._say(ProviderState.DISCONNECTED, detail)
        if self._loop and self._frames:
            return [*outputs, Reconnect(LOOP_PAUSE_US, f"{self._name}: starts again")]
        if self._frames:
            # Broken off in the middle. Playing it again would end at the same line.
            return outputs
        return [*outputs, Reconnect(RETRY_US, detail, permanent=True)]

    def tick(self, now: int, wall: int) -> list[Output]:
        if not self._open or not self._frames or now - self._beat < self._heartbeat_us:
            return []
        self._beat = now
        return [Alive(wall)]

    def _read(self, wall: int, frame: bytes) -> list[Output]:
        try:
            decoded = decode(frame)
        except MalformedMessage as error:
            return [Frame(Disposition.QUARANTINED, "MalformedMessage", f"{self._name}, frame {self._frames}: {error}")]
        message = decoded.message
        if message.op in {"connection", "status"}:
            return [Frame(Disposition.IGNORED, "Control", f"operation {message.op}")]
        if message.op in NOT_MARKETS:
            return [Frame(Disposition.IGNORED, "NotMarketData", f"operation {message.op}")]
        if message.op != "mcm":
            return [Frame(Disposition.QUARANTINED, "UnknownOperation", f"operation {message.op[:40]!r}")]
        recorded_us = (message.pt or 0) * 1000 or self._newest_us
        self._newest_us = max(self._newest_us, recorded_us)
        publish_us = self._restamp(recorded_us, wall)
        try:
            changes = self._segments.add(message)
        except BrokenSegment as error:
            return [Frame(Disposition.QUARANTINED, "BrokenSegment", f"{self._name}, frame {self._frames}: {error}")]
        outputs: list[Output] = [Alive(publish_us)]
        disposition, rule, detail = Disposition.ACCEPTED, message.ct or "Delta", "; ".join(decoded.refused)
        if changes:
            applied = self._cache.apply(changes, recorded_us, self._newest_us)
            updates = self._mark(applied.updates, publish_us)
            if updates:
                outputs.append(Updates(updates, publish_us))
            if len(applied.undefined) and len(applied.undefined) == len({change.id for change in changes}):
                disposition, rule, detail = Disposition.IGNORED, "MarketNotDefined", ", ".join(applied.undefined[:3])
            elif applied.superseded:
                detail = f"left out, an older version under another event: {', '.join(applied.superseded[:3])}"
        if decoded.lost:
            disposition, rule = Disposition.QUARANTINED, "PartlyRefused"
        elif (crossed := self._newly_crossed()) is not None:
            disposition, rule, detail = Disposition.QUARANTINED, "CrossedBook", crossed
        return [Frame(disposition, rule, detail), *outputs, *self._judge(message)]

    def _restamp(self, recorded_us: int, wall: int) -> int:
        if self._speed is None or not recorded_us:
            return wall
        if self._first is None:
            self._first = (wall, recorded_us)
        wall0, recorded0 = self._first
        return wall0 + round((recorded_us - recorded0) / self._speed)

    def _mark(self, updates: list[NativeUpdate], publish_us: int) -> list[NativeUpdate]:
        """Stamp with today's times, and note what a further pass has to take back."""
        for update in updates:
            update.publish_us = publish_us
            if update.definition is not None:
                if self._final.pop(update.market, 0) is None:
                    update.rollback = update.definition.status not in FINAL
                if update.definition.status in FINAL:
                    self._final[update.market] = None
        return updates

    def _newly_crossed(self) -> str | None:
        crossed = self._cache.crossed(self._newest_us, CROSSED_US, ignoring=self._crossed)
        if crossed is None:
            return None
        market, runner = crossed
        self._crossed[market] = None
        return f"{self._name}, frame {self._frames}: the book of market {market}, runner {runner}, stays crossed: changes were lost"

    def _judge(self, message: Message) -> list[Output]:
        if message.status:
            return self._say(
                ProviderState.UNRELIABLE, f"{self._name}: recorded as unreliable (status {message.status})"
            )
        if self._state.state is ProviderState.UNRELIABLE:
            return self._say(ProviderState.CONNECTED, f"{self._name}: playing")
        return []

    def _say(self, state: ProviderState, detail: str) -> list[Output]:
        before, self._state = self._state, State(state, detail)
        return [] if before == self._state else [self._state]
