"""The hub in an event loop: clocks in, outputs carried out, one flush per turn of the loop.

Updates that are read in one turn of the loop are collected by the hub; a flush is scheduled once and runs when that turn's reading is
done, so they leave in one write per client. Writing to every client is what a gateway's time goes to; so after each flush it rests from
prices, for as long as the flush was costly (`REST`), and those that come meanwhile leave together. What is urgent (a suspension) takes
along what waits and leaves at once.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from touchline.bus.messages import Decided, ShardBeat
from touchline.bus.wire import BookFrame, SnapshotEnd
from touchline.gateway.frames import Format
from touchline.gateway.hub import Hub, HubRules
from touchline.gateway.identity import Identity
from touchline.gateway.outputs import AskSnapshot, Authenticate, Close, CommandId, HubOutput, PlaceBet, Write
from touchline.gateway.problems import Problem

TICK_S = 0.05
REST = 1.5
"""How many times as long as a flush took the gateway rests from prices, so that it has time to read. A fast machine thus tells
each price sooner, a busy one writes less often. The first update after a quiet time does not wait."""
LONGEST_REST_S = 0.006
"""No price waits longer than this for the rest to end, however many clients a flush went to."""


class Client(Protocol):
    """A connection as the hub's outputs need it."""

    @property
    def write(self) -> Callable[[bytes], object]: ...

    def shut(self, code: int, reason: str) -> None: ...


class Errands(Protocol):
    """What has to be asked elsewhere; answers come back through `Turns`."""

    def ask_snapshot(self, shard: int) -> None: ...

    def place_bet(self, bet: PlaceBet) -> None: ...

    def authenticate(self, request: Authenticate) -> None: ...


def monotonic_us() -> int:
    return time.monotonic_ns() // 1000


def wall_us() -> int:
    return time.time_ns() // 1000


class Turns:
    """Everything that reaches the hub goes through here."""

    def __init__(self, hub: Hub, errands: Errands, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Args:
        clock: seconds; by it flushes are timed.
        """
        self.hub = hub
        self._errands = errands
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._scheduled = False
        self._paced: asyncio.TimerHandle | None = None
        self._rests_until = 0.0
        self.writes = 0
        self.bytes = 0
        self.turns = 0

    async def keep_time(self) -> None:
        """Tick until cancelled."""
        while True:
            self._carry_out(self.hub.tick(monotonic_us(), wall_us()))
            if self.hub.busy:
                self.schedule()
            await asyncio.sleep(TICK_S)

    def schedule(self) -> None:
        """Flush when this turn's reading is done."""
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._flush)

    def _schedule_paced(self) -> None:
        """Flush when this turn's reading is done, or when the rest after the last flush is over."""
        if self._scheduled or self._paced is not None:
            return
        wait = self._rests_until - self._clock()
        if wait <= 0:
            self.schedule()
        else:
            self._paced = self._loop.call_later(wait, self._flush)

    def _flush(self) -> None:
        self._scheduled = False
        if self._paced is not None:
            self._paced.cancel()
            self._paced = None
        self.turns += 1
        began = self._clock()
        self._carry_out(self.hub.flush(monotonic_us()))
        ended = self._clock()
        self._rests_until = ended + min(REST * (ended - began), LONGEST_REST_S)
        if self.hub.busy:
            self.schedule()

    # -- from the broker and the cache ---------------------------------------------------------------------------------

    def book(self, subject: str, frame: BookFrame) -> None:
        self._carry_out(self.hub.book(monotonic_us(), subject, frame))
        if frame.urgent:
            self.schedule()
        else:
            self._schedule_paced()

    def shard_beat(self, beat: ShardBeat) -> None:
        self._carry_out(self.hub.shard_beat(monotonic_us(), beat))
        self._schedule_paced()

    def snapshot(self, shard: int, frames: Sequence[tuple[str, BookFrame]], end: SnapshotEnd) -> None:
        self._carry_out(self.hub.snapshot(monotonic_us(), shard, frames, end))
        self.schedule()

    def boot(self, frames: Sequence[tuple[str, BookFrame]]) -> None:
        self._carry_out(self.hub.boot(monotonic_us(), frames))
        self.schedule()

    def decided(self, decided: Decided) -> None:
        self._carry_out(self.hub.decided(monotonic_us(), decided))

    def configure(self, rules: HubRules) -> None:
        self._carry_out(self.hub.configure(monotonic_us(), rules))

    # -- from connections ------------------------------------------------------------------------------------------------

    def connect(self, client: Client, identity: Identity | None, how: Format = Format.WEBSOCKET) -> None:
        self._carry_out(self.hub.connect(monotonic_us(), client, identity, how))

    def listen(self, client: Client, topics: tuple[str, ...], cursor: str) -> None:
        self._carry_out(self.hub.listen(monotonic_us(), client, topics, cursor))
        if self.hub.busy:
            self.schedule()

    def disconnect(self, client: Client) -> None:
        self._carry_out(self.hub.disconnect(monotonic_us(), client))

    def command(self, client: Client, text: bytes) -> None:
        self._carry_out(self.hub.command(monotonic_us(), client, text))
        if self.hub.busy:
            self.schedule()

    def writable(self, client: Client, writable: bool) -> None:
        self._carry_out(self.hub.writable(monotonic_us(), client, writable))
        if self.hub.busy:
            self.schedule()

    def drain(self, after_ms: int) -> None:
        self._carry_out(self.hub.drain(monotonic_us(), after_ms))

    # -- answers -----------------------------------------------------------------------------------------------------------

    def authenticated(self, client: Client, command: CommandId, identity: Identity | Problem) -> None:
        self._carry_out(self.hub.authenticated(monotonic_us(), client, command, identity))

    def decision(self, client: Client, command: CommandId, decision: bytes) -> None:
        self._carry_out(self.hub.decision(monotonic_us(), client, command, decision))

    def undecided(self, client: Client, command: CommandId, problem: Problem) -> None:
        self._carry_out(self.hub.undecided(monotonic_us(), client, command, problem))

    def _carry_out(self, outputs: list[HubOutput]) -> None:
        for output in outputs:
            if isinstance(output, Write):
                clients, payload = output
                for client in clients:
                    client.write(payload)
                self.writes += len(clients)
                self.bytes += len(clients) * len(payload)
            elif isinstance(output, Close):
                output.client.shut(output.code, output.reason)
            elif isinstance(output, AskSnapshot):
                self._errands.ask_snapshot(output.shard)
            elif isinstance(output, PlaceBet):
                self._errands.place_bet(output)
            else:
                self._errands.authenticate(output)
