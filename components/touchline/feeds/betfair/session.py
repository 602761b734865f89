"""The Exchange Stream session: from the connection message to prices, and back after every failure.

    connected ──connection──> authenticating ──SUCCESS──> subscribing ──SUB_IMAGE / RESUB_DELTA, whole──> streaming

Rules (Exchange Stream API; `quality.yaml` beside this file names the test of each):

* `initialClk` and `clk` are kept over connections and sent again with identical criteria; INVALID_CLOCK asks afresh
* `clk` moves only on an unsegmented message or SEG_END, and a segmented message is applied as one
* `status: 503` holds (UNRELIABLE) and does not disconnect; the next message without it ends the hold
* two heartbeat intervals without a byte: drop and reconnect with back-off
* what proves that changes are missing (an unreadable message, a broken segment, a change of an unknown market, a book that
  stays crossed) is a Gap: a fresh image is asked for on the same connection, unless that was done moments ago
* a delayed application key (the server conflates more than it was asked to) never proves a current price: UNRELIABLE

After every recovery all markets are given out as images, also after RESUB_DELTA, whose message holds only differences.
"""

from enum import Enum

from touchline.domain.status import ProviderState
from touchline.feeds.backoff import PERMANENT_US, Backoff
from touchline.feeds.betfair.cache import MarketCache
from touchline.feeds.betfair.decode import Decoded, MalformedMessage, MarketChange, Message, decode
from touchline.feeds.betfair.options import Credentials, Subscription
from touchline.feeds.betfair.requests import PERMANENT_ERRORS, explain_failure, request_authentication, request_markets
from touchline.feeds.betfair.segments import BrokenSegment, Segments
from touchline.feeds.interface import (
    Alive,
    Disposition,
    Frame,
    Gap,
    Output,
    Reconnect,
    Send,
    State,
    Updates,
)

IMAGE_US = 60_000_000
"""The longest wait for a whole image, however lively the connection is."""
HANDSHAKE_US = 10_000_000
"""The longest wait for the connection message, for the answer to a request, and between two pieces of an image."""
CROSSED_US = 1_000_000
"""How long a book may look crossed at the end of messages. In whole recordings it never does; a second bridges two
messages that belong together."""
FRESH_IMAGE_PAUSE_US = 10_000_000
"""A second proof of loss within this time of asking for an image drops the connection instead, with back-off."""
STABLE_US = 5_000_000
"""A connection that has streamed this long has proved itself: back-off starts anew."""
PAUSE_US = 500_000
"""A tick that comes this late says that we were paused, not that the provider was silent: what it sent may still be unread.
Such a pause is not counted as silence (what it means for freshness is measured elsewhere, and is strict)."""
KEEP_CLOSED_US = 3_600_000_000
REMEMBERED_FRAMES = 8
NOT_MARKETS = {"ocm", "rcm", "ccm"}


class Stage(Enum):
    """Where a connection stands."""

    CLOSED = "closed"
    GREETING = "waiting for the connection message"
    AUTHENTICATING = "waiting for the answer to the authentication"
    SUBSCRIBING = "waiting for the image"
    STREAMING = "streaming"


