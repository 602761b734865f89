"""The Lease between replicas: at every instant at most one may write, whatever is lost, late, or paused."""

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from touchline_operator.run.lease import Lease, Read, Write

SECOND = 1_000_000
DURATION, RENEW, MARGIN = 15 * SECOND, 2 * SECOND, 5 * SECOND


def lease(name: str) -> Lease:
    return Lease(name, duration_us=DURATION, renew_us=RENEW, margin_us=MARGIN)


@dataclass
class Store:
    """The API server's one object: compare-and-set by version."""

    version: int = 0
    holder: str = ""
    transitions: int = 0

    def answer(self, replica: Lease, question: Read | Write, now: int) -> None:
        if isinstance(question, Read):
            replica.read(now, str(self.version or ""), self.holder, self.transitions)
            return
        replica.written(now, self.store(question))

    def store(self, write: Write) -> str | None:
        if write.version != str(self.version or ""):
            return None
        self.version, self.holder, self.transitions = self.version + 1, write.holder, write.transitions
        return str(self.version)


def settle(replica: Lease, store: Store, now: int) -> None:
    while (question := replica.tick(now)) is not None:
        store.answer(replica, question, now)


def test_32_the_first_replica_takes_the_lease_and_the_second_waits() -> None:
    store, one, two = Store(), lease("one"), lease("two")
    settle(one, store, 0)
    settle(two, store, 0)
    assert one.holds(0)
    assert not two.holds(0)
    for now in range(0, 60 * SECOND, SECOND):
        settle(one, store, now)
        settle(two, store, now)
        assert (one.holds(now), two.holds(now)) == (True, False)
    assert store.transitions == 0


def test_32_a_dead_leader_is_replaced_within_the_lease_and_not_earlier() -> None:
    store, one, two = Store(), lease("one"), lease("two")
    settle(one, store, 0)
    settle(two, store, 1)
    took = next(now for now in range(0, 60 * SECOND, 100_000) if settle(two, store, now) is None and two.holds(now))
    assert DURATION <= took <= DURATION + RENEW
    assert store.transitions == 1


def test_32_a_leader_that_gives_up_is_replaced_at_once() -> None:
    store, one, two = Store(), lease("one"), lease("two")
    settle(one, store, 0)
    settle(two, store, 0)
    question = one.release()
    assert question is not None
    store.answer(one, question, 1)
    assert not one.holds(1)
    settle(two, store, RENEW)
    assert two.holds(RENEW)


def test_33_a_leader_whose_renewals_are_not_answered_stops_before_its_lease_can_be_taken() -> None:
    store, one = Store(), lease("one")
    settle(one, store, 0)
    last = 0
    for now in range(0, 40 * SECOND, 100_000):
        if one.tick(now) is not None:
            one.failed(now)
        if one.holds(now):
            last = now
    assert last < DURATION - MARGIN


def test_33_authority_counts_from_before_the_renewal_was_sent_not_from_its_answer() -> None:
    store, one = Store(), lease("one")
    settle(one, store, 0)
    question = one.tick(RENEW)
    assert isinstance(question, Write)
    store.answer(one, question, 9 * SECOND)  # seven seconds on the way
    assert one.holds(RENEW + DURATION - MARGIN - 1)
    assert not one.holds(RENEW + DURATION - MARGIN)


@dataclass
class Replica:
    name: str
    clock: int = 0
    machine: Lease = field(init=False)
    waiting: list[tuple[int, Read | Write, str | None, tuple[str, str, int]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.machine = lease(self.name)


HOW = ["ok", "ok", "ok", "ok", "late", "late", "lost", "answer lost", "pause"]


@settings(max_examples=150)
@given(st.lists(st.tuples(st.integers(0, 1), st.sampled_from(HOW), st.integers(1, 25)), min_size=30, max_size=120))
def test_33_never_two_replicas_may_write_at_one_instant(steps: list[tuple[int, str, int]]) -> None:
    """Questions and answers are delayed and lost, replicas stand still; each asks itself `holds` when it would write."""
    store, replicas = Store(), [Replica("one"), Replica("two")]
    now = 0
    open_questions: list[tuple[Replica, Write | Read]] = []
    for number, how, tenths in steps:
        now += tenths * 100_000
        replica = replicas[number]
        holders = [each.name for each in replicas if each.machine.holds(now)]
        assert len(holders) <= 1, f"{holders} at {now}"
        if how == "pause":
            now += tenths * SECOND // 2
            continue
        late = next((each for each in open_questions if each[0] is replica), None)
        if late is not None:
            open_questions.remove(late)
            store.answer(replica.machine, late[1], now)
            continue
        question = replica.machine.tick(now)
        if question is None:
            continue
        if how == "ok":
            store.answer(replica.machine, question, now)
        elif how == "late":
            open_questions.append((replica, question))
        else:
            if how == "answer lost" and isinstance(question, Write):
                store.store(question)
            replica.machine.failed(now)
