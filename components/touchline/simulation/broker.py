"""The message broker: ordered connections, subjects, requests, and what a crash leaves of its stores.

One connection is one TCP stream: what is sent over it arrives in order, late, or not at all. A client that lost its connection
keeps what it publishes and sends it when it is back, as nats-py does, so words of a former leader may arrive long after.
"""

from collections.abc import Callable
from typing import Any

from touchline.simulation.node import Node
from touchline.simulation.scheduler import MILLISECOND, Scheduler
from touchline.simulation.stores import Bucket, Stream
from touchline.simulation.trace import Trace

Handler = Callable[[str, bytes, "Reply | None"], None]
"""A node's method: its name says which of its subscriptions it is."""
Result = Callable[[Any], None]

LATENCY_US = (100, 2 * MILLISECOND)
PENDING_MESSAGES = 2_000
"""What a client without a connection keeps at most."""


class Connection:
    """One process's connection to the broker. `generation` changes whenever what was on its way is lost."""

    __slots__ = (
        "generation",
        "in_at",
        "lanes",
        "node",
        "out_at",
        "pending",
        "slow_until",
        "slow_us",
        "stalled_until",
        "up",
        "void",
        "written",
    )

    def __init__(self, node: Node) -> None:
        self.node = node
        self.generation = 0
        self.up = True
        self.void = False
        """Everything is lost and nobody has noticed yet."""
        self.out_at = 0
        self.in_at = 0
        self.lanes: dict[Callable[..., None], int] = {}
        """Subscriptions that are read by tasks of their own: in order by itself, but not with the others."""
        self.written = 0
        """Changes when what this client has sent is lost; not always when the connection breaks."""
        self.slow_us = 0
        self.slow_until = 0
        self.stalled_until = 0
        self.pending: list[tuple[Callable[..., None], tuple[Any, ...]]] = []


class Reply:
    """Where an answer goes."""

    __slots__ = ("connection", "receive")

    def __init__(self, connection: Connection, receive: Callable[[bytes], None]) -> None:
        self.connection = connection
        self.receive = receive


