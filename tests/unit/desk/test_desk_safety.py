"""No key decided twice, no accepted bet lost, no answer that is not stored: leaders that change, appends that are lost or late.

The world is seeded. Its store fences by sequence and, where a test says so, not by epoch record: then readers' own rule
("a record of a lower epoch is void") has to do. That the world can see mistakes is shown by desks with a rule taken away each.
"""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.bets import SECOND, UNIT, WALL, GivenBook, GivenQuote, bet
from touchline.bus.messages import BetReply
from touchline.desk.desk import Desk
from touchline.desk.flights import Flights
from touchline.desk.outputs import Announce, Answer, Append, DeskOutput, StepDown
from touchline.desk.records import BetRecord, EpochRecord, decode_record
from touchline.domain.reasons import BetReason
from touchline.domain.status import MarketStatus

NODES = ("n1", "n2", "n3")
CUSTOMERS, KEYS = 2, 25


class Stream:
    """The store: appends in order, fenced. `epochs` says whether it also checks the last epoch record."""

    def __init__(self, *, epochs: bool) -> None:
        self.records: list[tuple[str, bytes, str]] = []
        self.epoch_seq = 0
        self._epochs = epochs

    def append(self, append: Append) -> int | None:
        if append.expected_seq != len(self.records):
            return None
        if self._epochs and append.fence_seq and append.fence_seq != self.epoch_seq:
            return None
        self.records.append((append.subject, append.record, append.msg_id))
        if append.subject.startswith("bets.epoch"):
            self.epoch_seq = len(self.records)
        return len(self.records)


@dataclass
class Node:
    name: str
    desk: Desk
    transit: list[Append] = field(default_factory=list)
    """Sent, in order; not yet at the store."""
    results: list[tuple[Append, int | None]] = field(default_factory=list)
    unknown: list[Append] = field(default_factory=list)
    """Lost on the way there or back: to be settled by reading."""


