"""Never two valid holders at one true instant: many nodes, drifting clocks, a store that delays, loses and lies about the past.

The world is seeded: a failing seed is a line to replay. That it can fail is shown by leases with one rule taken away each.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchline.domain.lease import MARGIN_US, RENEW_US, TTL_US, Lease, LeaseOutput, LeaseValue, Lost, Read, Won, Write

DRIFT = 0.08  # (ttl - margin) / (1 - d) <= ttl / (1 + d) holds up to 0.0810
Make = Callable[..., Lease]


@dataclass
class Message:
    """A request on its way to the store, or its result on the way back (`result` set)."""

    node: int
    request: Read | Write
    term: int
    result: tuple[int | None, bytes | None] | None = None


@dataclass
class World:
    seed: int
    make: Make = Lease
    nodes: int = 3
    now: float = 0.0
    history: list[tuple[int, bytes | None]] = field(default_factory=lambda: [(0, None)])
    messages: list[Message] = field(default_factory=list)
    terms: dict[int, int] = field(default_factory=dict)
    won: int = 0

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.rates = [1 + self.rng.uniform(-DRIFT, DRIFT) for _ in range(self.nodes)]
        self.offsets = [self.rng.uniform(0, 1e9) for _ in range(self.nodes)]
        self.leases = [
            self.make(node=f"n{n}", ttl_us=TTL_US, renew_us=RENEW_US, margin_us=MARGIN_US) for n in range(self.nodes)
        ]
        # Which of a node's requests its result belongs to: a shell never hands over the late result of an earlier one.
        self.asked = [0] * self.nodes
        self.open: list[bool] = [False] * self.nodes
        self.paused_until = [0.0] * self.nodes

    def clock(self, node: int) -> int:
        return int(self.offsets[node] + self.now * self.rates[node])

    def step(self) -> None:
        self.now += self.rng.choice((100, 5_000, 20_000, 60_000, 300_000))
        node = self.rng.randrange(self.nodes)
        action = self.rng.random()
        if action < 0.03:
            self.paused_until[node] = self.now + self.rng.uniform(0.1, 6) * 1_000_000
        elif action < 0.05 and self.awake(node):
            self.take(node, self.leases[node].release(self.clock(node)))
        elif action < 0.06 and self.awake(node):
            self.take(node, self.leases[node].drop(self.clock(node), "paused"))
        elif action < 0.5:
            for each in range(self.nodes):
                if self.awake(each):
                    self.take(each, self.leases[each].tick(self.clock(each)))
        elif self.messages:
            self.deliver(self.messages.pop(self.rng.randrange(min(len(self.messages), 6))))
        self.check()

    def awake(self, node: int) -> bool:
        return self.now >= self.paused_until[node]

    def take(self, node: int, outputs: list[LeaseOutput]) -> None:
        for output in outputs:
            if isinstance(output, Won):
                assert output.epoch not in self.terms, f"seed {self.seed}: epoch {output.epoch} was won twice"
                self.terms[output.epoch] = node
                self.won += 1
            elif isinstance(output, Read | Write):
                assert not self.open[node], "two requests outstanding"
                self.asked[node] += 1
                self.open[node] = True
                self.messages.append(Message(node, output, self.asked[node]))

    def deliver(self, message: Message) -> None:
        if message.result is None:
            self.serve(message)
        elif not self.awake(message.node):
            self.messages.append(message)
        elif self.open[message.node] and self.asked[message.node] == message.term:
            self.answer(message.node, message.request, *message.result)

    def serve(self, message: Message) -> None:
        """The request reaches the store, or is lost; its result sets out, or is lost, or is given up before it comes."""
        fate = self.rng.random()
        request = message.request
        if fate < 0.1:
            message.result = (None, None)  # lost on the way there: the sender times out
        elif isinstance(request, Read):
            at = len(self.history) - 1 if self.rng.random() < 0.7 else self.rng.randrange(len(self.history))
            message.result = self.history[at]
        else:
            revision, _ = self.history[-1]
            stored = request.revision == revision
            if stored:
                self.history.append((revision + 1, request.value))
            unknown = fate < 0.2
            message.result = (revision + 1 if stored and not unknown else None, None)
            if self.rng.random() < 0.1:  # the network delivers the request once more, much later
                self.messages.append(Message(message.node, request, -1))
        if message.term > 0:
            self.messages.append(message)
            if fate > 0.95 and self.awake(message.node) and self.asked[message.node] == message.term:
                self.answer(message.node, request, None, None)  # timed out; the real result still comes, and is dropped

    def answer(self, node: int, request: Read | Write, revision: int | None, value: bytes | None) -> None:
        self.open[node] = False
        lease, now = self.leases[node], self.clock(node)
        if isinstance(request, Write):
            self.take(node, lease.written(now, revision))
        elif revision is None:
            self.take(node, lease.unread(now))
        else:
            self.take(node, lease.read(now, revision, value))

    def check(self) -> None:
        valid = [n for n in range(self.nodes) if self.leases[n].valid(self.clock(n))]
        assert len(valid) <= 1, f"seed {self.seed}: {valid} hold the lease at {self.now / 1e6:.3f} s"

    def run(self, steps: int) -> "World":
        for _ in range(steps):
            self.step()
        return self


@pytest.mark.parametrize("part", range(4))
def test_never_two_holders_whatever_clocks_store_and_scheduler_do(part: int) -> None:
    won = sum(World(seed).run(400).won for seed in range(part * 100, part * 100 + 100))
    assert won > 300, "a world in which hardly anybody ever leads shows nothing"


@given(st.integers(0, 2**62), st.integers(2, 5))
@settings(max_examples=60)
def test_never_two_holders_for_any_seed_and_number_of_nodes(seed: int, nodes: int) -> None:
    World(seed, nodes=nodes).run(300)


class CountsFromTheAnswer(Lease):
    """Believes that its authority began when it heard of its success."""

    def written(self, now: int, revision: int | None) -> list[LeaseOutput]:
        self._sent = now
        return super().written(now, revision)


class TakesEarly(Lease):
    """Takes a lease half a ttl after it first saw the revision."""

    def _may_take(self, now: int) -> bool:
        return super()._may_take(now + TTL_US // 2)


class TakesItsOwnNameBack(Lease):
    """Takes any value with its own name for a term of its own."""

    def _mine(self) -> bool:
        return self._value is not None and self._value.holder == self.node


class BelievesUnknown(Lease):
    """Counts a write of unknown fate as done."""

    def written(self, now: int, revision: int | None) -> list[LeaseOutput]:
        return super().written(now, self._revision + 1 if revision is None else revision)


class IgnoresLapse(Lease):
    """Never notices that its time is over."""

    def valid(self, now: int) -> bool:
        return self._holding


@pytest.mark.parametrize("broken", [CountsFromTheAnswer, TakesEarly, BelievesUnknown, IgnoresLapse])
def test_a_lease_with_a_rule_taken_away_is_caught(broken: type[Lease]) -> None:
    with pytest.raises(AssertionError, match=r"hold the lease|won twice"):
        run_seeds(300, 400, broken)


def run_seeds(seeds: int, steps: int, make: Make) -> None:
    for seed in range(seeds):
        World(seed, make).run(steps)


def test_two_processes_of_one_name_never_hold_it_together() -> None:
    def same_name(**options: object) -> Lease:
        return Lease(**(options | {"node": "twin"}))  # type: ignore[arg-type]

    run_seeds(100, 300, same_name)

    def same_name_broken(**options: object) -> Lease:
        return TakesItsOwnNameBack(**(options | {"node": "twin"}))  # type: ignore[arg-type]

    with pytest.raises(AssertionError, match=r"hold the lease|won twice"):
        run_seeds(100, 300, same_name_broken)


class NoMargin(Lease):
    """Acts until the very end of the ttl, and a little longer than its clock may be trusted."""

    def valid(self, now: int) -> bool:
        return self._holding and now < self._until + MARGIN_US


def pause_everywhere(holders: type[Lease]) -> None:
    """A holder with the slowest clock is paused at each 50 ms of its term for each length; a candidate with the fastest polls."""
    for start in range(0, 2_000_000, 50_000):
        for length in range(0, 4_000_000, 250_000):
            pause(holders, start, length)


def pause(holders: type[Lease], start: int, length: int) -> None:
    clocks = {holders(node="a"): 1 - DRIFT, holders(node="b"): 1 + DRIFT}
    stored: tuple[int, bytes | None] = (0, None)
    for true in range(0, 8_000_000, 50_000):
        for place, (lease, rate) in enumerate(clocks.items()):
            if place == 0 and start <= true < start + length:
                continue
            now = int(true * rate)
            todo = lease.tick(now)
            while todo:
                output = todo.pop(0)
                if isinstance(output, Read):
                    todo += lease.read(now, *stored)
                elif isinstance(output, Write):
                    done = output.revision == stored[0]
                    if done:
                        stored = (stored[0] + 1, output.value)
                    todo += lease.written(now, stored[0] if done else None)
        valid = [lease for lease, rate in clocks.items() if lease.valid(int(true * rate))]
        assert len(valid) <= 1, f"both hold the lease at {true}: paused at {start} for {length}"
    assert len(valid) == 1
    assert length > 1_250_000 or valid[0].epoch == 1, "a pause that leaves time to renew changes nothing"


def test_a_pause_of_any_length_at_any_point_of_a_term_leaves_no_second_holder() -> None:
    pause_everywhere(Lease)


def test_without_its_margin_a_lease_is_caught() -> None:
    with pytest.raises(AssertionError, match="both hold the lease"):
        pause_everywhere(NoMargin)


def test_what_stands_in_the_bucket_is_readable_by_people() -> None:
    assert LeaseValue("a", 3, TTL_US, 7) == LeaseValue(holder="a", epoch=3, ttl_us=2_000_000, beat=7)
    assert Lost("x") != Lost("y")
