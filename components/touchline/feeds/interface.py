"""What an adapter gives to ingest: the provider's words, parsed but not interpreted.

An adapter has two halves. Its **session** is a state machine: `(now, wall, input) -> list[Output]`, no clock, no socket. Its
**transport** (`Transport`) opens the connection and yields frames, one provider message each, exactly as received.
`touchline.ingest` runs the two together: it captures each frame, then hands it to the session, then acts on the outputs.

Every frame gets exactly one `Disposition`, so that captured = accepted + quarantined + ignored can be checked.
"""

from collections.abc import AsyncIterator, Sequence
from enum import StrEnum
from typing import NamedTuple, Protocol

import msgspec

from touchline.domain.status import ProviderState, ProviderStatus


class NativeRunner(msgspec.Struct, frozen=True, gc=False):
    """One selection as its provider names it. `id` includes what makes it unique in its market (Betfair: `123` or `123/-1.5`)."""

    id: str
    name: str = ""
    removed: bool = False
    """Withdrawn: can no longer be bet on, ever."""
    result: str = ""
    """Settlement as `MarketUpdate.results` spells it; empty before."""
    handicap: str = ""
    order: int = 0


class NativeMarket(msgspec.Struct, frozen=True):
    """A provider's complete definition of one market."""

    id: str
    event_id: str
    event_name: str
    start_us: int
    sport_id: str
    sport_name: str
    league_id: str
    league_name: str
    country: str
    type: str
    """The provider's market type name or id, for example `MATCH_ODDS`."""
    type_id: str
    line: str
    """Where the provider carries a line apart from the type's name; else empty."""
    runners: tuple[NativeRunner, ...]
    status: ProviderStatus
    in_play: bool
    bet_delay_ms: int
    version: int = 0
    home: str = ""
    away: str = ""
    name: str = ""


class NativePrice(msgspec.Struct, frozen=True, gc=False):
    """The best price at which a bettor can back a runner. `micro` 0: none offered now."""

    runner: str
    micro: int
    text: str = ""
    """The provider's own text where it is not the canonical decimal text of `micro`."""
    fmt: str = "D"


class NativeUpdate(msgspec.Struct):
    """What one provider message says of one market. What is left out is unchanged, unless `image`."""

    market: str
    publish_us: int
    """The provider's publish time, epoch microseconds."""
    definition: NativeMarket | None = None
    """Present when it is new or has changed; status, phase and delay are then the definition's."""
    prices: Sequence[NativePrice] = ()
    image: bool = False
    incidents: Sequence[str] = ()
    rollback: bool = False
    gone: bool = False
    """The provider no longer tells us of this market."""


# Outputs of a session


class Disposition(StrEnum):
    """What became of one frame."""

    ACCEPTED = "Accepted"
    QUARANTINED = "Quarantined"
    IGNORED = "Ignored"


class Send(NamedTuple):
    """Bytes to write to the provider."""

    payload: bytes


class Updates(NamedTuple):
    """One provider message, whole: all of it is applied before anything is published."""

    updates: list[NativeUpdate]
    publish_us: int


class State(NamedTuple):
    """The connection's state changed. `RECOVERING` -> `CONNECTED` says that the recovery is complete: the updates before it
    were the whole image."""

    state: ProviderState
    detail: str


class Alive(NamedTuple):
    """Proof of life from the provider (any ordered message or a heartbeat). `publish_us` 0 where the frame carries no time."""

    publish_us: int


class Frame(NamedTuple):
    """What became of the frame just received. `rule` names the declared rule of an ignored frame or the reason of a refusal."""

    disposition: Disposition
    rule: str
    detail: str = ""


class Gap(NamedTuple):
    """The protocol proves that messages are missing. The markets are held until the recovery that follows is complete."""

    missing: int
    detail: str


class Reconnect(NamedTuple):
    """Drop the connection and open it again after `after_us`. `permanent` (wrong credentials, …): keep trying slowly and say so."""

    after_us: int
    detail: str
    permanent: bool = False


Output = Send | Updates | State | Alive | Frame | Gap | Reconnect


class Session(Protocol):
    """One provider protocol as a state machine. It outlives connections: it holds what a resume needs."""

    def connected(self, now: int, wall: int) -> list[Output]:
        """The transport is open (TLS done)."""

    def received(self, now: int, wall: int, frame: bytes) -> list[Output]:
        """One frame arrived. Exactly one `Frame` is among the outputs."""

    def disconnected(self, now: int, wall: int, detail: str) -> list[Output]:
        """The transport closed. A `Reconnect` is among the outputs unless the feed has ended."""

    def tick(self, now: int, wall: int) -> list[Output]:
        """Time passed (called at least every 100 ms): liveness and time-outs."""


class TransportError(Exception):
    """The connection could not be opened or broke; the message says what, where and what to do."""


class FrameTooLong(TransportError):
    """A frame exceeded the bound; `head` holds its first bytes. The connection is of no further use."""

    def __init__(self, message: str, head: bytes) -> None:
        super().__init__(message)
        self.head = head


class Transport(Protocol):
    """One open connection to a provider."""

    def frames(self) -> AsyncIterator[Sequence[bytes]]:
        """Frames as they arrive, those of one read together; ends when the provider closes.

        Raises:
            TransportError: the connection broke.
            FrameTooLong: a frame exceeded the bound.
        """

    async def send(self, payload: bytes) -> None:
        """Write to the provider."""

    async def close(self) -> None:
        """Close; idempotent."""


class Adapter(Protocol):
    """A provider protocol, configured from one FeedProvider."""

    session: Session

    async def connect(self) -> Transport:
        """Open one connection.

        Raises:
            TransportError: it cannot be opened.
        """