class World:
    def __init__(self, seed: int, *, make: Callable[..., Desk] = Desk, epochs: bool = True) -> None:
        self.seed, self.rng = seed, random.Random(seed)
        self.now = SECOND
        self.stream = Stream(epochs=epochs)
        self.holder = ""
        self.epoch = 0
        self.token = 0
        self.asked: dict[int, tuple[str, str]] = {}
        self.answers: list[tuple[tuple[str, str], BetReply]] = []
        self.announced: list[bytes] = []
        self.book = GivenBook(e1=GivenQuote(), e2=GivenQuote(delay_us=SECOND))
        self.nodes = {
            name: Node(name, make(shard=0, node=name, durability="Fsync", authorised=self.authorised(name), shards=1))
            for name in NODES
        }

    def authorised(self, name: str) -> Callable[[int], bool]:
        return lambda now: self.holder == name

    def step(self) -> None:
        self.now += self.rng.choice((1_000, 20_000, 200_000))
        node = self.nodes[self.rng.choice(NODES)]
        roll = self.rng.random()
        if roll < 0.35:
            self.ask()
        elif roll < 0.55:
            self.deliver(node)
        elif roll < 0.7:
            self.return_result(node)
        elif roll < 0.78:
            self.settle(node)
        elif roll < 0.86:
            self.take(node, node.desk.tick(self.now, WALL + self.now, self.book))
        elif roll < 0.9:
            self.follow(node)
        elif roll < 0.93:
            self.move_prices()
        elif roll < 0.97:
            self.change_holder()
        else:
            self.begin()

    def ask(self) -> None:
        """A bettor asks one of few keys, so that most are repetitions; every node hears it, as on the bus."""
        customer, key = f"c{self.rng.randrange(CUSTOMERS)}", f"k{self.rng.randrange(KEYS)}"
        market = f"e{1 + int(key[1:]) % 2}:MatchWinner"
        request = bet(key, customer=customer, market=market, version="0.1", stake=(1 + int(key[1:])) * UNIT)
        self.token += 1
        self.asked[self.token] = (customer, key)
        for node in self.nodes.values():
            self.take(node, node.desk.bet(self.now, WALL + self.now, request, self.book, self.token))

    def move_prices(self) -> None:
        status = self.rng.choice((MarketStatus.OPEN, MarketStatus.OPEN, MarketStatus.SUSPENDED))
        price = self.rng.choice((1_900_000, 2_000_000, 2_100_000))
        for market, quote in self.book.quotes.items():
            self.book.quotes[market] = quote._replace(status=status, selections={"home": price})

    def change_holder(self) -> None:
        """The lease goes to another node, or to nobody; the old one may or may not have been told."""
        old, self.holder = self.holder, self.rng.choice((*NODES, ""))
        if old and old != self.holder and self.rng.random() < 0.6:
            self.take(self.nodes[old], self.nodes[old].desk.stand_by(self.now))
        self.begin()

    def begin(self) -> None:
        """The holder begins (again) a term, having read all or, from a replica that lags, nearly all of the stream."""
        if not self.holder:
            return
        node = self.nodes[self.holder]
        if node.desk.leading or node.desk.opening:
            return
        self.epoch += 1
        self.follow(node, lag=self.rng.choice((0, 0, 0, 1, 3)))
        node.unknown.clear()
        self.take(node, node.desk.lead(self.now, WALL + self.now, self.epoch))

    def follow(self, node: Node, *, lag: int = 0) -> None:
        for seq in range(node.desk.applied + 1, len(self.stream.records) + 1 - lag):
            subject, record, _ = self.stream.records[seq - 1]
            node.desk.replayed(seq, subject, record)

    def deliver(self, node: Node) -> None:
        """The oldest append of a node reaches the store (or not), and its result sets out (or not)."""
        if not node.transit:
            return
        append = node.transit.pop(0)
        fate = self.rng.random()
        if fate < 0.08:
            node.unknown.append(append)
            return
        seq = self.stream.append(append)
        if fate < 0.16:
            node.unknown.append(append)
        else:
            node.results.append((append, seq))

    def return_result(self, node: Node) -> None:
        if node.results:
            append, seq = node.results.pop(self.rng.randrange(min(3, len(node.results))))
            self.settled(node, append, seq)

    def settle(self, node: Node) -> None:
        """What `touchline.desk.store` does with appends of unknown fate: read; send again only where nothing stands."""
        unknown, node.unknown = node.unknown, []
        again = []
        for append in unknown:
            place = append.expected_seq
            if place < len(self.stream.records):
                mine = self.stream.records[place][2] == append.msg_id
                self.settled(node, append, place + 1 if mine else None)
            elif self.holder == node.name:
                again.append(append)
            else:
                node.unknown.append(append)
        node.transit = sorted(again + node.transit, key=lambda append: append.expected_seq)

    def settled(self, node: Node, append: Append, seq: int | None) -> None:
        wall = WALL + self.now
        if seq is None:
            self.take(node, node.desk.refused(self.now, wall, append.token, "wrong last sequence"))
        else:
            self.take(node, node.desk.stored(self.now, wall, append.token, seq))

    def take(self, node: Node, outputs: Sequence[DeskOutput]) -> None:
        for output in outputs:
            match output:
                case Append():
                    if self.holder == node.name:  # the store asks the lease once more before it sends
                        node.transit.append(output)
                    else:
                        self.settled(node, output, None)
                case Answer(token, reply):
                    self.answers.append((self.asked[token], reply))
                case Announce(decided):
                    self.announced.append(bytes(decided.decision))
                case StepDown():
                    self.take(node, node.desk.stand_by(self.now))

    def run(self, steps: int) -> "World":
        for _ in range(steps):
            self.step()
            self.check_answers()
        self.check()
        return self

    def truth(self) -> dict[tuple[str, str], list[BetRecord]]:
        """Records that are not void, by key."""
        epoch = 0
        found: dict[tuple[str, str], list[BetRecord]] = {}
        for _, record, _ in self.stream.records:
            decoded = decode_record(record)
            if isinstance(decoded, EpochRecord):
                epoch = max(epoch, decoded.epoch)
            elif decoded.epoch >= epoch:
                found.setdefault((decoded.request.customer, decoded.request.key), []).append(decoded)
        return found

    def check_answers(self) -> None:
        """What was just said to a bettor or to everybody stands in the stream."""
        if not self.answers and not self.announced:
            return
        truth = self.truth()
        documents = {bytes(record.document) for records in truth.values() for record in records}
        for key, reply in self.answers:
            if reply.status in {200, 201, 202}:
                stored = [bytes(record.document) for record in truth.get(key, [])]
                assert bytes(reply.decision) in stored, f"seed {self.seed}: an answer that is not stored"
            elif reply.status == 409:
                raise AssertionError(f"seed {self.seed}: {key} was never asked for two bets")
        assert documents.issuperset(self.announced), f"seed {self.seed}: an announcement that is not stored"
        self.answers.clear()
        self.announced.clear()

    def check(self) -> None:
        for key, records in self.truth().items():
            kinds = [record.decision.value for record in records]
            assert len(kinds) == 1 or (len(kinds) == 2 and kinds[0] == "Pending"), f"seed {self.seed}: {key} is {kinds}"
            assert kinds.count("Pending") <= 1
        for node in self.nodes.values():
            if not node.desk.leading and not node.desk.opening:
                self.follow(node)
                self.check_memory(node.desk)

    def check_memory(self, desk: Desk) -> None:
        """A follower that has read everything knows every key and exactly the liabilities that stand."""
        standing: dict[str, int] = {}
        for key, records in self.truth().items():
            entry = desk.memory.get(key)
            assert entry is not None
            assert entry.document == bytes(records[-1].document)
            for price in records[-1].prices:
                market = records[-1].request.legs[0].market
                stake = records[-1].request.stake
                standing[market] = standing.get(market, 0) + stake * price // UNIT - stake
        if desk.in_flight:
            return
        for market in self.book.quotes:
            assert desk.liability.selection(market, "home") == standing.get(market, 0), f"seed {self.seed}"


