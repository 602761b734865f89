"""The `config` bucket as a book node follows it: the engine it serves, and the configuration of its books.

Every change is live at once. While the bucket's content is being given (at the start, and again after the broker was away) nothing
is applied: half a configuration would look like resources that were deleted.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from nats.aio.client import Client

from touchline.api import ApiError, parse_resource
from touchline.api.v1alpha1.odds_engine import Durability, OddsEngine
from touchline.book.config import BookConfig
from touchline.book.config_reading import config_of_bucket
from touchline.bus.config import Ready, watch_config
from touchline.bus.trouble import Trouble

log = logging.getLogger(__name__)

_PREFIX = "OddsEngine."
_CONCERNS = ("OddsEngine", "FeedProvider", "Market", "SuspensionPolicy", "Halt", "Resume")


@dataclass(frozen=True)
class EngineFacts:
    """An OddsEngine as far as book and desk need it."""

    name: str
    shards: int
    currency: str
    durability: Durability
    max_legs: int
    remember_keys_us: int


class Configuration:
    """Follows the bucket; `changed()` is called after each change that concerns a book node."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self.engine: EngineFacts | None = None
        self.book = BookConfig()
        self.known = asyncio.Event()
        """Set once there is an engine."""
        self._changed = changed
        self._content: dict[str, dict[str, Any]] = {}
        self._trouble = Trouble(log)

    async def follow(self, nc: Client) -> None:
        """Until cancelled."""
        given: dict[str, dict[str, Any]] = {}
        ready = False
        async for change in watch_config(nc):
            if isinstance(change, Ready):
                given = {key: value for key, value in given.items() if key in change.keys}
                ready = True
            elif change.key.partition(".")[0] not in _CONCERNS:
                continue
            elif change.value is None:
                given.pop(change.key, None)
            else:
                given[change.key] = change.value
            if ready and given != self._content:
                self._content = dict(given)
                self._take_over()

    def _take_over(self) -> None:
        engine = engine_of(self._content)
        if engine is None:
            self._trouble.tell(
                f"the configuration has no OddsEngine; {'going on' if self.engine else 'waiting for one'}"
            )
        elif self.engine is not None and engine.shards != self.engine.shards:
            log.error("shards cannot change from %d to %d while the engine runs", self.engine.shards, engine.shards)
        else:
            self.engine = engine
            self._trouble.over()
        self.book = config_of_bucket(self._content)
        if self.engine is not None:
            self._changed()
            self.known.set()


def engine_of(content: Mapping[str, Mapping[str, Any]]) -> EngineFacts | None:
    """The engine in the bucket's content; None where there is none that can be read. Of several, the first by name."""
    for key in sorted(content):
        if not key.startswith(_PREFIX):
            continue
        try:
            resource = parse_resource(content[key])
        except ApiError as error:
            log.error("%s cannot be read and is ignored: %s", key, error)
            continue
        if isinstance(resource, OddsEngine):
            spec = resource.spec
            return EngineFacts(
                key.removeprefix(_PREFIX),
                spec.shards,
                spec.currency,
                spec.bets.durability,
                spec.bets.max_legs,
                spec.bets.remember_keys.micros,
            )
    return None