class BetfairSession:
    """Implements `touchline.feeds.interface.Session`. `backoff` spreads its waits by its own seeded generator."""

    def __init__(
        self,
        credentials: Credentials,
        subscription: Subscription,
        *,
        backoff: Backoff | None = None,
        endpoint: str = "Betfair",
    ) -> None:
        self._credentials = credentials
        self._subscription = subscription
        self._backoff = backoff or Backoff()
        self._endpoint = endpoint
        self._cache = MarketCache()
        self._segments = Segments()
        self._stage = Stage.CLOSED
        self._state = State(ProviderState.DISCONNECTED, "not connected yet")
        self._request = 0  # the id of the last request; answers and messages carry it
        self._initial_clk = ""
        self._clk = ""
        self._offered_clk = ""
        self._heard = 0
        self._ticked = 0
        self._stage_since = 0
        self._silence_us = 2 * subscription.heartbeat_ms * 1000
        self._delayed = ""
        self._newest_us = 0
        self._image_asked = -FRESH_IMAGE_PAUSE_US
        self._recent: list[bytes] = []
        self._pending: Reconnect | None = None

    # The four inputs

    def connected(self, now: int, wall: int) -> list[Output]:  # noqa: ARG002 - the contract's shape
        self._pending = None
        self._heard = self._ticked = now
        self._segments.clear()
        self._recent = []
        self._delayed = self._offered_clk = ""
        self._silence_us = 2 * self._subscription.heartbeat_ms * 1000
        self._enter(Stage.GREETING, now)
        return self._say(ProviderState.RECOVERING, f"connected to {self._endpoint}, waiting for its greeting")

    def received(self, now: int, wall: int, frame: bytes) -> list[Output]:  # noqa: ARG002
        if self._stage is Stage.CLOSED:
            return [Frame(Disposition.IGNORED, "AfterClose", "the session had already given up this connection")]
        self._heard = now
        try:
            decoded = decode(frame)
        except MalformedMessage as error:
            return [
                Frame(Disposition.QUARANTINED, "MalformedMessage", str(error)),
                *self._lost(now, 1, f"a message was unreadable: {error}"),
            ]
        message = decoded.message
        match message.op:
            case "connection":
                return [Frame(Disposition.ACCEPTED, "Connection", message.connection_id or ""), *self._greeted(now)]
            case "status":
                return [
                    Frame(Disposition.ACCEPTED, "Status", message.error_code or message.status_code or ""),
                    *self._answered(now, message),
                ]
            case "mcm":
                return self._changed(now, decoded, frame)
            case op if op in NOT_MARKETS:
                return [Frame(Disposition.IGNORED, "NotMarketData", f"operation {op}")]
            case op:
                return [Frame(Disposition.QUARANTINED, "UnknownOperation", f"operation {op[:40]!r}")]

    def disconnected(self, now: int, wall: int, detail: str) -> list[Output]:  # noqa: ARG002
        if self._pending is not None:
            # The connection was given up by this session itself: the same verdict, not a second failure.
            verdict, self._pending = self._pending, None
            return [verdict]
        return self._failed(now, detail)

    def tick(self, now: int, wall: int) -> list[Output]:  # noqa: ARG002
        pause, self._ticked = now - self._ticked, now
        if self._stage is Stage.CLOSED:
            return []
        if pause > PAUSE_US:
            self._heard, self._stage_since = min(now, self._heard + pause), min(now, self._stage_since + pause)
        silent = now - self._heard
        if self._stage is Stage.STREAMING:
            if silent > self._silence_us:
                return self._give_up(
                    now,
                    f"no heartbeat from {self._endpoint} for {silent // 1000} ms (two intervals are {self._silence_us // 1000} ms)",
                )
            if now - self._stage_since > STABLE_US:
                self._backoff.reset()
            return self._prove_whole(now)
        longest = IMAGE_US if self._stage is Stage.SUBSCRIBING else HANDSHAKE_US
        waited = now - self._stage_since
        if silent > HANDSHAKE_US or waited > longest:
            waited = max(silent, waited)
            return self._give_up(now, f"{self._endpoint}: {self._stage.value} for {waited // 1_000_000} s")
        return []

    # Handshake

    def _greeted(self, now: int) -> list[Output]:
        if self._stage is not Stage.GREETING:
            return []
        self._enter(Stage.AUTHENTICATING, now)
        self._request += 1
        return [Send(request_authentication(self._request, self._credentials))]

    def _answered(self, now: int, message: Message) -> list[Output]:
        if message.status_code != "FAILURE":
            if self._stage is Stage.AUTHENTICATING and message.id == self._request:
                return self._subscribe(now, "authenticated, waiting for the image")
            return []
        code = message.error_code or "UNEXPECTED_ERROR"
        if code == "INVALID_CLOCK":
            self._forget_clock()
            if message.connection_closed:
                return self._give_up(
                    now, f"{self._endpoint} cannot resume from where we were (INVALID_CLOCK): a fresh image follows"
                )
            return self._subscribe(now, "the resume was refused (INVALID_CLOCK), waiting for a fresh image")
        detail = explain_failure(code, message.error_message or "", self._endpoint, self._credentials)
        return self._give_up(now, detail, permanent=code in PERMANENT_ERRORS)

    def _subscribe(self, now: int, detail: str) -> list[Output]:
        self._enter(Stage.SUBSCRIBING, now)
        self._segments.clear()
        self._request += 1
        payload = request_markets(self._request, self._subscription, self._initial_clk, self._clk)
        return [*self._say(ProviderState.RECOVERING, detail), Send(payload)]

    # Change messages

    def _changed(self, now: int, decoded: Decoded, frame: bytes) -> list[Output]:
        message = decoded.message
        if self._stage not in {Stage.SUBSCRIBING, Stage.STREAMING}:
            return [Frame(Disposition.QUARANTINED, "OutOfTurn", f"a change message while {self._stage.value}")]
        if message.id is not None and message.id != self._request:
            return [
                Frame(Disposition.IGNORED, "OtherSubscription", f"of request {message.id}, ours is {self._request}")
            ]
        if message.clk and self._seen(frame):
            return [Frame(Disposition.IGNORED, "Duplicate", "identical to a message received moments ago")]
        publish_us = (message.pt or 0) * 1000
        self._newest_us = max(self._newest_us, publish_us)
        self._heed_terms(message)
        outputs: list[Output] = [Alive(publish_us)]
        try:
            whole = self._segments.add(message)
        except BrokenSegment as error:
            return [
                Frame(Disposition.QUARANTINED, "BrokenSegment", str(error)),
                Alive(publish_us),
                *self._lost(now, 1, str(error)),
            ]
        if whole is not None:
            self._advance(message)
            outputs.extend(self._apply(now, whole, publish_us))
        outputs.extend(self._judge(message))
        if decoded.lost:
            refused = "; ".join(decoded.refused)
            return [
                Frame(Disposition.QUARANTINED, "PartlyRefused", refused),
                *outputs,
                *self._lost(now, 1, f"a message was partly unreadable: {refused}"),
            ]
        return [Frame(Disposition.ACCEPTED, message.ct or "Delta", "; ".join(decoded.refused)), *outputs]

    def _apply(self, now: int, changes: list[MarketChange], publish_us: int) -> list[Output]:
        publish_us = publish_us or self._newest_us
        ct = self._segments.kind
        image = ct == "SUB_IMAGE"
        applied = self._cache.apply(changes, publish_us, now, whole=image)
        updates = applied.updates
        if self._stage is Stage.SUBSCRIBING and ct in {"SUB_IMAGE", "RESUB_DELTA"}:
            self._enter(Stage.STREAMING, now)
            gone = [update for update in updates if update.gone]
            updates = [*self._cache.images(publish_us), *gone]
        elif image or any(update.image for update in updates):
            updates = [*updates, *self._cache.forget_closed(publish_us - KEEP_CLOSED_US)]
        outputs: list[Output] = [Updates(updates, publish_us)] if updates else []
        if applied.undefined and not image:
            missing = ", ".join(applied.undefined[:3])
            return [
                *outputs,
                *self._lost(now, len(applied.undefined), f"a change of market {missing}, whose image never came"),
            ]
        return [*outputs, *self._prove_whole(now)]

    def _prove_whole(self, now: int) -> list[Output]:
        crossed = self._cache.crossed(now, CROSSED_US)
        if crossed is None or self._stage is not Stage.STREAMING:
            return []
        market, runner = crossed
        return self._lost(now, 1, f"the book of market {market}, runner {runner}, stays crossed: changes were lost")

    def _judge(self, message: Message) -> list[Output]:
        """The state that follows from one message, once the image is complete."""
        if self._stage is not Stage.STREAMING:
            return []
        if message.status:
            return self._say(
                ProviderState.UNRELIABLE, f"{self._endpoint} says that its data is unreliable (status {message.status})"
            )
        if self._delayed:
            return self._say(ProviderState.UNRELIABLE, self._delayed)
        return self._say(ProviderState.CONNECTED, f"streaming {len(self._cache)} markets from {self._endpoint}")

    def _heed_terms(self, message: Message) -> None:
        """What the head of an image says, which stands in the first of several segments only: the server's own heartbeat and
        conflation, which may differ from what was asked for, and the initial clock."""
        if message.initial_clk:
            self._offered_clk = message.initial_clk
        if message.heartbeat_ms:
            self._silence_us = 2 * message.heartbeat_ms * 1000
        if message.conflate_ms is None:
            return
        self._delayed = ""
        if message.conflate_ms > self._subscription.conflate_ms:
            self._delayed = (
                f"{self._endpoint} conflates to {message.conflate_ms} ms, {self._subscription.conflate_ms} ms was asked for: "
                f"the application key in Secret {self._credentials.source} is a delayed one"
            )

    def _advance(self, message: Message) -> None:
        """A whole message has come: from here on we can resume."""
        self._initial_clk, self._offered_clk = self._offered_clk or self._initial_clk, ""
        if message.clk:
            self._clk = message.clk

    def _seen(self, frame: bytes) -> bool:
        if frame in self._recent:
            return True
        self._recent.append(frame)
        del self._recent[:-REMEMBERED_FRAMES]
        return False

    # Failures

    def _lost(self, now: int, missing: int, detail: str) -> list[Output]:
        """Changes are missing: ask for everything again, without the clock, which has moved past what was lost."""
        if self._stage not in {Stage.SUBSCRIBING, Stage.STREAMING}:
            return []
        self._forget_clock()
        gap = Gap(missing, detail)
        if now - self._image_asked < FRESH_IMAGE_PAUSE_US:
            return [gap, *self._give_up(now, f"{detail}, moments after a fresh image was asked for")]
        self._image_asked = now
        return [gap, *self._subscribe(now, f"{detail}; waiting for a fresh image")]

    def _give_up(self, now: int, detail: str, *, permanent: bool = False) -> list[Output]:
        """Hang up of our own accord; `disconnected` will follow."""
        outputs = self._failed(now, detail, permanent=permanent)
        self._pending = next(output for output in outputs if isinstance(output, Reconnect))
        return outputs

    def _failed(self, now: int, detail: str, *, permanent: bool = False) -> list[Output]:
        after = PERMANENT_US if permanent else self._backoff.next_us()
        self._enter(Stage.CLOSED, now)
        return [*self._say(ProviderState.DISCONNECTED, detail), Reconnect(after, detail, permanent)]

    def _forget_clock(self) -> None:
        self._initial_clk = self._offered_clk = self._clk = ""

    def _enter(self, stage: Stage, now: int) -> None:
        self._stage = stage
        self._stage_since = now

    def _say(self, state: ProviderState, detail: str) -> list[Output]:
        """A State output, if the state or its reason is new. While connected the number of markets is no news."""
        before, self._state = self._state, State(state, detail)
        if before.state is state and (before.detail == detail or state is ProviderState.CONNECTED):
            return []
        return [self._state]
