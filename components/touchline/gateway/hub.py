# ruff: noqa: ARG002 - every input has the moment of it, used or not
"""The hub: sessions and their commands, around the board (what is known) and the fan-out (who is told).

A state machine: `(now, input) -> outputs`, with `now` in microseconds of the node's monotonic clock and `wall` in epoch
microseconds. It never waits and never writes; see `outputs`. Its surroundings carry the outputs out in order, before the
next input.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from touchline.bus.messages import Decided, ShardBeat
from touchline.bus.wire import BookFrame, SnapshotEnd
from touchline.gateway.bet_shape import read_bet
from touchline.gateway.board import Board
from touchline.gateway.commands import (
    Auth,
    Bet,
    Command,
    Garbage,
    Ping,
    Subscribe,
    Unsubscribe,
    parse_command,
    read_command,
)
from touchline.gateway.fanout import Fanout
from touchline.gateway.frames import Format, render
from touchline.gateway.identity import NEVER_EXPIRES, Identity
from touchline.gateway.listing import Listing
from touchline.gateway.outputs import (
    AskSnapshot,
    Authenticate,
    ClientId,
    Close,
    CommandId,
    HubOutput,
    PlaceBet,
    Write,
)
from touchline.gateway.problems import Problem
from touchline.gateway.sessions import BETS_IN_FLIGHT, Session
from touchline.gateway.subscriptions import Subscriptions

MALFORMED, UNAUTHENTICATED, FORBIDDEN, TOO_SLOW, TOO_MANY = 4400, 4401, 4403, 4408, 4429

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, kw_only=True)
class HubRules:
    """What the hub enforces; from the engine's resource."""

    currency: str = "EUR"
    conflate: bool = True
    """A slow client gets the newest states; false: it is disconnected."""
    silence_us: int = 2_000_000
    """A shard silent for longer is lost."""
    stall_us: int = 60_000_000
    """A client whose socket takes nothing for longer is disconnected in any case."""
    login_us: int = 5_000_000
    """Time for the first `auth`."""
    commands_per_second: int = 20
    topics: int = 1_000


