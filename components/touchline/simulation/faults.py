"""What goes wrong: every kind of fault, and the plan that a seed makes of them.

Every run gets a handful of faults; they overlap as they fall. Half of the runs draw them from all kinds, by their shares. The others
know only two or three kinds, which therefore meet each other again and again: most bugs want one particular company, and among
thirty kinds any two are seldom together (swarm testing: Groce et al., ISSTA 2012).
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from touchline.book.config import HaltConfig
from touchline.simulation.node import Node
from touchline.simulation.scheduler import MILLISECOND, SECOND

if TYPE_CHECKING:
    from touchline.simulation.broker import Connection
    from touchline.simulation.world import World

Fault = Callable[["World"], None]

FIRST_US = 800 * MILLISECOND
FOCUSED = 0.5
"""How many of the runs know a few kinds of faults only."""


def plan(world: "World", until: int) -> None:
    """Draw this seed's faults and put them on the clock."""
    scheduler = world.scheduler
    kinds = WEIGHTED
    if scheduler.chance(FOCUSED):
        kinds = tuple(scheduler.pick(WEIGHTED) for _ in range(scheduler.between(2, 3)))
    for _ in range(scheduler.between(2, 8)):
        fault = scheduler.pick(kinds)
        scheduler.at(scheduler.between(FIRST_US, until), _strike, world, fault)


def _strike(world: "World", fault: Fault) -> None:
    if not world.calm:
        world.monitor.count(f"fault {fault.__name__}")
        fault(world)


def _ms(world: "World", low: int, high: int) -> int:
    return world.scheduler.between(low, high) * MILLISECOND


# Processes


def pause_book(world: "World") -> None:
    _pause(world, world.scheduler.pick(world.books), _ms(world, 100, 3_500))


def pause_leader_at_append(world: "World") -> None:
    """Between deciding a bet and sending its record: the moment that a lease cannot guard."""
    for book in world.books:
        book.pause_at_append = _ms(world, 100, 4_000)
        book.pause_sending = world.scheduler.chance(0.6)


def pause_gateway(world: "World") -> None:
    _pause(world, world.scheduler.pick(world.gateways), _ms(world, 100, 2_500))


def pause_ingest(world: "World") -> None:
    _pause(world, world.scheduler.pick(world.ingests), _ms(world, 100, 2_500))


def kill_book(world: "World") -> None:
    _kill(world, world.scheduler.pick(world.books))


def kill_leader(world: "World") -> None:
    for book in world.books:
        if any(seat.leading for seat in book.seats):
            _kill(world, book)
            return


def stop_leader(world: "World") -> None:
    """A rolling update: the leases are released, then the process ends."""
    for book in world.books:
        if book.alive and not book.paused and any(seat.leading for seat in book.seats):
            book.release()
            world.scheduler.after(100 * MILLISECOND, _kill, world, book)
            return


def kill_ingest(world: "World") -> None:
    _kill(world, world.scheduler.pick(world.ingests))


def kill_gateway(world: "World") -> None:
    _kill(world, world.scheduler.pick(world.gateways))


def drain_gateway(world: "World") -> None:
    gateway = world.scheduler.pick(world.gateways)
    if gateway.alive and not gateway.paused:
        gateway.drain(300)
        world.scheduler.after(400 * MILLISECOND, _kill, world, gateway)


def step_wall_clock(world: "World") -> None:
    """Not of an ingest: it measures its provider's delay by that clock, and a step of it looks like one for half an hour."""
    world.scheduler.pick([*world.books, *world.gateways]).step_wall(_ms(world, -1_500, 1_500))


def _pause(world: "World", node: Node, duration: int) -> None:
    if node.alive and not node.paused:
        node.pause()
        world.scheduler.after(duration, node.resume_incarnation, node.incarnation)


def _kill(world: "World", node: Node) -> None:
    if node.alive:
        node.kill()
        world.scheduler.after(_ms(world, 50, 1_500), world.start, node)


# The network and the broker


def cut_connection(world: "World") -> None:
    world.broker.cut(_connection(world), _ms(world, 10, 1_500))


def black_hole(world: "World") -> None:
    world.broker.black_hole(_connection(world), _ms(world, 100, 3_500))


def stall(world: "World") -> None:
    world.broker.stall(_connection(world), _ms(world, 50, 3_000))


def stall_leader(world: "World") -> None:
    """What a leader says (its renewals and decisions, or its prices) does not arrive, what it is told does."""
    for book in world.books:
        if book.alive and any(seat.leading for seat in book.seats):
            connection = world.scheduler.pick((book.control, book.control, book.connection))
            world.broker.stall_outgoing(connection, _ms(world, 500, 3_500))
            return


