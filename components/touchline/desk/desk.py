"""Bets of one shard, from the request to the answer that nobody can take back.

    bet ──judge──> Append ──stored──> Answer          a record first, then the answer
                          └─refused─> StepDown        somebody else leads: no answer, ever, from here

The stream of decisions is the truth. Every node follows it (`replayed`) and so remembers every key and every liability;
the leader alone appends. Appends are sent without waiting for one another, each naming the sequence that it must get.

Who may decide is asked of the lease at the instant of judgement. It may lapse between that instant and the answer; the answer
is given all the same once the record is stored, and that is safe: the store took it under this leader's epoch record, so no later
leader had begun, and whoever leads next reads this record before its first decision. Such a desk only stops deciding.
"""

import heapq
from collections.abc import Callable, Sequence

import msgspec

from touchline.bus import subjects
from touchline.bus.messages import BetLookup, BetReply, BetRequest, Decided
from touchline.desk.decision import decision_document, duplicate_key, not_now, unknown_key
from touchline.desk.flights import Flight, Flights
from touchline.desk.judgement import House, Verdict, judge
from touchline.desk.liability import Liability
from touchline.desk.memory import Entry, KeyOf, Memory, fingerprint, key_of
from touchline.desk.outputs import Announce, Answer, Append, DeskOutput, StepDown
from touchline.desk.quotes import Prices
from touchline.desk.records import (
    EPOCH_WORD,
    BetRecord,
    DecisionKind,
    EpochRecord,
    decode_record,
    encode_record,
)
from touchline.desk.spent import Spent
from touchline.desk.terms import TermsOfClasses
from touchline.domain.money import payout_micro

MAX_FLIGHTS = 512
MAX_FLIGHTS_OF_MARKET = 64
"""The bulkhead: one market's bets take at most an eighth of what may be on its way."""
MAX_WAITING = 256
MAX_PENDING = 10_000
CHECKS_PER_TICK = 256
RETRY_MS = 250


