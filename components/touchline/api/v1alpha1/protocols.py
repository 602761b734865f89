"""What each provider protocol needs to connect: one block for each, named after the protocol.

Figures are the providers' documented ones; where a provider prescribes none, the default is a careful guess that its
user is expected to change. Credentials never stand here, only in the Secret that `credentialsSecretRef` names.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from touchline.api.types.block import Block, Flag, Whole
from touchline.api.types.durations import Between, Duration
from touchline.api.types.lists import ListSet
from touchline.api.types.references import HostPort, HttpUrl, SecretKeyRef
from touchline.api.types.rules import Rule, Shape

Digits = Annotated[str, Shape(pattern=r"^[0-9]+$", max_length=20, says="must be digits in quotes")]
Code = Annotated[
    str, Shape(pattern=r"^[A-Za-z0-9_.:-]+$", max_length=64, says="must be a code of letters, digits, _, ., : and -")
]
MarketId = Annotated[
    str, Shape(pattern=r"^[0-9]+\.[0-9]+$", max_length=32, says="must be a Betfair market id such as 1.200806927")
]
Codes = Annotated[tuple[Code, ...], ListSet(max_items=200)]
ProducerId = Annotated[Whole, Field(ge=1, le=1000)]
PollInterval = Annotated[Duration, Between("1s", "1h")]


class Protocol(StrEnum):
    """How a provider is spoken to."""

    BETFAIR_STREAM = "BetfairStream"
    SPORTRADAR_UOF = "SportradarUOF"
    GENIUS_SPORTS = "GeniusSports"
    SPORTS_DATA_IO = "SportsDataIO"
    THE_ODDS_API = "TheOddsAPI"
    PINNACLE = "Pinnacle"
    OPTIC_ODDS = "OpticOdds"
    REPLAY = "Replay"


class TlsMode(StrEnum):
    """Whether the provider's certificate is checked."""

    VERIFY = "Verify"
    DISABLED = "Disabled"


class ClientTls(Block):
    """TLS to the provider."""

    mode: TlsMode = Field(
        default=TlsMode.VERIFY,
        description="Verify checks the certificate; Disabled speaks plain TCP, for simulators on the same machine.",
    )
    ca_secret_ref: SecretKeyRef | None = Field(
        default=None,
        description="Secret with the authority's certificate, key ca.crt by default; left out, the system's own.",
    )
    server_name: Annotated[str, Field(max_length=253, pattern=r"^[A-Za-z0-9.-]+$")] | None = Field(
        default=None, description="Name expected in the certificate; left out, the endpoint's host."
    )


class BetfairMarketFilter(Block):
    """Which markets are subscribed to; a field that is left out or empty narrows nothing."""

    market_ids: Annotated[tuple[MarketId, ...], ListSet(max_items=1000)] = Field(default=(), description="Market ids.")
    event_ids: Annotated[tuple[Digits, ...], ListSet(max_items=1000)] = Field(default=(), description="Event ids.")
    event_type_ids: Annotated[tuple[Digits, ...], ListSet(max_items=100)] = Field(
        default=(), description="Sports, by Betfair's event type id: 1 is football."
    )
    market_types: Codes = Field(default=(), description="Market types, such as MATCH_ODDS.")
    country_codes: Annotated[tuple[Code, ...], ListSet(max_items=250)] = Field(
        default=(), description="Countries, by ISO 3166 code."
    )
    turn_in_play: Flag | None = Field(default=None, description="Only markets that will (or will not) turn in play.")
    bsp_market: Flag | None = Field(default=None, description="Only markets with (or without) a starting price.")


class BetfairStream(Block):
    """Betfair Exchange Stream API: TLS, one JSON object a line. Secret keys: appKey, sessionToken."""

    endpoint: HostPort = Field(default="stream-api.betfair.com:443", description="Server, host:port.")
    heartbeat: Annotated[Duration, Between("500ms", "5s")] = Field(
        default=Duration("1s"), description="Interval of the heartbeats that are asked of the provider."
    )
    conflate: Annotated[Duration, Between("0s", "3m")] = Field(
        default=Duration("0s"), description="Interval at which the provider may merge changes; 0s is every change."
    )
    tls: ClientTls = Field(default_factory=ClientTls, description="TLS to the provider.")
    segmentation: Flag = Field(default=True, description="Large images may arrive in several messages.")
    market_filter: BetfairMarketFilter = Field(
        default_factory=BetfairMarketFilter, description="Which markets are subscribed to."
    )


class ReplayFormat(StrEnum):
    """What protocol a recording was made of."""

    BETFAIR_STREAM = "BetfairStream"


ReplaySpeed = Annotated[
    str,
    Shape(
        pattern=r"^(Max|[0-9]{1,6}(\.[0-9]{1,3})?)$",
        max_length=10,
        says='must be a factor in quotes, such as "1" or "10", or Max',
    ),
]
FilePath = Annotated[str, Shape(pattern=r"^[^\x00-\x1f]+$", max_length=4096, says="must be the path of a file")]


