"""Virtual time, processes that are paused and killed, and a broker whose connections are in order."""

from collections.abc import Callable

import pytest

from touchline.simulation.broker import Broker, Reply, matches
from touchline.simulation.node import Node
from touchline.simulation.patching import Patch, patched
from touchline.simulation.scheduler import MILLISECOND, SECOND, Scheduler
from touchline.simulation.trace import Trace


class Listener(Node):
    """A process that writes down what reaches it."""

    def boot(self) -> None:
        self.heard: list[bytes] = []

    def take(self, _subject: str, payload: bytes, _reply: Reply | None) -> None:
        self.heard.append(payload)


def _world() -> tuple[Scheduler, Broker, Callable[[str], Listener]]:
    scheduler = Scheduler(7)
    trace = Trace(scheduler)

    def node(name: str) -> Listener:
        made = Listener(name, scheduler, trace)
        made.start()
        return made

    return scheduler, Broker(scheduler, trace), node


def test_actions_run_in_the_order_of_their_times_and_of_their_planning() -> None:
    scheduler = Scheduler(1)
    done: list[str] = []
    scheduler.at(20, done.append, "late")
    scheduler.at(10, done.append, "early")
    scheduler.at(10, done.append, "early, too")
    scheduler.run(15)
    assert done == ["early", "early, too"]
    assert scheduler.now == 15
    scheduler.run(20)
    assert done[-1] == "late"


def test_a_connection_delivers_in_order_whatever_the_delays() -> None:
    scheduler, broker, node = _world()
    sender, receiver = node("a"), node("b")
    source, target = broker.connect(sender), broker.connect(receiver)
    broker.subscribe(target, "odds.*.*", receiver.take)
    for number in range(200):
        broker.publish(source, "odds.0.alpha", b"%d" % number)
    scheduler.run(SECOND)
    assert receiver.heard == [b"%d" % number for number in range(200)]


def test_a_paused_process_takes_everything_when_it_goes_on_and_a_killed_one_nothing() -> None:
    scheduler, broker, node = _world()
    sender, paused, killed = node("a"), node("b"), node("c")
    source = broker.connect(sender)
    for receiver in (paused, killed):
        broker.subscribe(broker.connect(receiver), "x", receiver.take)
    paused.pause()
    killed.kill()
    broker.publish(source, "x", b"1")
    scheduler.run(SECOND)
    assert paused.heard == []
    paused.resume()
    assert paused.heard == [b"1"]
    assert killed.heard == []


def test_what_a_paused_process_was_about_to_do_comes_before_what_arrived() -> None:
    _, _, node = _world()
    process = node("a")
    process.pause()
    process.handle(process.heard.append, b"arrived")
    process.effect(process.heard.append, b"was about to")
    process.resume()
    assert process.heard == [b"was about to", b"arrived"]


def test_a_timer_of_a_former_incarnation_never_fires() -> None:
    scheduler, _, node = _world()
    process = node("a")
    process.timer(10 * MILLISECOND, process.take, "", b"old", None)
    process.kill()
    process.start()
    scheduler.run(SECOND)
    assert process.heard == []


def test_a_broken_connection_loses_what_is_on_its_way_down_and_works_again_afterwards() -> None:
    scheduler, broker, node = _world()
    sender, receiver = node("a"), node("b")
    source, target = broker.connect(sender), broker.connect(receiver)
    broker.subscribe(target, "x", receiver.take)
    broker.stall(target, 300 * MILLISECOND)
    broker.publish(source, "x", b"lost")
    scheduler.run(100 * MILLISECOND)
    broker.cut(target, 50 * MILLISECOND)
    scheduler.run(SECOND)
    broker.publish(source, "x", b"arrives")
    scheduler.run(2 * SECOND)
    assert receiver.heard == [b"arrives"]


def test_a_crash_of_the_broker_loses_requests_and_everybody_reconnects() -> None:
    scheduler, broker, node = _world()
    asker = node("a")
    connection = broker.connect(asker)
    answers: list[int] = []
    broker.ask(connection, lambda: 1, answers.append)
    broker.crash(100 * MILLISECOND)
    scheduler.run(SECOND)
    assert answers == []
    assert connection.up
    broker.ask(connection, lambda: 2, answers.append)
    scheduler.run(2 * SECOND)
    assert answers == [2]


@pytest.mark.parametrize(
    ("pattern", "subject", "expected"),
    [
        ("beat.0", "beat.0", True),
        ("odds.*.*", "odds.beat.alpha", True),
        ("odds.*.*", "odds.0", False),
        ("book.>", "book.0.Football.x.e1.MatchWinner", True),
        ("book.>", "book", False),
        ("beat.*", "beat.0.1", False),
    ],
)
def test_wildcards_match_as_those_of_nats_do(pattern: str, subject: str, *, expected: bool) -> None:
    assert matches(pattern, subject) is expected


def test_a_patch_is_taken_back_and_one_that_has_lost_its_target_is_refused() -> None:
    class Machine:
        limit = 1

    with patched([Patch(Machine, "limit", 2)]):
        assert Machine.limit == 2
    assert Machine.limit == 1
    with pytest.raises(AttributeError, match="no speed of its own"), patched([Patch(Machine, "speed", 2)]):
        pass
