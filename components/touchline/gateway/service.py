"""The gateway's parts put together, and what they ask of each other.

`Service` holds them; it starts and stops nothing by itself (see `process`).
"""

import asyncio
import logging
import time
from typing import Any

from nats.aio.client import Client as Nats
from nats.errors import Error as NatsError
from nats.js.errors import NotFoundError

from touchline.api import OddsEngine
from touchline.bus.settings import Settings
from touchline.bus.status import read_status
from touchline.gateway.auth import Authenticator, bearer, cookie_of
from touchline.gateway.bets import Bets
from touchline.gateway.cache import LastValues
from touchline.gateway.declared import rules_of
from touchline.gateway.hub import Hub
from touchline.gateway.identity import Identity
from touchline.gateway.intake import Intake
from touchline.gateway.outputs import Authenticate, PlaceBet
from touchline.gateway.problems import Problem
from touchline.gateway.turns import Client, Turns
from touchline.version import __version__

log = logging.getLogger(__name__)

GRACE_S = 5.0
"""After its start a gateway waits this long for every shard before it calls itself ready regardless."""

STATUS_AGE_S = 1.0


class Service:
    """See the module."""

    def __init__(self, settings: Settings, engine: OddsEngine, nc: Nats, cache: LastValues) -> None:
        self.settings = settings
        self.engine = engine
        self.nc = nc
        self.cache = cache
        self.auth = Authenticator(engine, settings)
        self.turns = Turns(Hub(shards=engine.spec.shards, rules=rules_of(engine)), self)
        self.intake = Intake(nc, self.turns)
        self.bets = Bets(nc, shards=engine.spec.shards)
        self.draining = False
        self.connections = 0
        self.streams: dict[Client, None] = {}
        """Server-Sent Events clients."""
        self.started = time.monotonic()
        self._status: tuple[float, dict[str, dict[str, Any]]] | None = None
        self._status_lock = asyncio.Lock()

    @property
    def hub(self) -> Hub:
        return self.turns.hub

    def configure(self, engine: OddsEngine) -> None:
        """Take up a changed resource."""
        if engine.spec.shards != self.engine.spec.shards:
            log.error("spec.shards is immutable: it stays at %d", self.engine.spec.shards)
            return
        if engine.spec.gateway.auth != self.engine.spec.gateway.auth:
            self.auth = Authenticator(engine, self.settings)
        self.engine = engine
        self.turns.configure(rules_of(engine))
        log.info("took up a changed OddsEngine %s", engine.metadata.name)

    # -- errands of the hub ----------------------------------------------------------------------------------------------

    def ask_snapshot(self, shard: int) -> None:
        self.intake.ask_snapshot(shard)

    def place_bet(self, bet: PlaceBet) -> None:
        self.bets.from_socket(self.turns, bet)

    def authenticate(self, request: Authenticate) -> None:
        try:
            identity: Identity | Problem = self.auth.verify(request.token)
        except Problem as problem:
            identity = problem
        self.turns.authenticated(request.client, request.id, identity)

    # -- who somebody is -------------------------------------------------------------------------------------------------

    def identify(self, authorization: str, cookie: str) -> Identity | None:
        """By an `Authorization` and a `Cookie` header; None where a token is required and there is none.

        Raises:
            Problem: the token is not accepted.
        """
        if self.auth.anonymous:
            return self.auth.anyone(cookie_of(cookie))
        token = bearer(authorization)
        return self.auth.verify(token) if token else None

    # -- how it stands -----------------------------------------------------------------------------------------------------

    def unready(self) -> list[str]:
        """Why traffic should go elsewhere; empty: it may come."""
        reasons = []
        if self.draining:
            reasons.append("draining")
        if not self.nc.is_connected:
            reasons.append("the broker is away")
        if time.monotonic() - self.started < GRACE_S:
            missing = [str(shard.number) for shard in self.hub.board.shards if not shard.snapshots]
            if missing:
                reasons.append(f"no book yet of shards {', '.join(missing)}")
        return reasons

    def shards(self) -> list[dict[str, Any]]:
        """Each shard as this gateway sees it."""
        return [
            {
                "shard": shard.number,
                "leader": shard.node,
                "epoch": shard.epoch,
                "seq": shard.seq,
                "whole": shard.whole,
                "lost": shard.lost,
            }
            for shard in self.hub.board.shards
        ]

    def document(self) -> dict[str, Any]:
        """This gateway's own entry in the `status` bucket."""
        return {
            "version": __version__,
            "node": self.settings.node,
            "at": time.time_ns() // 1000,
            "ready": not self.unready(),
            "connections": self.connections,
            "audiences": self.hub.fanout.audiences,
            "markets": len(self.hub.board.markets),
            "updates": self.intake.updates,
            "shardsWhole": sum(shard.whole and not shard.lost for shard in self.hub.board.shards),
            "cache": self.cache.detail,
        }

    async def statuses(self) -> dict[str, dict[str, Any]]:
        """Every component's status; asked of the broker once a second at most, however many ask here."""
        async with self._status_lock:
            now = time.monotonic()
            if self._status is None or now - self._status[0] > STATUS_AGE_S:
                try:
                    self._status = (now, await read_status(self.nc))
                except (NatsError, NotFoundError, TimeoutError, OSError) as error:
                    log.debug("the status bucket cannot be read: %r", error)
                    self._status = (now, self._status[1] if self._status else {})
            return self._status[1]
