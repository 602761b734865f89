"""After the faults: everything is let go, and within a bounded time the engine must have healed by itself.

Healed is: every shard is led by one node whose desk decides; every market that its providers offer is open, every other one is not;
every book node, leader or not, knows exactly what every provider says; every gateway and every client shows exactly the leader's book;
every bet that anybody asked for is decided. Then the books are compared: what each bettor was told against what is stored.
"""

from typing import TYPE_CHECKING, Any

import msgspec

from touchline.bus.wire import unpack
from touchline.desk.records import BetRecord, decode_record
from touchline.domain.prices import decimal_text
from touchline.domain.status import MarketStatus, ProviderStatus
from touchline.simulation.scheduler import MILLISECOND, SECOND
from touchline.simulation.violation import Violation

if TYPE_CHECKING:
    from touchline.simulation.world import World

HEAL_US = 22 * SECOND
"""A provider's delay leaves its window (11 s), a lease runs out (2 s), fail-back (1.5 s), a bettor's patience (3.5 s) and asking
again, on top of one another."""
LOOK_US = 200 * MILLISECOND

EXPECTED = {
    ProviderStatus.OPEN: MarketStatus.OPEN,
    ProviderStatus.SUSPENDED: MarketStatus.SUSPENDED,
    ProviderStatus.CLOSED: MarketStatus.CLOSED,
    ProviderStatus.SETTLED: MarketStatus.SETTLED,
    ProviderStatus.CANCELLED: MarketStatus.CANCELLED,
}
_decode = msgspec.json.Decoder().decode


def begin(world: "World") -> None:
    """Let everything go."""
    world.calm = True
    world.trace.note("world", "calm")
    world.orderly()
    world.matches.calm = True
    for provider in world.providers:
        provider.slow_us = provider.lose = provider.creeps_until = 0
        provider.silent_until = min(provider.silent_until, world.scheduler.now)
    for bettor in world.bettors:
        bettor.calm = True
    for book in world.books:
        book.pause_at_append = 0
    for node in world.nodes:
        node.right_wall()
        if node.alive:
            node.resume()
        else:
            node.start()
    world.halt(())


def wait(world: "World") -> None:
    """Let time pass until all is well.

    Raises:
        Violation: it does not get well.
    """
    scheduler = world.scheduler
    end = scheduler.now + HEAL_US
    while True:
        ill = _ill(world)
        if not ill:
            world.trace.note("world", "healed")
            return
        if scheduler.now >= end:
            raise Violation("it heals", f"{HEAL_US // SECOND} s after the last fault: {ill}")
        scheduler.run(scheduler.now + LOOK_US)


def _ill(world: "World") -> str:
    """What is not well yet; the cheapest questions first."""
    for bettor in world.bettors:
        if bettor.undecided:
            return f"{bettor.name} does not know what became of {', '.join(bettor.undecided)}"
        if not bettor.synced or bettor.socket is None or not bettor.socket.open:
            return f"{bettor.name} is not connected"
    books: dict[str, dict[str, Any]] = {}
    for shard in range(world.shards):
        leaders = [book.seats[shard] for book in world.books if book.alive and book.seats[shard].leading]
        if len(leaders) != 1 or not leaders[0].desk.leading:
            return f"shard {shard} has {len(leaders)} leaders, or their desk does not decide"
        if leaders[0].handover.written_changes != leaders[0].book.pending.changes:
            return f"the leader of shard {shard} has not written down what is pending"
        for _, payload in leaders[0].book.snapshot()[0]:
            frame = unpack(payload)
            books[frame.market] = _decode(frame.body)
    world.matches.still = True  # prices rest so that clients can be compared
    for fixture in world.fixtures:
        document = books.get(fixture.market)
        wanted = EXPECTED[world.providers[0].offers[fixture.market].status]
        if document is None or document["status"] != wanted:
            have = None if document is None else (document["status"], document["holds"])
            return f"{fixture.market} should be {wanted} and is {have}"
    ignorant = _ignorant(world)
    if ignorant:
        return ignorant
    for bettor in world.bettors:
        for market, document in books.items():
            seen = bettor.seen.get(market)
            if seen is None or seen.gone:
                return f"{bettor.name} does not know {market}"
            shown = (seen.sent, seen.status, seen.holds, seen.sel)
            if shown != (document["v"], document["status"], document["holds"], document["sel"]):
                return f"{bettor.name} sees {market} as {shown}, its leader says {document}"
    return ""


def _ignorant(world: "World") -> str:
    """What a book node has otherwise than a provider says it."""
    for book in world.books:
        if not book.alive:
            return f"{book.name} is not back"
        for fixture in world.fixtures:
            explained: dict[str, Any] | None = book.seats[fixture.shard].book.explain(book.clock(), fixture.market)
            views = {view["provider"]: view for view in explained["providers"]} if explained is not None else {}
            for provider in world.providers:
                offer, view = provider.offers[fixture.market], views.get(provider.name)
                said = (
                    offer.status.name.capitalize(),
                    {name: decimal_text(micro) for name, micro in offer.prices.items()},
                )
                have = (
                    (view["status"], {name: price["price"] for name, price in view["prices"].items()}) if view else None
                )
                if have != said:
                    return f"{book.name} has {fixture.market} of {provider.name} as {have}, which says {said}"
    return ""


def account(world: "World") -> None:
    """What was told is what is stored, once.

    Raises:
        Violation: it is not.
    """
    kept: dict[tuple[str, str], BetRecord] = {}
    for shard in range(world.shards):
        for record in world.records(shard):
            decoded = decode_record(record.payload)
            if isinstance(decoded, BetRecord):
                kept[decoded.request.customer, decoded.request.key] = decoded
    for bettor in world.bettors:
        for wager in bettor.wagers.values():
            stored = kept.get((bettor.name, wager.key))
            if stored is None or stored.id != wager.bet_id or stored.decision.value != wager.decision:
                have = "nothing" if stored is None else f"{stored.id} {stored.decision.value}"
                raise Violation(
                    "nothing answered is lost",
                    f"{bettor.name} was told {wager.bet_id} {wager.decision}; stored is {have}",
                )
        world.monitor.counts["bets"] = world.monitor.counts.get("bets", 0) + len(bettor.wagers)