class Broker:
    """See the module. `duplicate` and `reorder` are the chances that a delivery is repeated or overtaken."""

    def __init__(self, scheduler: Scheduler, trace: Trace) -> None:
        self.alive = True
        self.duplicate = 0.0
        self.reorder = 0.0
        self.lose_answer = 0.0
        """The chance that a store does what it was asked and the answer is lost."""
        self.buckets: dict[str, Bucket] = {}
        self.streams: dict[str, Stream] = {}
        self.connections: list[Connection] = []
        self._scheduler = scheduler
        self._trace = trace
        self._subscriptions: dict[str, dict[Connection, Handler]] = {}
        self._routes: dict[str, list[tuple[Connection, Handler]]] = {}

    # -- clients' side -------------------------------------------------------------------------------------------------

    def connect(self, node: Node) -> Connection:
        """A new connection for a process that has just started."""
        connection = Connection(node)
        self.connections.append(connection)
        if not self.alive:
            self._cut(connection)
        return connection

    def close(self, connection: Connection) -> None:
        """The process at its end has died; what it has written may still arrive."""
        connection.generation += 1
        connection.up = False
        connection.pending.clear()
        self.connections.remove(connection)
        for handlers in self._subscriptions.values():
            handlers.pop(connection, None)
        self._routes.clear()

    def subscribe(self, connection: Connection, pattern: str, handler: Handler, *, own_task: bool = False) -> None:
        """`own_task`: it is read by a task of its own, so its messages overtake those of other subscriptions."""
        if own_task:
            connection.lanes[handler] = 0
            connection.node.tasks[handler.__name__] = None
        self._subscriptions.setdefault(pattern, {})[connection] = handler
        self._routes.clear()

    def unsubscribe(self, connection: Connection, pattern: str) -> None:
        self._subscriptions.get(pattern, {}).pop(connection, None)
        self._routes.clear()

    def publish(self, connection: Connection, subject: str, payload: bytes) -> None:
        self._up(connection, self._route, subject, payload, None)

    def request(self, connection: Connection, subject: str, payload: bytes, receive: Callable[[bytes], None]) -> None:
        """`receive` is called with each answer that arrives; that none does is the caller's to notice."""
        self._up(connection, self._route, subject, payload, Reply(connection, receive))

    def respond(self, connection: Connection, reply: Reply, payload: bytes) -> None:
        self._up(connection, self._answer, reply, payload)

    def ask(self, connection: Connection, operation: Callable[[], Any], receive: Result) -> None:
        """Have a store do something; `receive` is called with the result, if it arrives."""
        self._up(connection, self._operate, connection, operation, receive)

    # -- faults --------------------------------------------------------------------------------------------------------

    def cut(self, connection: Connection, duration: int) -> None:
        """The connection breaks, both ends notice; what is on its way is lost."""
        if connection.up and connection in self.connections:
            self._cut(connection)
            connection.node.handle(connection.node.disconnected)
            self._scheduler.after(duration, self._restore, connection, connection.generation)

    def black_hole(self, connection: Connection, duration: int) -> None:
        """Everything is lost in both directions, and nobody notices before the end."""
        if connection.up and not connection.void and connection in self.connections:
            connection.void = True
            self._scheduler.after(duration, self._noticed, connection, connection.generation)

    def stall(self, connection: Connection, duration: int) -> None:
        """Nothing moves; afterwards all of it arrives."""
        connection.stalled_until = max(connection.stalled_until, self._scheduler.now + duration)

    def stall_outgoing(self, connection: Connection, duration: int) -> None:
        """Nothing that the client sends arrives before the end of this time."""
        connection.out_at = max(connection.out_at, self._scheduler.now + duration)

    def slow(self, connection: Connection, delay: int, duration: int) -> None:
        """Every message takes this much longer."""
        connection.slow_us, connection.slow_until = delay, self._scheduler.now + duration

    def crash(self, downtime: int) -> None:
        """The broker's machine loses power: every connection breaks, what was not synced is gone."""
        if not self.alive:
            return
        self.alive = False
        stores: list[Bucket | Stream] = [*self.buckets.values(), *self.streams.values()]
        lost = sum(store.crash() for store in stores)
        self._trace.note("broker", "crash", f"{lost} writes lost")
        for connection in self.connections:
            if connection.up:
                self._cut(connection)
                connection.node.handle(connection.node.disconnected)
        self._scheduler.after(downtime, self._restart)

    def _restart(self) -> None:
        self.alive = True
        self._trace.note("broker", "restart")
        for connection in self.connections:
            delay = self._scheduler.between(10, 200) * MILLISECOND
            self._scheduler.after(delay, self._restore, connection, connection.generation)

    def _cut(self, connection: Connection) -> None:
        connection.up = connection.void = False
        connection.generation += 1
        if not self.alive or self._scheduler.chance(0.5):
            connection.written += 1
        self._trace.note(connection.node.name, "cut")

    def _noticed(self, connection: Connection, generation: int) -> None:
        if connection.generation == generation and connection.void:
            self._cut(connection)
            connection.node.handle(connection.node.disconnected)
            self._scheduler.after(
                self._scheduler.between(1, 100) * MILLISECOND, self._restore, connection, connection.generation
            )

    def _restore(self, connection: Connection, generation: int) -> None:
        if connection.generation != generation or connection.up or not self.alive:
            return
        connection.up = True
        connection.out_at = connection.in_at = self._scheduler.now
        self._trace.note(connection.node.name, "connected", f"{len(connection.pending)} pending")
        pending, connection.pending = connection.pending, []
        for action, args in pending:
            self._up(connection, action, *args)
        connection.node.handle(connection.node.reconnected)

    # -- on the way ----------------------------------------------------------------------------------------------------

    def _delay(self, connection: Connection) -> int:
        scheduler = self._scheduler
        delay = LATENCY_US[0] + int(scheduler.rng.random() ** 3 * LATENCY_US[1])
        now = scheduler.now
        if now < connection.slow_until:
            delay += connection.slow_us
        if now < connection.stalled_until:
            delay += connection.stalled_until - now
        return delay

    def _up(self, connection: Connection, action: Callable[..., None], *args: Any) -> None:
        """From a client to the broker."""
        if not connection.up:
            if len(connection.pending) < PENDING_MESSAGES:
                connection.pending.append((action, args))
            return
        if connection.void:
            return
        connection.out_at = max(connection.out_at, self._scheduler.now + self._delay(connection))
        self._scheduler.at(connection.out_at, self._arrived, connection, connection.written, action, args)

    def _arrived(
        self, connection: Connection, written: int, action: Callable[..., None], args: tuple[Any, ...]
    ) -> None:
        if connection.written == written and not connection.void and self.alive:
            action(*args)

    def _down(self, connection: Connection, action: Callable[..., None], *args: Any) -> None:
        """From the broker to a client."""
        if not connection.up or connection.void:
            return
        at = self._scheduler.now + self._delay(connection)
        if self.reorder and self._scheduler.chance(self.reorder):
            at += self._scheduler.between(1, 20) * MILLISECOND  # later ones overtake it
        elif action in connection.lanes:
            at = connection.lanes[action] = max(connection.lanes[action], at)
        else:
            at = connection.in_at = max(connection.in_at, at)
        self._scheduler.at(at, self._delivered, connection, connection.generation, action, args)

    def _delivered(
        self, connection: Connection, generation: int, action: Callable[..., None], args: tuple[Any, ...]
    ) -> None:
        if connection.generation == generation and not connection.void:
            connection.node.handle(action, *args)

    # -- broker's side -------------------------------------------------------------------------------------------------

    def _route(self, subject: str, payload: bytes, reply: Reply | None) -> None:
        targets = self._routes.get(subject)
        if targets is None:
            targets = self._routes[subject] = [
                target
                for pattern, handlers in self._subscriptions.items()
                if matches(pattern, subject)
                for target in handlers.items()
            ]
        for connection, handler in targets:
            self._down(connection, handler, subject, payload, reply)
            if self.duplicate and self._scheduler.chance(self.duplicate):
                # The repetition comes when much else has come since.
                again = self._scheduler.now + self._scheduler.between(1, 400) * MILLISECOND
                generation = connection.generation
                self._scheduler.at(again, self._delivered, connection, generation, handler, (subject, payload, reply))

    def _answer(self, reply: Reply, payload: bytes) -> None:
        self._down(reply.connection, reply.receive, payload)

    def _operate(self, connection: Connection, operation: Callable[[], Any], receive: Result) -> None:
        result = operation()
        if self.lose_answer and self._scheduler.chance(self.lose_answer):
            self._trace.note("broker", "lost answer", connection.node.name)
            return
        self._down(connection, receive, result)

    def push(self, connection: Connection, receive: Callable[..., None], *args: Any) -> None:
        """Deliver something that a client follows."""
        self._down(connection, receive, *args)


def matches(pattern: str, subject: str) -> bool:
    """NATS wildcards: `*` is one token, a final `>` all that follow."""
    if pattern == subject:
        return True
    wanted, given = pattern.split("."), subject.split(".")
    for index, token in enumerate(wanted):
        if token == ">":
            return len(given) > index
        if index >= len(given) or token not in {"*", given[index]}:
            return False
    return len(wanted) == len(given)