def slow_connection(world: "World") -> None:
    world.broker.slow(_connection(world), _ms(world, 5, 700), _ms(world, 200, 3_000))


def slow_ingest(world: "World") -> None:
    """What an ingest says comes late, all of it alike: its beats look as lively as ever. At times it is killed for it."""
    ingest = world.scheduler.pick(world.ingests)
    if ingest.alive:
        spell = _ms(world, 500, 3_000)
        world.broker.slow(ingest.connection, _ms(world, 100, 1_500), spell)
        if world.scheduler.chance(0.3):
            world.scheduler.after(spell // 2, _kill, world, ingest)


def crash_broker(world: "World") -> None:
    world.broker.crash(_ms(world, 20, 1_200))


def repeat_and_reorder(world: "World") -> None:
    world.broker.duplicate, world.broker.reorder = 0.05, 0.05
    world.scheduler.after(_ms(world, 200, 2_000), world.orderly)


def lose_answers(world: "World") -> None:
    world.broker.lose_answer = 0.3
    world.scheduler.after(_ms(world, 200, 2_500), world.orderly)


def stale_reads(world: "World") -> None:
    world.broker.buckets["lease"].stale = 0.5
    world.scheduler.after(_ms(world, 500, 4_000), world.orderly)


def _connection(world: "World") -> "Connection":
    return world.scheduler.pick(world.broker.connections)


# Providers


def slow_provider(world: "World") -> None:
    provider = world.scheduler.pick(world.providers)
    provider.slow_us, provider.slow_until = _ms(world, 50, 2_500), world.scheduler.now + _ms(world, 1_000, 4_000)


def creeping_provider(world: "World") -> None:
    provider = world.scheduler.pick(world.providers)
    provider.creeps_since, provider.creeps_until = world.scheduler.now, world.scheduler.now + _ms(world, 1_000, 5_000)


def lossy_provider(world: "World") -> None:
    world.scheduler.pick(world.providers).lose += world.scheduler.between(1, 3)


def provider_hangs_up(world: "World") -> None:
    world.scheduler.pick(world.providers).hang_up()


def silent_provider(world: "World") -> None:
    world.scheduler.pick(world.providers).silent_until = world.scheduler.now + _ms(world, 200, 3_000)


def unreliable_provider(world: "World") -> None:
    world.scheduler.pick(world.providers).unreliable(_ms(world, 100, 3_500))


def skewed_provider(world: "World") -> None:
    """Its clock goes ahead, by less than `maxDelay`.

    A step hides as much delay as it is long, which nobody can tell without synchronised clocks; and a clock that goes back makes its feed
    look late for as long as the smallest difference is remembered.
    """
    provider = world.scheduler.pick(world.providers)
    provider.skew_us = max(provider.skew_us, _ms(world, 20, 150))


def quiet_matches(world: "World") -> None:
    """Prices rest, as before a match: what a provider sends are heartbeats, and little else that could be late."""
    world.matches.rest(_ms(world, 1_000, 5_000))


# People


def halt(world: "World") -> None:
    """A trader halts something, and lets it go on later."""
    fixture = world.scheduler.pick(world.fixtures)
    scope, target = world.scheduler.pick((("market", fixture.market), ("event", fixture.event), ("all", "")))
    world.halt((HaltConfig(scope, target, "trader", "simulated", 0),))
    world.scheduler.after(_ms(world, 200, 2_500), world.halt, ())


def drop_client(world: "World") -> None:
    world.scheduler.pick(world.bettors).drop()


def slow_client(world: "World") -> None:
    world.scheduler.pick(world.bettors).pause_reading(_ms(world, 200, 3_000))


WEIGHTS: dict[Fault, int] = {
    pause_book: 4,
    pause_leader_at_append: 5,
    pause_gateway: 1,
    pause_ingest: 2,
    kill_book: 2,
    kill_leader: 4,
    stop_leader: 2,
    kill_ingest: 2,
    kill_gateway: 2,
    drain_gateway: 1,
    step_wall_clock: 1,
    cut_connection: 4,
    black_hole: 4,
    stall: 3,
    stall_leader: 3,
    slow_connection: 2,
    slow_ingest: 3,
    crash_broker: 3,
    repeat_and_reorder: 3,
    lose_answers: 3,
    stale_reads: 2,
    slow_provider: 3,
    creeping_provider: 3,
    lossy_provider: 3,
    provider_hangs_up: 3,
    silent_provider: 3,
    unreliable_provider: 3,
    skewed_provider: 1,
    quiet_matches: 3,
    halt: 3,
    drop_client: 2,
    slow_client: 2,
}
WEIGHTED = tuple(fault for fault, weight in WEIGHTS.items() for _ in range(weight))

LONGEST_US = 5 * SECOND
"""No fault lasts longer than this."""
