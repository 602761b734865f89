"""Replaying under a virtual clock: times, heartbeats, the end, further passes, and what is wrong with a recording."""

import pytest

from support.betfair_messages import change, definition, heartbeat, image, line, mcm, runner
from support.feed_outputs import Reader, frame_of, only
from touchline.domain.status import ProviderState, ProviderStatus
from touchline.feeds.interface import Alive, Disposition, Gap, Output, Reconnect, Updates
from touchline.feeds.replay.session import ReplaySession

S = 1_000_000
WALL = 1_800_000_000 * S


class Replay:
    """A replay whose clocks move only when told to; both start at round figures."""

    def __init__(self, *, speed: float | None = 1.0, loop: bool = False) -> None:
        self.now, self.wall = 50 * S, WALL
        self.session = ReplaySession("match.bz2", speed=speed, heartbeat_us=S, loop=loop)
        self.reader = Reader()
        self.take(self.session.connected(self.now, self.wall))

    def take(self, outputs: list[Output]) -> list[Output]:
        self.reader.take(outputs)
        return outputs

    def receive(self, frame: bytes, *, after: int = 0) -> list[Output]:
        self.now += after
        self.wall += after
        return self.take(self.session.received(self.now, self.wall, frame))

    def tick(self, *, after: int) -> list[Output]:
        self.now += after
        self.wall += after
        return self.take(self.session.tick(self.now, self.wall))

    def disconnected(self) -> list[Output]:
        return self.take(self.session.disconnected(self.now, self.wall, "it broke off"))


def published(outputs: list[Output]) -> int:
    (updates,) = only(outputs, Updates)
    assert all(update.publish_us == updates.publish_us for update in updates.updates)
    return updates.publish_us


@pytest.mark.parametrize(("speed", "expected"), [(1.0, 10 * S), (10.0, S), (0.5, 20 * S)])
def test_publish_times_are_moved_to_now_and_stretched_by_the_speed(speed: float, expected: int) -> None:
    replay = Replay(speed=speed)
    assert published(replay.receive(mcm(image(), pt=1_000_000))) == WALL
    later = replay.receive(mcm(change("1.1", runner(1, atb=[[3.0, 1]])), pt=1_010_000), after=25 * S)
    assert published(later) == WALL + expected, "however late it was received"


def test_as_fast_as_it_goes_everything_is_published_when_it_is_received() -> None:
    replay = Replay(speed=None)
    replay.receive(mcm(image(), pt=1_000_000))
    later = replay.receive(mcm(change("1.1", runner(1, atb=[[3.0, 1]])), pt=99_000_000), after=7)
    assert published(later) == WALL + 7


def test_a_replay_is_connected_from_its_first_frame_on() -> None:
    replay = Replay()
    assert replay.reader.state is ProviderState.RECOVERING
    replay.receive(mcm(image()))
    assert replay.reader.states == [ProviderState.RECOVERING, ProviderState.CONNECTED]


