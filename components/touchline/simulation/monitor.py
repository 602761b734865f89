"""The invariants, checked as things happen.

rule                             checked when
one valid lease                  a lease machine was given anything
one writer in sequence           a leader publishes: its epoch is its own, sequences and predecessors without a hole
open iff no holds                a leader publishes, a client is told; every hold names a reason of the vocabulary
open only while offered          every tick of a leader: an open market that is settled was open at a provider of late, and nobody has
                                 halted it
pending is kept                  a leader publishes, every tick of a leader: what a leader wrote down to wait for a trader, or to cool
                                 down, is not offered before (`touchline.simulation.pendings`)
what is pending is written       a leader writes it down
no proof from the future         every tick of a leader: what it knows of an open market is not newer than now
decided with authority           a desk decides: its lease is valid at that instant
epochs only rise                 a term's record is stored
no fenced-off writer             a decision is stored: no later term has begun
no bet on a stale price          an accepted bet is stored: its price stood, open, within the proof's bounds of the decision
within the bettor's terms        an accepted bet is stored: its price is one that the bettor allowed
silent shards are shown lost     every tick of a gateway: from whoever leads a shard that it shows as led it has heard of late
no bet decided twice             a decision is stored, a bettor is told
answered is stored               a leader answers: exactly that decision is durable
nothing answered is lost         a store loses anything
versions only forward, delta chains unbroken   a client is told anything (`touchline.simulation.bettor`)

Liveness is checked at the end of the calm phase (`touchline.simulation.calm`).
"""

from typing import TYPE_CHECKING

import msgspec

from touchline.book.outputs import Publish
from touchline.bus.messages import BetReply
from touchline.bus.wire import unpack
from touchline.desk.outputs import Append
from touchline.desk.records import BetRecord, DecisionKind, EpochRecord, decode_record
from touchline.domain.lease import Lease
from touchline.domain.reasons import HoldReason
from touchline.domain.status import MarketStatus
from touchline.simulation.fixtures import GATEWAY_SILENCE_US, MAX_AGE_US, MAX_DELAY_US, MAX_SILENCE_US, PROVIDERS
from touchline.simulation.pendings import Pendings
from touchline.simulation.scheduler import MILLISECOND, Scheduler
from touchline.simulation.stores import Record, Stream
from touchline.simulation.trace import Trace
from touchline.simulation.truth import Truth
from touchline.simulation.violation import Violation

if TYPE_CHECKING:
    from touchline.simulation.book_node import BookNode
    from touchline.simulation.gateway_node import GatewayNode
    from touchline.simulation.seat import Seat

DRIFT_PER_MILLE = 25
"""Two clocks of the declared drift differ by less than this."""
KNOWN_US = MAX_AGE_US + MAX_AGE_US * DRIFT_PER_MILLE // 1000 + MILLISECOND
"""How long ago a price that is taken may have stopped being what ingest knew."""
OFFERED_US = (MAX_SILENCE_US + MAX_DELAY_US) * (1000 + DRIFT_PER_MILLE) // 1000 + 50 * MILLISECOND
"""… and what the provider offered: its silence and its delay come on top, and a message's own way."""
TICK_SLACK_US = 250 * MILLISECOND
"""A book looks at its markets ten times a second; a bet looks at once."""

_VALID = Lease.valid
"""The real rule, whatever a deliberate bug makes of it."""
_REASONS = {reason.value for reason in HoldReason}
_decode = msgspec.json.Decoder().decode


