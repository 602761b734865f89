"""The messages on the hot path, as msgspec structs in JSON arrays (short, and readable with `nats sub`).

Times are integer microseconds: `*_us` of the epoch where named `src`, `recv`, `at`; of a node's own monotonic clock where
named `stamp`. Odds are `micro`: decimal odds times 1,000,000, with 0 for "no price". Stakes are micro-units of the currency.
"""

from enum import IntFlag

import msgspec


class Selection(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """One selection's price from one provider.

    `text` is the provider's own text where it is not the canonical decimal text of `micro`; `fmt` its format's letter
    (`touchline.domain.prices.PriceFormat`).
    """

    id: str
    micro: int
    text: str = ""
    fmt: str = "D"


class MarketMeta(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """What identifies and describes a market; sent with every image and whenever it changes."""

    sport: str
    league: str
    type: str
    line: str
    event_name: str
    home: str
    away: str
    start_us: int
    names: dict[str, str]
    """Display name by selection id."""
    country: str = ""
    league_class: str = ""
    category: str = ""


class MarketUpdate(msgspec.Struct, array_like=True, gc=False):
    """What one provider changed on one market. What it leaves out is unchanged, unless `image`."""

    market: str
    src: int
    """The provider's publish time."""
    recv: int
    """When ingest received the bytes."""
    status: int = -1
    """A `ProviderStatus`, or -1: unchanged."""
    sels: list[Selection] = []
    image: bool = False
    """Replaces all that this provider said of the market."""
    in_play: int = -1
    """1 in play, 0 before the start, -1 unchanged."""
    delay_ms: int = -1
    """The provider's own bet delay, -1 unchanged."""
    meta: MarketMeta | None = None
    incidents: list[str] = []
    """Goal, RedCard, …: what happened in the event, if the provider says so."""
    results: dict[str, str] = {}
    """Settlement by selection: Winner, Loser, Void, HalfWinner, HalfLoser, Placed."""
    rollback: bool = False
    """Takes back a settlement or cancellation explicitly."""


class Resync(IntFlag):
    """Marks of a batch that belongs to a set of complete images. A set of one batch has all three."""

    NONE = 0
    PART = 1
    FIRST = 2
    LAST = 4


class OddsBatch(msgspec.Struct, array_like=True, tag="o", gc=False):
    """Updates of one provider for one shard: one provider message at most, applied as a whole before anything is published.

    `seq` counts the batches of this provider, shard and incarnation from 1 without holes.
    """

    provider: str
    inc: str
    """The incarnation of its ingest (`touchline.domain.incarnation`): another one starts at seq 1 with a resync set."""
    seq: int
    updates: list[MarketUpdate]
    resync: int = 0


class Beat(msgspec.Struct, array_like=True, tag="b", gc=False):
    """One provider's proof of life, at least every 100 ms."""

    provider: str
    inc: str
    state: str
    """A `ProviderState`."""
    seqs: list[int]
    """By shard: the last batch sent before this beat; 0 where none was."""
    last_src: int
    """The newest publish time seen from the provider; 0 before the first."""
    silence_us: int
    """Age of the provider's last proof of life when this beat was made."""
    delay_us: int
    """p99 over 10 s of receive time minus publish time, corrected by the clock offset; -1 where not known."""
    echo: dict[str, int]
    """By book node: the newest probe stamp received. `now - echo[me]` bounds this beat's age by my own clock alone."""
    detail: str = ""
    """Why the state is what it is, in words."""


class Probe(msgspec.Struct, array_like=True, tag="p", gc=False):
    """A book node's monotonic clock, published every 100 ms."""

    node: str
    stamp: int


class ResyncRequest(msgspec.Struct, array_like=True, gc=False):
    shard: int
    node: str
    have_inc: str
    have_seq: int


class ShardBeat(msgspec.Struct, array_like=True, gc=False):
    """A leader's proof of life towards gateways, every 100 ms."""

    shard: int
    epoch: int
    seq: int
    """The last book update published in this epoch."""
    node: str
    at: int


class BetLeg(msgspec.Struct, gc=False):
    market: str
    selection: str
    price: int
    """Micro odds that the bettor saw."""
    version: str


class BetRequest(msgspec.Struct, gc=False):
    """A bet on its way from gateway to leader; already well-formed, not yet judged."""

    key: str
    customer: str
    jurisdiction: str
    stake: int
    """Micro-units of the engine's currency."""
    legs: list[BetLeg]
    price_change: str = ""
    """Exact, AcceptBetter, AcceptWithin, or empty: the class's default."""
    within_ppm: int = 0
    """For AcceptWithin: tolerated worsening of the decimal price in parts per million."""
    type: str = "Single"


class BetLookup(msgspec.Struct, gc=False):
    key: str
    customer: str


class BetReply(msgspec.Struct, gc=False):
    """`status` is the HTTP status (201, 200, 202, 404, 409); `decision` the public document (PROTOCOL, "decision")."""

    status: int
    decision: msgspec.Raw


class Decided(msgspec.Struct, gc=False):
    customer: str
    key: str
    decision: msgspec.Raw


def encode(message: msgspec.Struct) -> bytes:
    """JSON bytes of any message of this module."""
    return _encoder.encode(message)


_encoder = msgspec.json.Encoder()
decode_odds = msgspec.json.Decoder(OddsBatch).decode
decode_beat = msgspec.json.Decoder(Beat).decode
decode_probe = msgspec.json.Decoder(Probe).decode
decode_resync_request = msgspec.json.Decoder(ResyncRequest).decode
decode_shard_beat = msgspec.json.Decoder(ShardBeat).decode
decode_bet = msgspec.json.Decoder(BetRequest).decode
decode_bet_lookup = msgspec.json.Decoder(BetLookup).decode
decode_bet_reply = msgspec.json.Decoder(BetReply).decode
decode_decided = msgspec.json.Decoder(Decided).decode