def test_heartbeats_are_added_also_after_the_last_line() -> None:
    replay = Replay()
    replay.receive(mcm(image()))
    assert replay.tick(after=S - 1) == []
    assert replay.tick(after=1) == [Alive(WALL + S)]
    assert replay.tick(after=S // 2) == []
    for _ in range(100):
        assert len(only(replay.tick(after=S), Alive)) == 1
    assert replay.reader.state is ProviderState.CONNECTED


def test_no_heartbeat_is_added_before_there_is_anything_to_prove() -> None:
    replay = Replay()
    assert replay.tick(after=60 * S) == []


def test_recorded_heartbeats_and_controls_are_passed_over() -> None:
    replay = Replay()
    assert frame_of(replay.receive(heartbeat()))[:2] == (Disposition.ACCEPTED, "HEARTBEAT")
    assert frame_of(replay.receive(line(op="connection", connectionId="x")))[:2] == (Disposition.IGNORED, "Control")
    assert frame_of(replay.receive(line(op="status", statusCode="SUCCESS")))[:2] == (Disposition.IGNORED, "Control")
    assert frame_of(replay.receive(line(op="ccm", clk="1", pt=1, cc=[])))[:2] == (Disposition.IGNORED, "NotMarketData")
    assert frame_of(replay.receive(line(op="hello")))[:2] == (Disposition.QUARANTINED, "UnknownOperation")


def test_a_recorded_503_holds_and_ends() -> None:
    replay = Replay()
    replay.receive(mcm(image()))
    replay.receive(line(op="mcm", status=503))
    assert replay.reader.state is ProviderState.UNRELIABLE
    replay.receive(mcm(change("1.1", runner(1, atb=[[3.0, 1]]))))
    assert replay.reader.state is ProviderState.CONNECTED


def test_a_corrupt_line_is_quarantined_by_name_and_the_rest_goes_on() -> None:
    replay = Replay()
    replay.receive(mcm(image()))
    frame = frame_of(outputs := replay.receive(b'{"op":"mcm","mc":[{"id"'))
    assert frame[:2] == (Disposition.QUARANTINED, "MalformedMessage")
    assert "match.bz2, frame 2" in frame.detail
    assert only(outputs, Gap) == []
    replay.receive(mcm(change("1.1", runner(1, atb=[[3.0, 1]]))))
    assert replay.reader.price("1.1", "1") == 3_000_000
    assert replay.reader.state is ProviderState.CONNECTED


def test_changes_of_markets_that_nobody_defined_are_ignored_by_a_rule() -> None:
    replay = Replay()
    outputs = replay.receive(mcm(change("1.9", runner(1, atb=[[2.0, 5]]))))
    assert frame_of(outputs) == (Disposition.IGNORED, "MarketNotDefined", "1.9")
    assert replay.reader.markets == {}
    both = replay.receive(mcm(change("1.9", runner(1, atb=[[2.2, 5]])), image("1.1")))
    assert frame_of(both).disposition is Disposition.ACCEPTED
    replay.receive(mcm(change("1.9", definition=definition())))
    assert replay.reader.price("1.9", "1") == 2_200_000


def test_an_image_in_a_recording_replaces_the_markets_that_it_names_and_no_others() -> None:
    replay = Replay()
    replay.receive(mcm(image("1.1"), ct="SUB_IMAGE"))
    replay.receive(mcm(image("1.2"), ct="SUB_IMAGE"))
    assert list(replay.reader.markets) == ["1.1", "1.2"]


def test_segments_are_applied_as_one_in_a_recording_too() -> None:
    replay = Replay()
    assert only(replay.receive(mcm(image("1.1"), segmentType="SEG_START")), Updates) == []
    (updates,) = only(replay.receive(mcm(image("1.2"), segmentType="SEG_END")), Updates)
    assert [update.market for update in updates.updates] == ["1.1", "1.2"]
    assert frame_of(replay.receive(mcm(image("1.3"), segmentType="SEG"))).rule == "BrokenSegment"


def test_a_book_that_stays_crossed_is_quarantined_once_and_told_as_it_is() -> None:
    replay = Replay()
    replay.receive(mcm(image("1.1"), pt=1_000_000))
    replay.receive(mcm(change("1.1", runner(2, atb=[[5.0, 5]])), pt=1_001_000))
    frame = frame_of(replay.receive(mcm(change("1.1", runner(1, atb=[[1.5, 5]])), pt=1_002_000)))
    assert frame[:2] == (Disposition.QUARANTINED, "CrossedBook")
    assert "market 1.1, runner 2" in frame.detail
    assert frame_of(replay.receive(mcm(change("1.1", runner(1, atb=[[1.4, 5]])), pt=1_009_000))).rule == "Delta"
    assert replay.reader.price("1.1", "2") == 5_000_000


def test_the_change_of_an_older_version_under_another_event_is_left_out_and_said_so() -> None:
    replay = Replay()
    replay.receive(mcm(image(event="29", version=5, price=2.0)))
    frame = frame_of(replay.receive(mcm(image(event="31", version=4, price=9.0))))
    assert frame.disposition is Disposition.ACCEPTED
    assert "older version" in frame.detail
    assert replay.reader.markets["1.1"].event_id == "29"


def test_a_file_that_could_not_be_opened_is_tried_again_slowly() -> None:
    replay = Replay()
    (reconnect,) = only(replay.disconnected(), Reconnect)
    assert reconnect.permanent
    assert reconnect.after_us == 60 * S


def test_a_file_that_broke_off_has_ended_and_says_so() -> None:
    replay = Replay()
    replay.receive(mcm(image()))
    outputs = replay.disconnected()
    assert only(outputs, Reconnect) == []
    assert replay.reader.state is ProviderState.DISCONNECTED
    assert replay.tick(after=10 * S) == []


def test_a_further_pass_takes_back_the_settlements_of_the_one_before() -> None:
    replay = Replay(loop=True)
    settled = definition(status="CLOSED")
    for place, result in enumerate(["WINNER", "LOSER"]):
        settled["runners"][place]["status"] = result
    for turn in range(3):
        (first,) = only(replay.receive(mcm(image(price=2.0))), Updates)
        assert [update.rollback for update in first.updates] == [turn > 0]
        (last,) = only(replay.receive(mcm(change("1.1", definition=settled))), Updates)
        assert [update.rollback for update in last.updates] == [False]
        assert replay.reader.status("1.1") is ProviderStatus.SETTLED
        (reconnect,) = only(replay.disconnected(), Reconnect)
        assert not reconnect.permanent
        replay.take(replay.session.connected(replay.now, replay.wall))
        assert replay.reader.state is ProviderState.RECOVERING
