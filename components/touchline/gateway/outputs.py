"""What the hub asks its surroundings to do. It does nothing itself, so a simulator can run it as well as a server."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from touchline.bus.messages import BetRequest

ClientId = Any
"""Whatever the surroundings know a connection by: anything hashable. The hub only compares it."""

CommandId = int | str


class Write(NamedTuple):
    """Write the same bytes, as they are, to each client."""

    clients: Sequence[ClientId]
    payload: bytes


class Close(NamedTuple):
    """Close with a WebSocket close code; the hub has forgotten the client already."""

    client: ClientId
    code: int
    reason: str


class AskSnapshot(NamedTuple):
    """Ask the shard's leader for its whole book and give it to `Hub.snapshot`."""

    shard: int


class PlaceBet(NamedTuple):
    """Have a bet decided and give the answer to `Hub.decision` or `Hub.undecided`."""

    client: ClientId
    id: CommandId
    request: BetRequest


class Authenticate(NamedTuple):
    """Verify a token and give the answer to `Hub.authenticated`."""

    client: ClientId
    id: CommandId
    token: str


HubOutput = Write | Close | AskSnapshot | PlaceBet | Authenticate