class Replay(Block):
    """Plays a recorded file as if it were a provider; heartbeats and receive times are added."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="self.speed == 'Max' || double(self.speed) > 0.0",
            message="must have a speed above 0",
            holds=lambda replay: replay.factor is None or replay.factor > 0,
            at="speed",
        ),
    )

    file: FilePath = Field(
        description=(
            "Recording: plain, .bz2 or .gz. A relative path is found in the working directory, in a cluster on the volume "
            "that the annotation touchline.dev/recordings names."
        )
    )
    speed: ReplaySpeed = Field(
        default="1", description="Factor to the recording's own pace, or Max for as fast as it goes."
    )
    loop: Flag = Field(default=False, description="Start again at the end.")
    heartbeat: Annotated[Duration, Between("100ms", "1m")] = Field(
        default=Duration("1s"), description="Interval of the heartbeats that are added."
    )
    format: ReplayFormat = Field(
        default=ReplayFormat.BETFAIR_STREAM, description="The protocol that the recording was made of."
    )

    @property
    def factor(self) -> float | None:
        """The speed as a factor; None for as fast as it goes."""
        return None if self.speed == "Max" else float(self.speed)


class SportradarUOF(Block):
    """Sportradar Unified Odds Feed: AMQP over TLS. Secret key: token."""

    endpoint: HostPort = Field(default="mq.betradar.com:5671", description="AMQP server, host:port.")
    api_endpoint: HttpUrl = Field(
        default="https://api.betradar.com", description="HTTP API for descriptions and recovery."
    )
    bookmaker_id: Digits = Field(description="Bookmaker id; it names the virtual host.")
    node_id: Whole | None = Field(
        default=None, ge=1, le=2**31 - 1, description="Node id, where several clients share one account."
    )
    producers: Annotated[tuple[ProducerId, ...], ListSet(min_items=1, max_items=64)] = Field(
        default=(1, 3), description="Producers that are read: 1 is live, 3 pre-match."
    )
    inactivity: Annotated[Duration, Between("10s", "180s")] = Field(
        default=Duration("20s"), description="Silence of a producer after which it counts as down."
    )
    recovery_timeout: Annotated[Duration, Between("600s", "3600s")] = Field(
        default=Duration("1200s"), description="Longest time for a recovery before it is asked for again."
    )
    tls: ClientTls = Field(default_factory=ClientTls, description="TLS to the provider.")


class GeniusSports(Block):
    """Genius Sports: they push to us and call our heartbeat. Secret keys: user, password, apiKey."""

    endpoint: HttpUrl = Field(description="API endpoint of the account.")
    heartbeat_timeout: Annotated[Duration, Between("10s", "60s")] = Field(
        default=Duration("25s"),
        description="Time without their call of our heartbeat after which markets must suspend.",
    )
    resend_after: Annotated[Duration, Between("10s", "1h")] = Field(
        default=Duration("5m"), description="Outage after which they send pre-match data again."
    )
    sports: Codes = Field(default=(), description="Sports that are asked for, by their ids; empty is all.")


class SportsDataIO(Block):
    """SportsDataIO: HTTP polling. Secret key: apiKey."""

    endpoint: HttpUrl = Field(default="https://api.sportsdata.io", description="API endpoint.")
    poll_interval: PollInterval = Field(default=Duration("5s"), description="Time between two requests.")
    time_zone: Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9_+/-]+$")] = Field(
        default="America/New_York", description="Zone of the feed's times, which name none."
    )
    sportsbooks: Codes = Field(default=(), description="Sportsbooks whose odds are read; empty is all.")


class TheOddsAPI(Block):
    """The Odds API: HTTP polling; markets that are suspended disappear. Secret key: apiKey."""

    endpoint: HttpUrl = Field(default="https://api.the-odds-api.com", description="API endpoint.")
    sports: Annotated[tuple[Code, ...], ListSet(min_items=1, max_items=100)] = Field(
        description="Sport keys that are asked for, such as soccer_epl."
    )
    regions: Annotated[tuple[Code, ...], ListSet(max_items=16)] = Field(
        default=("us",), description="Bookmaker regions, such as us, uk, eu, au."
    )
    markets: Annotated[tuple[Code, ...], ListSet(max_items=64)] = Field(
        default=("h2h",), description="Market keys, such as h2h, spreads, totals."
    )
    bookmakers: Codes = Field(default=(), description="Bookmakers whose odds are read; empty is all of the regions.")
    poll_interval: PollInterval = Field(
        default=Duration("60s"), description="Time between two requests before the start."
    )
    poll_interval_in_play: PollInterval = Field(
        default=Duration("40s"), description="Time between two requests in play."
    )


class Pinnacle(Block):
    """Pinnacle: HTTP polling of changes since the last answer. Secret keys: user, password."""

    endpoint: HttpUrl = Field(default="https://api.pinnacle.com", description="API endpoint.")
    sport_ids: Annotated[tuple[Digits, ...], ListSet(min_items=1, max_items=100)] = Field(
        description="Sports that are asked for, by their ids."
    )
    poll_interval: PollInterval = Field(default=Duration("5s"), description="Time between two requests for changes.")
    snapshot_interval: Annotated[Duration, Between("1m", "24h")] = Field(
        default=Duration("10m"), description="Time between two requests for everything."
    )


class OpticOdds(Block):
    """OpticOdds: server-sent events, resumable for 30 s. Secret key: apiKey."""

    endpoint: HttpUrl = Field(default="https://api.opticodds.com", description="API endpoint.")
    sports: Annotated[tuple[Code, ...], ListSet(min_items=1, max_items=64)] = Field(
        description="Sports that are asked for, such as basketball."
    )
    sportsbooks: Annotated[tuple[Code, ...], ListSet(min_items=1, max_items=64)] = Field(
        description="Sportsbooks whose odds are read."
    )
    leagues: Codes = Field(default=(), description="Leagues that are asked for; empty is all.")