class Desk:
    """One shard's desk on one node. `now` is the node's monotonic clock, `wall` epoch time, both in microseconds.

    `authorised(now)` asks the lease. `currency`, `max_legs`, `memory.keep_us` and `closed` may be set at any time from the engine's
    configuration; `closed` is a sentence that says why no bets are taken at all, or empty.
    """

    def __init__(
        self,
        *,
        shard: int,
        node: str,
        durability: str,
        authorised: Callable[[int], bool],
        shards: int,
        currency: str = "USD",
    ) -> None:
        self.shard = shard
        self.shards = shards
        self.node = node
        self.durability = durability
        self.currency = currency
        self.max_legs = 20
        self.closed = ""
        self.memory = Memory()
        self.liability = Liability()
        self._spent = Spent(self.liability)
        self.leading = False
        """Whether bets are decided here: the epoch record is stored and nothing has spoken against it since."""
        self.epoch = 0
        self.counts = dict.fromkeys(DecisionKind, 0)
        """Decisions stored since the start of this process."""
        self._authorised = authorised
        self._terms = TermsOfClasses()
        self._flights = Flights()
        self._opening = False
        self._stream_epoch = 0
        self._applied = 0
        self._predicted = 0
        self._fence = 0
        self._token = 0
        self._waiting: list[tuple[BetRequest, int]] = []
        self._due: list[tuple[int, int, KeyOf]] = []
        self._owed: list[DeskOutput] = []
        self._newest_at = 0

    @property
    def applied(self) -> int:
        """Sequence of the last record that this desk has taken in; following the stream goes on after it."""
        return self._applied

    @property
    def stream_epoch(self) -> int:
        """The highest epoch recorded in the stream."""
        return self._stream_epoch

    @property
    def opening(self) -> bool:
        """Whether the epoch record is on its way."""
        return self._opening

    @property
    def in_flight(self) -> int:
        return len(self._flights)

    @property
    def pending(self) -> int:
        """Delayed bets that wait for their second check."""
        return len(self._due)

    def lead(self, now: int, wall: int, epoch: int) -> list[DeskOutput]:
        """Begin a term: append the epoch record after all that was replayed. The stream must have been read to its end just before."""
        outputs = self._owe(None)
        self._fall(0)  # whatever of an earlier term has not landed by now will be refused
        self._halt()
        if epoch <= self._stream_epoch:
            why = f"epoch {epoch} is not above epoch {self._stream_epoch}, which the stream already has"
            return [*outputs, StepDown(why)]
        self.epoch = epoch
        self._opening = True
        self._predicted, self._fence = self._applied, 0
        record = EpochRecord(epoch, self.node, self.shard, wall, self.durability)
        return [*outputs, self._append(now, record, EPOCH_WORD, Flight(0, 0, b"", record))]

    def stand_by(self, now: int) -> list[DeskOutput]:  # noqa: ARG002 - the same form as every other input
        """Stop deciding. What is on its way may still land, and is then still answered."""
        self._halt()
        return self._owe(None)

    def bet(self, now: int, wall: int, request: BetRequest, book: Prices, token: int) -> list[DeskOutput]:
        """A bet, or a key asked again. Where this node may not decide it says nothing: somebody else will, or nobody."""
        if self._opening and self._authorised(now) and len(self._waiting) < MAX_WAITING:
            self._waiting.append((request, token))
            return []
        if not self.leading or not self._authorised(now):
            return []
        key, asked = key_of(request), fingerprint(request)
        known = self.memory.get(key)
        if known is not None:
            return [Answer(token, _repeated(request.key, asked, known.fingerprint, known.decision, known.document))]
        flight = self._flights.key(key)
        if flight is not None:
            flight.askers.append((token, asked))  # what the first answer will be is not known before it is stored
            return []
        busy = self._busy(request)
        if busy:
            return [Answer(token, BetReply(503, msgspec.Raw(not_now(request.key, busy, retry_after_ms=RETRY_MS))))]
        verdict = self._judge(now, request, book, second=False)
        bet = f"{self.shard}-{self.epoch}-{self._predicted + 1}"
        return [self._decide(now, wall, request, verdict, bet, [(token, asked)])]

    def lookup(self, now: int, request: BetLookup) -> BetReply:  # noqa: ARG002 - the same form as every other input
        """The stored decision of a key: 200, or 404."""
        known = self.memory.get((request.customer, request.key))
        if known is None:
            return BetReply(404, msgspec.Raw(unknown_key(request.key)))
        return BetReply(200, msgspec.Raw(known.document))

    def tick(self, now: int, wall: int, book: Prices) -> list[DeskOutput]:
        """Second checks that are due, and bets that came while the term was beginning."""
        outputs = self._owe(now)
        self._spent.look(now, book)
        if not self.leading or not self._authorised(now):
            return outputs
        waiting, self._waiting = self._waiting, []
        for request, token in waiting:
            outputs += self.bet(now, wall, request, book, token)
        for _ in range(CHECKS_PER_TICK):
            if not self._due or self._due[0][0] > now or len(self._flights) >= MAX_FLIGHTS:
                break
            _, _, key = heapq.heappop(self._due)
            entry = self.memory.get(key)
            if entry is not None and entry.request is not None:
                outputs.append(self._check_again(now, wall, entry, entry.request, book))
        # A clock that jumps ahead must not make keys forgotten: the stream's own newest time counts, too.
        self.memory.forget(min(wall, self._newest_at))
        return outputs

    def stored(self, now: int, wall: int, token: int, seq: int) -> list[DeskOutput]:  # noqa: ARG002
        """An append was acknowledged with its sequence in the stream."""
        flight = self._flights.token(token)
        if flight is None:
            return []
        if seq != flight.seq:
            return self._usurped(flight.seq, f"record {token} was stored at {seq}, not at {flight.seq}")
        flight.acknowledged = True
        outputs = self._owe(now)
        if self.leading and not self._authorised(now):
            self._halt()
            outputs.append(StepDown("the lease lapsed"))
        return outputs

    def refused(self, now: int, wall: int, token: int, why: str) -> list[DeskOutput]:  # noqa: ARG002
        """An append was refused, and is certainly not in the stream: somebody else writes it."""
        flight = self._flights.token(token)
        return self._usurped(flight.seq, why) if flight is not None else []

    def replayed(self, seq: int, subject: str, record: bytes) -> None:  # noqa: ARG002 - the record says the same
        """The stream's records in order, from `applied` + 1 on. Own records and repetitions are harmless.

        Raises:
            msgspec.DecodeError: not a record of ours. The stream is the truth about bets: nothing may be guessed past it.
        """
        if seq <= self._applied:
            return
        flight = self._flights.seq(seq)
        if flight is not None and flight.payload == record:
            flight.acknowledged = True  # as good as the store's word; a leader takes it in at its next turn
        elif self.leading or self._opening or flight is not None:
            self._owed += self._usurped(seq, f"record {seq} of the stream is somebody else's")
        if not self.leading and not self._opening:
            self._owed = self._owe(None)
        if seq > self._applied and not (flight is not None and flight.payload == record):
            self._take_in(seq, decode_record(record), None, own=False)

    def _judge(self, now: int, request: BetRequest, book: Prices, *, second: bool) -> Verdict:
        quotes = [book.quote(now, leg.market) for leg in request.legs[: self.max_legs + 1]]
        quotes += [None] * (len(request.legs) - len(quotes))
        house = House(self.shard, self.shards, self.epoch, self.currency, self.max_legs)
        return judge(request, quotes, house=house, terms=self._terms, liability=self.liability, second=second)

    def _check_again(self, now: int, wall: int, entry: Entry, request: BetRequest, book: Prices) -> Append:
        """The second check of a delayed bet: everything, against what is true now. Its own reservation does not count against it."""
        self._release(request, entry.prices)
        verdict = self._judge(now, request, book, second=True)
        return self._decide(now, wall, request, verdict, entry.bet, [])

    def _decide(
        self, now: int, wall: int, request: BetRequest, verdict: Verdict, bet: str, askers: list[tuple[int, bytes]]
    ) -> Append:
        document = decision_document(
            request,
            verdict,
            bet=bet,
            at=wall,
            shard=self.shard,
            epoch=self.epoch,
            durability=self.durability,
            currency=self.currency,
        )
        held = verdict.decision in {DecisionKind.ACCEPTED, DecisionKind.PENDING}
        record = BetRecord(
            self.epoch,
            self.node,
            wall,
            bet,
            verdict.decision,
            request,
            msgspec.Raw(document),
            verdict.prices if held else [],
            verdict.delay_us,
        )
        self._hold(request, record.prices)
        markets = tuple(dict.fromkeys(leg.market for leg in request.legs)) if askers else ()
        flight = Flight(0, 0, b"", record, key_of(request), askers=askers, markets=markets)
        return self._append(now, record, verdict.decision.word, flight)

    def _append(self, now: int, record: BetRecord | EpochRecord, word: str, flight: Flight) -> Append:
        self._token += 1
        expected, self._predicted = self._predicted, self._predicted + 1
        flight.token, flight.seq, flight.payload = self._token, self._predicted, encode_record(record)
        self._flights.add(flight)
        msg_id = f"{self.shard}.{self.epoch}.{flight.seq}.{self.node}"
        subject = subjects.bets(word, self.shard)
        return Append(flight.token, subject, flight.payload, expected, msg_id, self._fence, now)

    def _busy(self, request: BetRequest) -> str:
        """Why no bet can be looked at now; empty if it can."""
        if self.closed:
            return self.closed
        if len(self._flights) >= MAX_FLIGHTS:
            return f"{MAX_FLIGHTS} decisions of this shard are being stored"
        for leg in request.legs[: self.max_legs]:
            if self._flights.of_market(leg.market) >= MAX_FLIGHTS_OF_MARKET:
                return f"{MAX_FLIGHTS_OF_MARKET} decisions of {leg.market} are being stored"
        if len(self._due) >= MAX_PENDING:
            return f"{MAX_PENDING} bets wait for their second check"
        if self.memory.full:
            return f"{self.memory.capacity} keys are remembered, which is all this desk can"
        return ""

    def _owe(self, now: int | None) -> list[DeskOutput]:
        """Take in what has landed, and say what is owed for it. `now` is given where this may go on as leader."""
        outputs, self._owed = self._owed, []
        for landed in self._flights.landed():
            self._take_in(landed.seq, landed.record, now, own=True)
            outputs += self._told(landed)
        return outputs

    def _take_in(self, seq: int, record: BetRecord | EpochRecord, now: int | None, *, own: bool) -> None:
        """A record is in the stream: it is remembered. An `own` one's liability was reserved when it was decided."""
        self._applied = max(self._applied, seq)
        self._newest_at = max(self._newest_at, record.at)
        if isinstance(record, EpochRecord):
            self._stream_epoch = max(self._stream_epoch, record.epoch)
            if now is not None and self._opening and own:
                self._open(now, seq)
            return
        if record.epoch < self._stream_epoch:
            return  # void, see `touchline.desk.records`
        key = key_of(record.request)
        before = self.memory.get(key)
        if before is not None and before.final:
            return
        if not own:
            if before is not None and before.request is not None:
                self._release(before.request, before.prices)
            self._hold(record.request, record.prices)
        self.memory.remember(record)
        self.counts[record.decision] += 1
        if now is not None and self.leading and not record.decision.final:
            self._wait(now, key, record.delay_us)

    def _open(self, now: int, seq: int) -> None:
        """The epoch record is stored: decide from here on. Bets that an earlier leader left pending wait their whole delay again.

        How much of it has passed could only be told by comparing two machines' clocks, and deciding early is the one thing that a
        delay exists to prevent.
        """
        self._opening, self.leading, self._fence = False, True, seq
        self._due.clear()
        for key, entry in self.memory.pending():
            self._wait(now, key, entry.delay_us)

    def _wait(self, now: int, key: KeyOf, delay_us: int) -> None:
        self._token += 1
        heapq.heappush(self._due, (now + delay_us, self._token, key))

    def _told(self, flight: Flight) -> list[DeskOutput]:
        """What is owed to whom for a stored record."""
        record = flight.record
        if not isinstance(record, BetRecord):
            return []
        outputs: list[DeskOutput] = []
        for place, (token, asked) in enumerate(flight.askers):
            if place == 0:
                status = 201 if record.decision.final else 202
                outputs.append(Answer(token, BetReply(status, record.document)))
            else:
                first = flight.askers[0][1]
                reply = _repeated(record.request.key, asked, first, record.decision, bytes(record.document))
                outputs.append(Answer(token, reply))
        if not flight.askers and record.decision.final:
            outputs.append(Announce(Decided(record.request.customer, record.request.key, record.document)))
        return outputs

    def _usurped(self, seq: int, why: str) -> list[DeskOutput]:
        """From `seq` on the stream is not as predicted: nothing from there on was or will be stored by this term."""
        was = self.leading or self._opening
        self._fall(seq)
        self._halt()
        return [StepDown(why)] if was else []

    def _fall(self, seq: int) -> None:
        """Take back what was predicted from `seq` on: newest first, so that liabilities return to what they were."""
        for flight in self._flights.fallen(seq):
            record = flight.record
            if not isinstance(record, BetRecord):
                continue
            self._release(record.request, record.prices)
            pending = self.memory.get(flight.key) if flight.key else None
            if pending is not None and pending.request is not None:
                self._hold(pending.request, pending.prices)

    def _halt(self) -> None:
        self.leading = self._opening = False
        self._waiting.clear()
        self._due.clear()

    def _hold(self, request: BetRequest, prices: Sequence[int]) -> None:
        if prices:
            legs = [(leg.market, leg.selection) for leg in request.legs]
            self.liability.add(legs, request.stake, payout_micro(request.stake, *prices))

    def _release(self, request: BetRequest, prices: Sequence[int]) -> None:
        if prices:
            legs = [(leg.market, leg.selection) for leg in request.legs]
            self.liability.remove(legs, request.stake, payout_micro(request.stake, *prices))


def _repeated(key: str, asked: bytes, first: bytes, decision: DecisionKind, document: bytes) -> BetReply:
    """The answer to a key that was used before."""
    if asked != first:
        return BetReply(409, msgspec.Raw(duplicate_key(key)))
    return BetReply(200 if decision.final else 202, msgspec.Raw(document))
