"""One connection's state in the hub: kept small, because there are many and most are idle."""

from typing import TYPE_CHECKING

from touchline.domain.version import Version
from touchline.gateway.frames import Format
from touchline.gateway.identity import Identity
from touchline.gateway.outputs import ClientId, CommandId
from touchline.gateway.owed import Owed

if TYPE_CHECKING:
    from touchline.gateway.fanout import Audience

BETS_IN_FLIGHT = 8


class Session:
    """`audience` is None without topics. `owed` is None while the client is in step with its audience."""

    __slots__ = ("ahead", "arrival", "audience", "bets", "client", "format", "identity", "owed", "paused", "syncs")

    def __init__(self, client: ClientId, how: Format, identity: Identity | None) -> None:
        self.client = client
        self.format = how
        self.identity = identity
        self.audience: Audience | None = None
        self.owed: Owed | None = None
        self.ahead: dict[str, Version] = {}
        """Markets that the client resumed at a version that this gateway has not seen yet: sent again only from there on."""
        self.syncs: list[CommandId | None] = []
        """The subscribe commands to be answered by `synced` once nothing is owed."""
        self.paused = False
        self.arrival = 0
        self.bets = 0

    @property
    def topics(self) -> tuple[str, ...]:
        return () if self.audience is None else self.audience.topics

    def admit(self, now: int, interval_us: int, burst: int) -> bool:
        """Rate limit (GCRA): a command each `interval_us` on average, `burst` at once; false for one too many."""
        arrival = max(self.arrival, now)
        if arrival - now > interval_us * (burst - 1):
            return False
        self.arrival = arrival + interval_us
        return True