@pytest.mark.parametrize("epochs", [True, False])
def test_no_key_is_decided_twice_and_every_answer_is_stored(epochs: bool) -> None:
    terms = bets = 0
    for seed in range(80):
        world = World(seed, epochs=epochs).run(700)
        terms += world.epoch
        bets += len(world.truth())
    assert terms > 400
    assert bets > 600


@given(st.integers(0, 2**62), st.booleans())
@settings(max_examples=40, deadline=None)
def test_no_seed_makes_a_desk_decide_twice(seed: int, epochs: bool) -> None:
    World(seed, epochs=epochs).run(200)


class AnswersEarly(Desk):
    """Answers when it has decided."""

    def bet(self, *args: object) -> list[DeskOutput]:
        outputs = super().bet(*args)  # type: ignore[arg-type]
        answers: list[DeskOutput] = []
        for output in outputs:
            if isinstance(output, Append):
                record = decode_record(output.record)
                assert isinstance(record, BetRecord)
                answers.append(Answer(int(str(args[4])), BetReply(201, record.document)))
        return [*outputs, *answers]


class ForgetsWhatItFollowed(Desk):
    """Does not take the keys of other leaders in."""

    def replayed(self, seq: int, subject: str, record: bytes) -> None:
        if not subject.startswith(("bets.accepted", "bets.pending")):
            super().replayed(seq, subject, record)
        else:
            self._applied = max(self._applied, seq)


class BelievesRefusals(Desk):
    """Takes a refused append for a stored one."""

    def refused(self, now: int, wall: int, token: int, why: str) -> list[DeskOutput]:
        flight = self._flights.token(token)
        return self.stored(now, wall, token, flight.seq) if flight else []


class OutOfOrder(Flights):
    """Lets a record land although one ahead of it has not."""

    def landed(self):  # type: ignore[no-untyped-def]
        for flight in [flight for flight in self._by_token.values() if flight.acknowledged]:
            self.remove(flight)
            yield flight


class AnswersOutOfOrder(Desk):
    def __init__(self, **options: object) -> None:
        super().__init__(**options)  # type: ignore[arg-type]
        self._flights = OutOfOrder()


class TakesVoidRecords(Desk):
    """Takes a deposed leader's record in."""

    def _take_in(self, seq, record, now, *, own):  # type: ignore[no-untyped-def]
        epoch, self._stream_epoch = self._stream_epoch, 0
        super()._take_in(seq, record, now, own=own)
        self._stream_epoch = max(epoch, self._stream_epoch)


@pytest.mark.parametrize(
    ("broken", "epochs"),
    [
        (AnswersEarly, True),
        (ForgetsWhatItFollowed, True),
        (BelievesRefusals, True),
        (AnswersOutOfOrder, False),
        (TakesVoidRecords, False),
    ],
)
def test_a_desk_with_a_rule_taken_away_is_caught(broken: type[Desk], epochs: bool) -> None:
    with pytest.raises(AssertionError):
        run_seeds(broken, epochs)


def run_seeds(make: type[Desk], epochs: bool) -> None:
    for seed in range(200):
        World(seed, make=make, epochs=epochs).run(250)


def test_reasons_are_the_public_ones() -> None:
    world = World(3).run(400)
    known = {reason.value for reason in BetReason} | {None}
    told = {json.loads(bytes(r.document))["reason"] for records in world.truth().values() for r in records}
    assert told <= known
