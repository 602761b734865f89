"""Bets on their way to the leader that decides them, and decisions on their way back.

A gateway decides nothing. While no answer comes it asks again with the same key, to whoever leads by then; the key makes
that safe. When the deadline is over the bettor is told to ask again.
"""

import asyncio
import logging
import time

import msgspec
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.errors import NoRespondersError

from touchline.bus import subjects
from touchline.bus.ending import end
from touchline.bus.messages import BetLookup, BetReply, BetRequest, decode_bet_reply, encode
from touchline.domain.keys import MarketKey, shard_of
from touchline.gateway.outputs import PlaceBet
from touchline.gateway.problems import Problem
from touchline.gateway.turns import Turns

log = logging.getLogger(__name__)

DEADLINE_S = 3.0
ATTEMPT_S = 1.0
PAUSE_S = 0.1
RETRY_AFTER_S = 1
IN_FLIGHT = 2_000


class Bets:
    """See the module. `decided` counts answers by HTTP status."""

    def __init__(self, nc: Client, *, shards: int, deadline_s: float = DEADLINE_S) -> None:
        self._nc = nc
        self._shards = shards
        self._deadline_s = deadline_s
        self._in_flight = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self.decided: dict[int, int] = {}
        self.seconds: list[float] = []

    async def place(self, request: BetRequest) -> BetReply:
        """Have a bet decided.

        Raises:
            Problem: 504 where no decision came within the deadline, 503 where too many bets are under way.
        """
        if self._in_flight >= IN_FLIGHT:
            raise Problem(
                503,
                "busy",
                "Too many bets at once",
                f"{IN_FLIGHT} bets are under way at this gateway",
                headers={"Retry-After": str(RETRY_AFTER_S)},
            )
        self._in_flight += 1
        started = time.monotonic()
        try:
            # All legs' prices are checked by the leader of the first leg's event: one key, one place.
            shard = shard_of(MarketKey.parse(request.legs[0].market).event, self._shards)
            reply = await self._ask(subjects.bet(shard), encode(request), started + self._deadline_s)
        finally:
            self._in_flight -= 1
        status = 504 if reply is None else reply.status
        self.decided[status] = self.decided.get(status, 0) + 1
        self._note(time.monotonic() - started)
        if reply is None:
            raise Problem(
                504,
                "no-decision",
                "No decision in time",
                "nobody decided the bet in time; ask again with the same key: it gets the one decision that there is",
                headers={"Retry-After": str(RETRY_AFTER_S)},
            )
        return reply

    async def look_up(self, lookup: BetLookup) -> BetReply:
        """The decision of a key: every shard is asked, because a key does not say who decided it.

        Raises:
            Problem: 404 where no shard has one; 504 where not all of them answered.
        """
        until = time.monotonic() + self._deadline_s
        payload = encode(lookup)
        asked = [
            asyncio.create_task(self._ask(subjects.bet_lookup(shard), payload, until)) for shard in range(self._shards)
        ]
        unanswered = 0
        try:
            for next_reply in asyncio.as_completed(asked):
                reply = await next_reply
                if reply is None:
                    unanswered += 1
                elif reply.status != 404:
                    return reply
        finally:
            await end(asked)
        if unanswered:
            raise Problem(
                504,
                "no-decision",
                "Not every shard answered",
                f"{unanswered} of {self._shards} shards did not say whether they know the key",
                headers={"Retry-After": str(RETRY_AFTER_S)},
            )
        raise Problem(404, "unknown-key", "No decision", "no decision is stored for this key")

    def from_socket(self, turns: Turns, bet: PlaceBet) -> None:
        """Decide a bet that came by WebSocket and give the hub the answer."""
        task = asyncio.get_running_loop().create_task(self._answer(turns, bet))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def finish(self, within_s: float) -> None:
        """Let bets under way end, for a bounded time."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=within_s)
        await end(self._tasks)

    async def _answer(self, turns: Turns, bet: PlaceBet) -> None:
        try:
            reply = await self.place(bet.request)
            refused = refusal(reply)
        except Problem as problem:
            turns.undecided(bet.client, bet.id, problem)
            return
        if refused is not None:
            turns.undecided(bet.client, bet.id, refused)
        else:
            turns.decision(bet.client, bet.id, bytes(reply.decision))

    async def _ask(self, subject: str, payload: bytes, until: float) -> BetReply | None:
        """Ask until there is an answer other than "not now"; None where the deadline came first."""
        last: BetReply | None = None
        while (left := until - time.monotonic()) > 0:
            try:
                message = await self._nc.request(subject, payload, timeout=min(left, ATTEMPT_S))
                last = decode_bet_reply(message.data)
                if last.status != 503:
                    return last
            except NoRespondersError:
                last = None
            except TimeoutError:
                continue  # waited already
            except (NatsError, OSError) as error:
                log.debug("asking %s: %r", subject, error)
            except msgspec.DecodeError as error:
                log.warning("an unreadable answer on %s: %s", subject, error)
            await asyncio.sleep(min(PAUSE_S, max(until - time.monotonic(), 0)))
        return last

    def _note(self, seconds: float) -> None:
        self.seconds.append(seconds)
        if len(self.seconds) > 1_000:
            del self.seconds[:500]


class _Refused(msgspec.Struct):
    """What a leader says where it gives no decision."""

    detail: str = ""
    reason: str = ""
    decision: str = ""


def refusal(reply: BetReply) -> Problem | None:
    """The problem that a leader's answer is; None where it is a decision."""
    if reply.status < 400:
        return None
    said = msgspec.json.decode(reply.decision, type=_Refused)
    if reply.status == 409:
        return Problem(409, "duplicate-key", "The key belongs to another bet", said.detail)
    if reply.status == 404:
        return Problem(404, "unknown-key", "No decision", said.detail)
    return Problem(reply.status, "not-now", "Not decided", said.detail, headers={"Retry-After": str(RETRY_AFTER_S)})
