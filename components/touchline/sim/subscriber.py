"""The server's half of one connection: greeting, authentication, one market subscription, heartbeats.

A state machine: bytes of a line in, messages (JSON objects) out. Protocol source: Betfair Exchange Stream API.
"""

from typing import NamedTuple

import msgspec

from touchline.sim.criteria import Criteria
from touchline.sim.exchange import Exchange, Published
from touchline.sim.raw_book import Change, merge

MIN_HEARTBEAT_MS, MAX_HEARTBEAT_MS, DEFAULT_HEARTBEAT_MS = 500, 5000, 5000
MAX_CONFLATE_MS = 120_000
SEGMENT_MARKETS = 10
"""An image of more markets is sent in segments of this many, if the subscriber can take them."""


class Answer(NamedTuple):
    """What to send; `close`: then close the connection."""

    messages: list[Change]
    close: bool = False


class Account(NamedTuple):
    """Who may connect, and how much one subscription of theirs may hold. Empty texts: anybody who gives one."""

    app_key: str = ""
    session_token: str = ""
    markets: int = 200
    """Most markets of one subscription: Betfair's own default."""


class Subscriber:
    """One connection, from its greeting on."""

    def __init__(self, exchange: Exchange, account: Account, connection_id: str) -> None:
        self._exchange = exchange
        self._account = account
        self._connection_id = connection_id
        self._authenticated = False
        self._id: int | None = None
        self._criteria: Criteria | None = None
        self._heartbeat_us = DEFAULT_HEARTBEAT_MS * 1000
        self._conflate_us = 0
        self._sent = 0
        self._held: list[Change] = []
        self._held_since = 0
        self._told = 0
        """The number of the exchange's last message that this subscriber knows all about."""
        self.segmentation = False

    @property
    def subscribed(self) -> bool:
        return self._criteria is not None

    def greet(self) -> list[Change]:
        return [{"op": "connection", "connectionId": self._connection_id}]

    def received(self, now: int, wall_ms: int, line: bytes) -> Answer:
        """One request."""
        try:
            request = msgspec.json.decode(line, type=dict[str, object])
        except (msgspec.DecodeError, UnicodeDecodeError):
            return self._refuse(None, "INVALID_INPUT", "not a JSON object", close=True)
        op, request_id = request.get("op"), request.get("id")
        identity = request_id if isinstance(request_id, int) else None
        if op == "authentication":
            return self._authenticate(identity, request)
        if not self._authenticated:
            return self._refuse(identity, "NO_SESSION", "authenticate first", close=True)
        if op == "heartbeat":
            return Answer([self._success(identity)])
        if op == "marketSubscription":
            return self._subscribe(now, wall_ms, identity, request)
        return self._refuse(identity, "INVALID_REQUEST", f"operation {op!r} is not simulated", close=False)

    def publish(self, now: int, published: Published) -> list[Change]:
        """A message of the exchange, as this subscriber sees it."""
        changes = self._cut(published.changes)
        if not changes:
            if not self._held:
                self._told = published.number
            return []
        if self._conflate_us:
            self._held_since = self._held_since if self._held else now
            self._held.extend(changes)
            return []
        self._sent, self._told = now, published.number
        return [self._message(published.publish_ms, mc=changes)]

    def tick(self, now: int, wall_ms: int) -> list[Change]:
        """Conflated changes that are due, or a heartbeat."""
        if self._criteria is None:
            return []
        if self._held and now - self._held_since >= self._conflate_us:
            changes, self._held = [{**change, "con": True} for change in merge(self._held)], []
            self._sent, self._told = now, self._exchange.number
            return [self._message(wall_ms, mc=changes)]
        if now - self._sent >= self._heartbeat_us:
            return [self.heartbeat(now, wall_ms)]
        return []

    def heartbeat(self, now: int, wall_ms: int) -> Change:
        self._sent = now
        return self._message(wall_ms, ct="HEARTBEAT")

    def _authenticate(self, identity: int | None, request: Change) -> Answer:
        app_key, session = request.get("appKey"), request.get("session")
        if not app_key:
            return self._refuse(identity, "NO_APP_KEY", "appKey is empty", close=True)
        if not session:
            return self._refuse(identity, "NO_SESSION", "session is empty", close=True)
        if self._account.app_key and app_key != self._account.app_key:
            return self._refuse(identity, "INVALID_APP_KEY", "unknown application key", close=True)
        if self._account.session_token and session != self._account.session_token:
            return self._refuse(identity, "INVALID_SESSION_INFORMATION", "unknown or expired session", close=True)
        self._authenticated = True
        return Answer([self._success(identity)])

    def _subscribe(self, now: int, wall_ms: int, identity: int | None, request: Change) -> Answer:
        market_filter, data_filter = request.get("marketFilter") or {}, request.get("marketDataFilter") or {}
        heartbeat = request.get("heartbeatMs") or DEFAULT_HEARTBEAT_MS
        conflate = request.get("conflateMs") or 0
        if not isinstance(market_filter, dict) or not isinstance(data_filter, dict):
            return self._refuse(identity, "INVALID_INPUT", "a filter is a JSON object", close=False)
        if not isinstance(heartbeat, int) or not isinstance(conflate, int) or not 0 <= conflate <= MAX_CONFLATE_MS:
            return self._refuse(identity, "INVALID_INPUT", "heartbeatMs or conflateMs", close=False)
        heartbeat = min(max(heartbeat, MIN_HEARTBEAT_MS), MAX_HEARTBEAT_MS)
        segmentation = request.get("segmentationEnabled") is True
        terms: Change = {"filter": market_filter, "data": data_filter, "segments": segmentation, "conflate": conflate}
        initial_clk, clk = request.get("initialClk"), request.get("clk")
        criteria = Criteria(market_filter, data_filter, filter_fields=self._exchange.filter_fields)
        named = market_filter.get("marketIds")
        asked = max(len(named) if isinstance(named, list) else 0, self._matching(criteria))
        if asked > self._account.markets:
            said = f"trying to subscribe to {asked} markets, the limit is {self._account.markets}"
            return self._refuse(identity, "SUBSCRIPTION_LIMIT_EXCEEDED", said, close=True)
        resumed: list[Change] | None = None
        if initial_clk and clk:
            number = self._exchange.read_clk(str(initial_clk), str(clk), terms)
            resumed = None if number is None else self._exchange.since(number)
            if resumed is None:
                return self._refuse(identity, "INVALID_CLOCK", "cannot resume from this clock", close=False)
        self._id, self._criteria = identity, criteria
        self._heartbeat_us, self._conflate_us, self._held = heartbeat * 1000, conflate * 1000, []
        self.segmentation = segmentation
        self._sent, self._told = now, self._exchange.number
        head: Change = {
            "initialClk": self._exchange.initial_clk(terms),
            "conflateMs": conflate,
            "heartbeatMs": heartbeat,
        }
        kind = "SUB_IMAGE" if resumed is None else "RESUB_DELTA"
        changes = self._cut(self._exchange.images() if resumed is None else resumed)
        parts = split(changes, SEGMENT_MARKETS) if segmentation else [changes]
        messages = segmented([self._message(wall_ms, ct=kind, mc=part) for part in parts])
        messages[0] |= head
        return Answer([self._success(identity), *messages])

    def _matching(self, criteria: Criteria) -> int:
        """How many markets of this moment are among those that were asked for."""
        markets = self._exchange.markets
        return sum(criteria.accepts(name, market.definition) for name, market in markets.items())

    def _cut(self, changes: list[Change]) -> list[Change]:
        criteria = self._criteria
        if criteria is None:
            return []
        cut = []
        for change in changes:
            market = self._exchange.markets.get(change["id"])
            definition = change.get("marketDefinition") or (market.definition if market is not None else None)
            if criteria.accepts(change["id"], definition) and (part := criteria.cut(change)) is not None:
                cut.append(part)
        return cut

    def _message(self, publish_ms: int, *, ct: str | None = None, mc: list[Change] | None = None) -> Change:
        message: Change = {"op": "mcm", "id": self._id, "clk": self._exchange.clk(self._told), "pt": publish_ms}
        if ct is not None:
            message["ct"] = ct
        if mc is not None:
            message["mc"] = mc
        return message

    def _success(self, identity: int | None) -> Change:
        return {
            "op": "status",
            "id": identity,
            "statusCode": "SUCCESS",
            "connectionClosed": False,
            "connectionsAvailable": 9,
        }

    def _refuse(self, identity: int | None, code: str, message: str, *, close: bool) -> Answer:
        answer: Change = {
            "op": "status",
            "id": identity,
            "statusCode": "FAILURE",
            "errorCode": code,
            "errorMessage": message,
            "connectionClosed": close,
            "connectionId": self._connection_id,
        }
        return Answer([answer], close)


def split(changes: list[Change], size: int) -> list[list[Change]]:
    """Parts of at most `size` changes; one empty part where there are none."""
    return [changes[at : at + size] for at in range(0, len(changes), size)] or [[]]


def segmented(messages: list[Change]) -> list[Change]:
    """Mark several messages as the segments of one."""
    if len(messages) < 2:
        return messages
    kinds = ["SEG_START", *["SEG"] * (len(messages) - 2), "SEG_END"]
    return [{**message, "segmentType": kind} for message, kind in zip(messages, kinds, strict=True)]
