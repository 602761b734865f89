"""What one Betfair connection is told to do, already checked: the adapter's plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field

MIN_HEARTBEAT_MS, MAX_HEARTBEAT_MS = 500, 5000
"""What the server accepts as `heartbeatMs`."""

FIELDS = ("EX_ALL_OFFERS", "EX_MARKET_DEF")
"""Definitions, and full ladders of both sides: a book that stays crossed may be the only evidence of a lost change, and
ladders by level would hide it."""


@dataclass(frozen=True)
class Subscription:
    """The criteria of a market subscription. A resume is only answered if they are the same as before, to the letter."""

    market_filter: Mapping[str, object] = field(default_factory=dict)
    fields: tuple[str, ...] = FIELDS
    heartbeat_ms: int = 1000
    conflate_ms: int = 0
    segmentation: bool = True

    def __post_init__(self) -> None:
        if not MIN_HEARTBEAT_MS <= self.heartbeat_ms <= MAX_HEARTBEAT_MS:
            raise ValueError(
                f"heartbeat {self.heartbeat_ms} ms: Betfair accepts {MIN_HEARTBEAT_MS} to {MAX_HEARTBEAT_MS}"
            )
        if self.conflate_ms < 0:
            raise ValueError(f"conflation {self.conflate_ms} ms is negative")


@dataclass(frozen=True)
class Credentials:
    """`source` names where they came from, for messages: the Secret's name. The values are never shown."""

    app_key: str = field(repr=False)
    session_token: str = field(repr=False)
    source: str = "credentials"


@dataclass(frozen=True)
class Endpoint:
    """Where to connect. `ca_pem` empty: the system's certificate authorities. `server_name` empty: the certificate names the
    host. `tls` False is for simulators on the same machine."""

    host: str
    port: int
    tls: bool = True
    ca_pem: str = field(default="", repr=False)
    server_name: str = ""

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True)
class BetfairOptions:
    endpoint: Endpoint
    credentials: Credentials
    subscription: Subscription = field(default_factory=Subscription)