class Monitor:
    """See the module. Its methods are called by the shells; a broken rule raises `Violation`."""

    def __init__(self, scheduler: Scheduler, trace: Trace, truth: Truth) -> None:
        self.nodes: list[BookNode] = []
        self.counts: dict[str, int] = {}
        self.pendings = Pendings(scheduler)
        self._scheduler = scheduler
        self._trace = trace
        self._truth = truth
        self._writers: dict[tuple[int, int], tuple[str, int]] = {}
        self._last_seq: dict[tuple[int, int], int] = {}
        self._last_of: dict[tuple[int, int, str], int] = {}
        self._status: dict[str, tuple[str, bool]] = {}
        self._decided_at: dict[str, int] = {}
        self._epochs: dict[str, int] = {}
        self._documents: dict[str, dict[bytes, int]] = {}
        self._answered: dict[str, dict[bytes, None]] = {}
        self._decisions: dict[tuple[str, str, str], BetRecord] = {}

    def count(self, what: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1

    # -- leadership ----------------------------------------------------------------------------------------------------

    def leases(self, shard: int) -> None:
        holders = [
            f"{node.name} (epoch {node.seats[shard].lease.epoch})"
            for node in self.nodes
            if node.alive and len(node.seats) > shard and node.seats[shard].lease.valid(node.clock())
        ]
        if len(holders) > 1:
            raise Violation("one valid lease", f"shard {shard} is led by {' and '.join(holders)}")

    # -- the book ------------------------------------------------------------------------------------------------------

    def published(self, seat: "Seat", publish: Publish) -> None:
        frame = unpack(publish.payload)
        shard, node = seat.shard, seat.node
        term = (shard, frame.epoch)
        me = (node.name, node.incarnation)
        if self._writers.setdefault(term, me) != me:
            raise Violation(
                "one writer in sequence",
                f"{self._writers[term]} and {me} both publish shard {shard} in epoch {frame.epoch}",
            )
        last = self._last_seq.get(term, 0)
        if frame.seq != last + 1:
            raise Violation(
                "one writer in sequence", f"{node.name} published {frame.epoch}.{frame.seq} after seq {last}"
            )
        self._last_seq[term] = frame.seq
        of = (shard, frame.epoch, frame.market)
        before = self._last_of.get(of, 0)
        if frame.kind == "D" and frame.prev != before:
            raise Violation(
                "one writer in sequence", f"{frame.market} {frame.epoch}.{frame.seq} follows {frame.prev}, not {before}"
            )
        self._last_of[of] = frame.seq
        if frame.kind == "S" or b'"status"' in frame.body or b'"holds"' in frame.body:
            self._holds(frame.market, frame.body)
            if self._status[frame.market][0] == "Open" and _VALID(seat.lease, node.clock()):
                self.pendings.offered(seat, frame.market)
        self.count("updates")

    def _holds(self, market: str, body: bytes) -> None:
        document = _decode(body)
        status, held = self._status.get(market, ("", False))
        status = document.get("status", status)
        if "holds" in document:
            held = bool(document["holds"])
            for hold in document["holds"]:
                if hold["reason"] not in _REASONS or hold["since"] <= 0:
                    raise Violation("open iff no holds", f"{market} has a hold without a cause: {hold}")
        self._status[market] = (status, held)
        if (status == "Open" and held) or (status == "Suspended" and not held):
            raise Violation("open iff no holds", f"{market} is published {status} with holds {document.get('holds')}")

    def open_markets(self, seat: "Seat") -> None:
        """What a leader offers at this moment."""
        node = seat.node
        now = self._scheduler.now
        for market in seat.book.markets():
            quote = seat.book.quote(node.clock(), market)
            if quote is None or quote.status is not MarketStatus.OPEN:
                continue
            if quote.holds:
                raise Violation("open iff no holds", f"{market} is open with {quote.holds}")
            if _VALID(seat.lease, node.clock()):
                self.pendings.offered(seat, market)
            if quote.age_us < 0:
                raise Violation(
                    "no proof from the future", f"{node.name} believes {market} to be {quote.age_us} us old"
                )
            for halt in node.config.halts:
                if halt.scope == "all" or halt.id in {market, market.partition(":")[0]}:
                    raise Violation("open only while offered", f"{node.name} offers {market} though a trader halted it")
            if seat.book.waits(market):
                continue  # shown as it was until its turn, which comes (`book.touched`); it takes no bets meanwhile
            for histories, bound in ((self._truth.known, KNOWN_US), (self._truth.offered, OFFERED_US)):
                start = now - bound - TICK_SLACK_US
                found = [histories[name, market] for name in PROVIDERS if (name, market) in histories]
                if not any(history.open_between(start, now) for history in found):
                    detail = f"{node.name} offers {market}, which every provider had shut before {start / 1e6:.3f}"
                    raise Violation("open only while offered", detail)

    # -- the desk ------------------------------------------------------------------------------------------------------

    def decided(self, seat: "Seat", append: Append) -> None:
        self._decided_at[append.msg_id] = self._scheduler.now
        if not _VALID(seat.lease, seat.node.clock()):
            raise Violation("decided with authority", f"{seat.node.name} decided {append.msg_id} without a valid lease")

    def stored(self, stream: Stream, record: Record) -> None:
        decoded = decode_record(record.payload)
        name = stream.name
        if isinstance(decoded, EpochRecord):
            if decoded.epoch <= self._epochs.get(name, 0):
                raise Violation("epochs only rise", f"{name} has epoch {decoded.epoch} after {self._epochs[name]}")
            self._epochs[name] = decoded.epoch
            return
        if decoded.epoch != self._epochs.get(name, 0):
            raise Violation(
                "no fenced-off writer",
                f"{name} took a decision of epoch {decoded.epoch} ({decoded.node}) after epoch {self._epochs.get(name, 0)} had begun",
            )
        request = decoded.request
        key = (name, request.customer, request.key)
        before = self._decisions.get(key)
        if before is not None and (before.decision.final or not decoded.decision.final or before.id != decoded.id):
            raise Violation(
                "no bet decided twice",
                f"{request.key} has the decisions {before.decision} ({before.id}) and {decoded.decision} ({decoded.id})",
            )
        self._decisions[key] = decoded
        self._documents.setdefault(name, {})[bytes(decoded.document)] = record.seq
        self.count(decoded.decision.value)
        self._trace.note(name, decoded.decision.value, f"{request.key} {decoded.id} seq {record.seq}")
        if decoded.decision is DecisionKind.ACCEPTED:
            self._allowed(decoded)
            self._fresh(decoded, self._decided_at[record.msg_id])

    def _fresh(self, record: BetRecord, decided: int) -> None:
        for leg, micro in zip(record.request.legs, record.prices, strict=True):
            for histories, bound, whose in (
                (self._truth.known, KNOWN_US, "what ingest had been told"),
                (self._truth.offered, OFFERED_US, "what the provider offered"),
            ):
                start = decided - bound
                found = [histories[name, leg.market] for name in PROVIDERS if (name, leg.market) in histories]
                if any(history.offered(leg.selection, micro, start, decided) for history in found):
                    continue
                told = " | ".join(history.around(start, decided) for history in found)
                raise Violation(
                    "no bet on a stale price",
                    f"{record.id} took {leg.selection} of {leg.market} at {micro} at {decided / 1e6:.3f}; from {start / 1e6:.3f} on "
                    f"{whose} was: {told}",
                )

    def _allowed(self, record: BetRecord) -> None:
        request = record.request
        for leg, micro in zip(request.legs, record.prices, strict=True):
            least = leg.price
            if request.price_change == "AcceptWithin":
                least = leg.price * (1_000_000 - request.within_ppm) // 1_000_000
            if micro < least or (request.price_change == "Exact" and micro != leg.price):
                raise Violation(
                    "within the bettor's terms",
                    f"{record.id} took {micro} for a bet at {leg.price}, {request.price_change or 'the class default'}",
                )

    def shown(self, gateway: "GatewayNode") -> None:
        """What a gateway shows as led at this moment."""
        for view in gateway.hub.board.shards:
            quiet = self._scheduler.now - gateway.heard_at[view.number]
            if not view.lost and quiet > GATEWAY_SILENCE_US * (1000 + DRIFT_PER_MILLE) // 1000 + TICK_SLACK_US:
                raise Violation(
                    "silent shards are shown lost",
                    f"{gateway.name} shows shard {view.number} as led, which it has not heard for {quiet // 1000} ms",
                )

    def answered(self, seat: "Seat", reply: BetReply) -> None:
        if reply.status not in {200, 201, 202}:
            return
        stream = seat.stream
        document = bytes(reply.decision)
        seq = self._documents.get(stream.name, {}).get(document)
        if seq is None or seq > stream.durable:
            raise Violation(
                "answered is stored", f"{seat.node.name} told a decision that is not durable: {document[:160]!r}"
            )
        self._answered.setdefault(stream.name, {})[document] = None

    def lost(self, stream: Stream, records: list[Record]) -> None:
        for record in records:
            decoded = decode_record(record.payload)
            if isinstance(decoded, BetRecord):
                document = bytes(decoded.document)
                if document in self._answered.get(stream.name, {}):
                    raise Violation("nothing answered is lost", f"{decoded.id} was told and is gone from {stream.name}")
                self._documents[stream.name].pop(document, None)
                self._decisions.pop((stream.name, decoded.request.customer, decoded.request.key), None)
            else:
                self._epochs[stream.name] = decoded.epoch - 1

    def decision(self, stream: str, customer: str, key: str) -> BetRecord | None:
        """The newest decision of a key in the store."""
        return self._decisions.get((stream, customer, key))