class Hub:
    """See the module. Not thread-safe; one per process."""

    def __init__(self, *, shards: int, rules: HubRules | None = None) -> None:
        self.rules = rules or HubRules()
        self.board = Board(shards=shards, silence_us=self.rules.silence_us, on_change=self._changed)
        self.listing = Listing(self.board)
        self.fanout = Fanout(self.board)
        self.subscriptions = Subscriptions(self.board, self.fanout)
        self.sessions: dict[ClientId, Session] = {}
        self._customers: dict[str, dict[Session, None]] = {}
        self._logins: dict[Session, int] = {}
        self._paused: dict[Session, int] = {}
        self._expiries: list[tuple[int, int, Session]] = []
        self._entered = 0

    @property
    def busy(self) -> bool:
        """Whether another `flush` has something to write even without new input."""
        return self.fanout.busy

    def configure(self, now: int, rules: HubRules) -> list[HubOutput]:
        """New rules, in force at once."""
        self.rules = rules
        self.board.silence_us = rules.silence_us
        return []

    # -- from the broker and the cache -----------------------------------------------------------------------------------

    def boot(self, now: int, frames: Sequence[tuple[str, BookFrame]]) -> list[HubOutput]:
        """Last values from the cache; shown suspended until a leader confirms them."""
        self.board.boot(frames)
        return []

    def book(self, now: int, subject: str, frame: BookFrame) -> list[HubOutput]:
        """One update; clients hear of it at `flush`."""
        self.board.book(now, subject, frame)
        return []

    def shard_beat(self, now: int, beat: ShardBeat) -> list[HubOutput]:
        """A leader's beat; judged at `flush`, after the updates that were read in the same turn."""
        self.board.shard_beat(now, beat)
        return []

    def snapshot(
        self, now: int, shard: int, frames: Sequence[tuple[str, BookFrame]], end: SnapshotEnd
    ) -> list[HubOutput]:
        """A leader's whole book, in answer to `AskSnapshot`."""
        out: list[HubOutput] = []
        self.board.snapshot(now, shard, frames, end)
        self.subscriptions.settle(shard, out)
        return out

    def flush(self, now: int) -> list[HubOutput]:
        """End of a loop turn: everything collected leaves, one write per client."""
        out: list[HubOutput] = [AskSnapshot(shard) for shard in self.board.turn(now)]
        self.fanout.flush(out)
        return out

    def tick(self, now: int, wall: int) -> list[HubOutput]:
        """Let time pass; at least every 100 ms, and once before anything else."""
        self.board.tick(now, wall)
        out: list[HubOutput] = []
        while self._expiries and self._expiries[0][0] <= wall:
            _, _, session = heapq.heappop(self._expiries)
            if session.identity is not None and NEVER_EXPIRES < session.identity.expires <= wall:
                self._close(session, UNAUTHENTICATED, "the token has expired", out)
        for sessions, bound, code, reason in (
            (self._logins, self.rules.login_us, UNAUTHENTICATED, "no token was shown in time"),
            (self._paused, self.rules.stall_us, TOO_SLOW, "nothing was read for too long"),
        ):
            while sessions:
                session, since = next(iter(sessions.items()))
                if now - since < bound:
                    break
                self._close(session, code, reason, out)
        out.extend(self.flush(now))
        return out

    # -- connections -------------------------------------------------------------------------------------------------------

    def connect(
        self, now: int, client: ClientId, identity: Identity | None, how: Format = Format.WEBSOCKET
    ) -> list[HubOutput]:
        """A new connection. Without an identity it must authenticate first."""
        session = Session(client, how, None)
        self.sessions[client] = session
        if identity is None:
            self._logins[session] = now
        else:
            self._identify(session, identity)
        return []

    def disconnect(self, now: int, client: ClientId) -> list[HubOutput]:
        """The connection is gone."""
        session = self.sessions.get(client)
        if session is not None:
            self._forget(session)
        return []

    def writable(self, now: int, client: ClientId, writable: bool) -> list[HubOutput]:
        """The client's socket is full (more than the declared pending bytes are unsent), or has room again."""
        session = self.sessions.get(client)
        out: list[HubOutput] = []
        if session is None or session.paused is not writable:
            return out
        session.paused = not writable
        if writable:
            self._paused.pop(session, None)
            self.fanout.resume(session)
            return out
        self._paused[session] = now
        audience = session.audience
        if audience is not None:
            in_step = session.owed is None and audience.owed is None
            if in_step and not self.rules.conflate:
                self._close(session, TOO_SLOW, "the client reads too slowly", out)
                return out
            self.fanout.lag(session)
        return out

    def command(self, now: int, client: ClientId, text: bytes) -> list[HubOutput]:
        """One text message from a client."""
        out: list[HubOutput] = []
        session = self.sessions.get(client)
        if session is None:
            return out
        rate = self.rules.commands_per_second
        if not session.admit(now, 1_000_000 // rate, 2 * rate):
            self._close(session, TOO_MANY, f"more than {rate} commands a second", out)
            return out
        try:
            command_id, document = read_command(text)
        except Garbage as error:
            self._close(session, MALFORMED, str(error), out)
            return out
        try:
            command = parse_command(document)
            if session.identity is None and not isinstance(command, Auth):
                self._close(session, UNAUTHENTICATED, "the first command must be auth", out)
                return out
            self._execute(session, command_id, command, out)
        except Problem as problem:
            self._error(session, command_id, problem, out)
        return out

    def listen(self, now: int, client: ClientId, topics: tuple[str, ...], cursor: str) -> list[HubOutput]:
        """Subscribe a Server-Sent Events client, from a cursor that an earlier stream ended with (or from nothing).

        Raises:
            Problem: the cursor is malformed.
        """
        out: list[HubOutput] = []
        session = self.sessions[client]
        self.subscriptions.listen(session, topics, cursor, out)
        return out

    def drain(self, now: int, after_ms: int) -> list[HubOutput]:
        """Tell everybody that this gateway goes away."""
        out: list[HubOutput] = []
        self.fanout.flush(out)
        body = _encode({"op": "drain", "after": after_ms})
        for how in Format:
            clients = [session.client for session in self.sessions.values() if session.format is how]
            if clients:
                out.append(Write(clients, render(how, [("drain", body)])))
        return out

    # -- answers from outside ------------------------------------------------------------------------------------------------

    def authenticated(
        self, now: int, client: ClientId, command: CommandId, identity: Identity | Problem
    ) -> list[HubOutput]:
        """The answer to `Authenticate`."""
        out: list[HubOutput] = []
        session = self.sessions.get(client)
        if session is None:
            return out
        if isinstance(identity, Problem):
            self._error(session, command, identity, out)
            self._close(session, UNAUTHENTICATED, identity.detail or identity.title, out)
        elif session.identity is not None and session.identity.customer != identity.customer:
            self._close(session, FORBIDDEN, "a connection belongs to one customer", out)
        else:
            self._identify(session, identity)
            self._send(session, "ok", {"op": "ok", "id": command}, out)
        return out

    def decision(self, now: int, client: ClientId, command: CommandId, decision: bytes) -> list[HubOutput]:
        """The leader's answer to a bet."""
        out: list[HubOutput] = []
        session = self.sessions.get(client)
        if session is not None:
            session.bets -= 1
            body = bet_object(decision, command)
            out.append(Write((client,), render(session.format, [("bet", body)])))
        return out

    def undecided(self, now: int, client: ClientId, command: CommandId, problem: Problem) -> list[HubOutput]:
        """No answer to a bet was to be had in time: the same key may ask again."""
        out: list[HubOutput] = []
        session = self.sessions.get(client)
        if session is not None:
            session.bets -= 1
            self._error(session, command, problem, out)
        return out

    def decided(self, now: int, decided: Decided) -> list[HubOutput]:
        """A final decision of a delayed bet: pushed on all of its customer's connections."""
        out: list[HubOutput] = []
        body = bet_object(bytes(decided.decision))
        for session in self._customers.get(decided.customer, ()):
            out.append(Write((session.client,), render(session.format, [("bet", body)])))
        return out

    # -- inside --------------------------------------------------------------------------------------------------------

    def _execute(self, session: Session, command_id: CommandId, command: Command, out: list[HubOutput]) -> None:
        match command:
            case Subscribe():
                self.subscriptions.subscribe(session, command_id, command, self.rules.topics, out)
            case Unsubscribe():
                self.subscriptions.unsubscribe(session, command_id, command, self.rules.topics, out)
            case Ping():
                self._send(session, "ok", {"op": "ok", "id": command_id}, out)
            case Auth():
                out.append(Authenticate(session.client, command_id, command.token))
            case Bet():
                assert session.identity is not None
                if session.bets >= BETS_IN_FLIGHT:
                    raise Problem(429, "too-many-bets", "Too many bets at once", f"{BETS_IN_FLIGHT} are undecided")
                request = read_bet(command.document, session.identity, self.rules.currency)
                session.bets += 1
                out.append(PlaceBet(session.client, command_id, request))

    def _changed(self, change: Any) -> None:
        self.listing.change(change)
        self.fanout.route(change)

    def _identify(self, session: Session, identity: Identity) -> None:
        self._logins.pop(session, None)
        session.identity = identity
        self._customers.setdefault(identity.customer, {})[session] = None
        if identity.expires != NEVER_EXPIRES:
            self._entered += 1
            heapq.heappush(self._expiries, (identity.expires, self._entered, session))

    def _forget(self, session: Session) -> None:
        del self.sessions[session.client]
        self.fanout.remove(session)
        self._logins.pop(session, None)
        self._paused.pop(session, None)
        if session.identity is not None:
            of_customer = self._customers[session.identity.customer]
            del of_customer[session]
            if not of_customer:
                del self._customers[session.identity.customer]
            session.identity = None

    def _close(self, session: Session, code: int, reason: str, out: list[HubOutput]) -> None:
        self._forget(session)
        out.append(Close(session.client, code, reason))

    def _error(self, session: Session, command: CommandId, problem: Problem, out: list[HubOutput]) -> None:
        self._send(session, "error", {"op": "error", "id": command, "problem": problem.document()}, out)

    def _send(self, session: Session, op: str, document: dict[str, Any], out: list[HubOutput]) -> None:
        out.append(Write((session.client,), render(session.format, [(op, _encode(document))])))


def bet_object(decision: bytes, command: CommandId | None = None) -> bytes:
    """A decision as a client's object. Its own `id` is the bet's, so the command's goes by `command`."""
    head = b'{"op":"bet",' if command is None else b'{"op":"bet","command":%b,' % _encode(command)
    return head + decision.lstrip()[1:]
