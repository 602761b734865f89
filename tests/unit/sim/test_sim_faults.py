"""What each fault does to the messages of a connection, and when it ends."""

import json
from typing import Any

import pytest

from support.betfair_messages import change, runner
from touchline.sim.faults import Fault, FaultBoard, FaultKind, Wire

S = 1_000_000
DELTA = {
    "op": "mcm",
    "id": 1,
    "pt": 1_000,
    "clk": "c",
    "mc": [change("1.1", runner(1, atb=[[2.0, 1]]), runner(2, atb=[[3.0, 1]]))],
}
BEAT = {"op": "mcm", "id": 1, "pt": 1_000, "clk": "c", "ct": "HEARTBEAT"}
IMAGE = {**DELTA, "ct": "SUB_IMAGE"}
STATUS = {"op": "status", "id": 1, "statusCode": "SUCCESS"}


def wire(*faults: Fault, provider: str = "a") -> Wire:
    board = FaultBoard()
    for fault in faults:
        board.add(fault)
    return Wire(board, provider)


def lines(payload: bytes) -> list[bytes]:
    assert payload == b"" or payload.endswith(b"\r\n")
    return payload.split(b"\r\n")[:-1]


def through(fault: Fault, *messages: dict[str, Any], at: int = 0) -> list[bytes]:
    way = wire(fault)
    way.send(at, list(messages), segmentation=True)
    return lines(way.due(at))


def test_without_faults_messages_pass_as_they_are() -> None:
    way = wire()
    way.send(0, [DELTA, BEAT])
    assert [json.loads(line) for line in lines(way.due(0))] == [DELTA, BEAT]
    assert way.due(0) == b""


def test_a_delay_holds_messages_back_and_keeps_their_order() -> None:
    fault = Fault(FaultKind.DELAY, until=S, by_us=2 * S)
    way = wire(fault)
    way.send(0, [DELTA])
    way.send(S + 1, [BEAT])
    assert way.due(2 * S - 1) == b""
    assert [json.loads(line) for line in lines(way.due(2 * S))] == [DELTA, BEAT], "nothing overtakes on one connection"


def test_a_gap_loses_changes_but_the_heart_beats_on_and_images_and_answers_come() -> None:
    got = [json.loads(line) for line in through(Fault(FaultKind.GAP), DELTA, BEAT, IMAGE, STATUS)]
    assert [message.get("ct", message["op"]) for message in got] == ["HEARTBEAT", "HEARTBEAT", "SUB_IMAGE", "status"]
    assert "mc" not in got[0]


def test_silence_holds_everything_until_it_ends() -> None:
    way = wire(Fault(FaultKind.SILENCE, until=5 * S))
    way.send(0, [STATUS, DELTA, BEAT])
    assert way.due(5 * S - 1) == b""
    assert len(lines(way.due(5 * S))) == 3


def test_a_503_rides_on_changes_and_heartbeats_only() -> None:
    got = [json.loads(line) for line in through(Fault(FaultKind.STATUS_503), DELTA, BEAT, STATUS)]
    assert [message.get("status") for message in got] == [503, 503, None]


def test_segments_together_hold_what_the_message_held() -> None:
    got = [json.loads(line) for line in through(Fault(FaultKind.SEGMENTED), DELTA)]
    assert [message["segmentType"] for message in got] == ["SEG_START", "SEG_END"]
    assert [part["rc"][0]["id"] for message in got for part in message["mc"]] == [1, 2]


def test_a_message_of_one_runner_is_segmented_too() -> None:
    small = {**DELTA, "mc": [change("1.1", runner(1, atb=[[2.0, 1]]))]}
    got = [json.loads(line) for line in through(Fault(FaultKind.SEGMENTED), small)]
    assert [message["segmentType"] for message in got] == ["SEG_START", "SEG_END"]
    assert [len(message["mc"]) for message in got] == [1, 0]


def test_a_subscriber_that_takes_no_segments_gets_none() -> None:
    way = wire(Fault(FaultKind.SEGMENTED))
    way.send(0, [DELTA], segmentation=False)
    assert len(lines(way.due(0))) == 1


def test_a_duplicate_is_the_same_line_twice() -> None:
    first, second = through(Fault(FaultKind.DUPLICATE), DELTA)
    assert first == second


def test_as_many_changes_as_asked_for_are_corrupted_and_the_fault_ends() -> None:
    board = FaultBoard()
    board.add(Fault(FaultKind.CORRUPT, count=2))
    way = Wire(board, "a")
    way.send(0, [DELTA, DELTA, DELTA, BEAT])
    got = lines(way.due(0))
    for line in got[:2]:
        with pytest.raises(ValueError, match=r".+"):
            json.loads(line)
    assert json.loads(got[2]) == DELTA
    assert [fault.kind for fault in board.expire(1)] == [FaultKind.CORRUPT]


@pytest.mark.parametrize(("by_us", "expected"), [(2_500_000, 3_500), (-2_500_000, -1_500)])
def test_a_skewed_clock_shifts_publish_times(by_us: int, expected: int) -> None:
    got = through(Fault(FaultKind.CLOCK_SKEW, by_us=by_us), DELTA, BEAT)
    assert [json.loads(line)["pt"] for line in got] == [expected, expected]


def test_a_fault_concerns_its_provider_and_ends_in_time() -> None:
    board = FaultBoard()
    board.add(Fault(FaultKind.GAP, "a", until=S))
    assert board.active(0, "a", FaultKind.GAP) is not None
    assert board.active(0, "b", FaultKind.GAP) is None
    assert board.active(S, "a", FaultKind.GAP) is None
    assert len(board.expire(S)) == 1
    assert board.all(S) == []


def test_clearing_one_provider_leaves_the_faults_of_others() -> None:
    board = FaultBoard()
    for provider in ("a", "b", ""):
        board.add(Fault(FaultKind.GAP, provider))
    board.clear("a")
    assert [fault.provider for fault in board.all(0)] == ["b"]
    board.clear()
    assert board.all(0) == []


def test_what_is_held_on_a_connection_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("touchline.sim.faults.WIRE_BYTES", 1000)
    way = wire(Fault(FaultKind.SILENCE))
    for _ in range(20):
        way.send(0, [DELTA])
    assert way.overflowed


def test_a_fault_counts_what_it_touched() -> None:
    fault = Fault(FaultKind.GAP)
    through(fault, DELTA, DELTA, BEAT)
    assert fault.hits == 2
