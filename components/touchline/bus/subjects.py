"""Names of subjects, streams and buckets: the routing table (DESIGN, section 5)."""

CONFIG_BUCKET = "config"
STATUS_BUCKET = "status"
LEASE_BUCKET = "lease"
EVENTS_BUCKET = "events"

BEATS = "odds.beat"
PROBES = "probe"


def raw(provider: str) -> str:
    """Exact bytes of one provider, captured by the stream `raw_stream(provider)`."""
    return f"raw.{provider}"


def raw_stream(provider: str) -> str:
    return f"RAW_{provider}"


def quarantine(provider: str, reason: str) -> str:
    return f"quarantine.{provider}.{reason}"


QUARANTINE_STREAM = "QUARANTINE"


def odds(shard: int, provider: str) -> str:
    """Normalised updates of one provider for one shard (`OddsBatch`)."""
    return f"odds.{shard}.{provider}"


def odds_of_shard(shard: int) -> str:
    """Every provider's updates for one shard. Beats do not match it: subscribe `all_beats()` beside it."""
    return f"odds.{shard}.*"


def beat(provider: str) -> str:
    """One provider's proof of life (`Beat`); on the same connection as its odds, so never ahead of them."""
    return f"{BEATS}.{provider}"


def all_beats() -> str:
    return f"{BEATS}.*"


def probe(node: str) -> str:
    """A book node's clock stamp, to be echoed in beats (`Probe`)."""
    return f"{PROBES}.{node}"


def all_probes() -> str:
    return f"{PROBES}.*"


def resync(provider: str) -> str:
    """Ask an ingest for complete images of one shard (`ResyncRequest`)."""
    return f"control.resync.{provider}"


def book(shard: int, sport: str, league: str, event: str, market_type: str) -> str:
    """One authoritative update of one market (`touchline.bus.wire`)."""
    return f"book.{shard}.{sport}.{league}.{event}.{market_type}"


def all_book() -> str:
    return "book.>"


BOOK_STREAM = "BOOK"


def shard_beat(shard: int) -> str:
    """The leader's own beat (`ShardBeat`), on the same connection as its book updates."""
    return f"beat.{shard}"


def all_shard_beats() -> str:
    return "beat.*"


def snapshot(shard: int) -> str:
    """Ask the leader for every market of the shard (reply: chunks, `touchline.bus.wire`)."""
    return f"control.snapshot.{shard}"


def market_detail(shard: int) -> str:
    """Ask the leader to explain one market (`{"market": id}` -> JSON document)."""
    return f"control.market.{shard}"


def bet(shard: int) -> str:
    """A bet to decide (`BetRequest` -> `BetReply`)."""
    return f"bet.{shard}"


def bet_lookup(shard: int) -> str:
    """The decision of a key (`BetLookup` -> `BetReply`, status 404 where there is none)."""
    return f"betlookup.{shard}"


def decided(shard: int) -> str:
    """Final decisions of delayed bets, published only after they were stored (`Decided`)."""
    return f"decided.{shard}"


def all_decided() -> str:
    return "decided.*"


def bets_stream(shard: int) -> str:
    """The stream that holds every decision of a shard, in order, fenced by expected-last-sequence."""
    return f"BETS_{shard}"


def bets(decision: str, shard: int) -> str:
    """`decision` is a lower-case word: epoch, accepted, rejected, repriced, pending, review."""
    return f"bets.{decision}.{shard}"


AUDIT = "audit.segment"
"""The audit log (`touchline.recorder`): prices and decisions in the order in which they were found, in chained segments."""
AUDIT_STREAM = "AUDIT"


def config_key(kind: str, name: str) -> str:
    """Key of a resource in the `config` bucket: `Market.nfl-moneyline`."""
    return f"{kind}.{name}"


def halt_key(scope: str, name: str) -> str:
    """Key of a trader's halt in the `config` bucket: `Halt.market.<hex of the id>`; ids have ':' and '.', keys may not."""
    return f"Halt.{scope}.{name.encode().hex()}"
