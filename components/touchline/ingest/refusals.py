"""Why something was refused: the closed vocabulary of the quarantine.

A reason is a token of the subject `quarantine.<provider>.<reason>`, a counter in the status and a label; renaming one breaks
alerts. The order of the members is the order in which validation asks (DESIGN, section 6).
"""

from enum import StrEnum
from typing import NamedTuple


class QuarantineReason(StrEnum):
    """What validation, normalisation or identity found wrong."""

    MALFORMED_FRAME = "MalformedFrame"
    """The adapter could not read the frame; `rule` names what it missed."""
    FRAME_TOO_LONG = "FrameTooLong"
    """The frame exceeded the transport's bound; its head was captured."""

    UNKNOWN_MARKET = "UnknownMarket"
    """An update of a market whose definition was never sent."""
    UNKNOWN_EVENT = "UnknownEvent"
    """A definition that names no event."""
    UNKNOWN_SPORT = "UnknownSport"
    UNKNOWN_LEAGUE = "UnknownLeague"
    AMBIGUOUS_LEAGUE = "AmbiguousLeague"
    UNKNOWN_TEAM = "UnknownTeam"
    AMBIGUOUS_TEAM = "AmbiguousTeam"
    AMBIGUOUS_EVENT = "AmbiguousEvent"
    """Several known events could be the provider's; never guessed."""
    UNKNOWN_MARKET_TYPE = "UnknownMarketType"
    AMBIGUOUS_MARKET_TYPE = "AmbiguousMarketType"
    MARKET_STRUCTURE = "MarketStructure"
    """No runners, a line that is missing or malformed, sides that do not fit."""
    UNKNOWN_SELECTION = "UnknownSelection"
    """A runner that the market's definition or the market type does not know."""
    BAD_ODDS = "BadOdds"
    BAD_METADATA = "BadMetadata"
    BAD_TIMESTAMP = "BadTimestamp"
    BAD_TYPE = "BadType"
    """A number out of its range, or a result, that has no meaning here."""
    DUPLICATE = "Duplicate"
    """A runner defined twice, or a second market of the provider for one internal market."""
    INTEGRITY = "Integrity"
    """An older definition after a newer one."""


class Unmatched(NamedTuple):
    """A name of the provider's that no EntityMap knows. `sport` is the internal id, empty where the sport itself is the name."""

    sport: str
    what: str
    """sport, league, team, player, market type or selection."""
    name: str


class Refusal(NamedTuple):
    """One thing refused. `runner` is empty where the whole market is meant; `candidates` are what it could have been.

    `unmatched` is the name that was looked for in vain, where that is why.
    """

    reason: QuarantineReason
    detail: str
    runner: str = ""
    candidates: tuple[str, ...] = ()
    unmatched: Unmatched | None = None
