"""The Exchange Stream session under a virtual clock: what was lost or could not be read is noticed and asked for."""

from typing import Any

from support.betfair_line import Line, S, sent
from support.betfair_messages import change, definition, heartbeat, image, mcm, runner
from support.feed_outputs import frame_of, only
from touchline.domain.status import ProviderState
from touchline.feeds.interface import Disposition, Gap, Output, Reconnect


def last_request(stream: Line, outputs: list[Output]) -> dict[str, Any]:
    (request,) = sent(outputs)
    assert request["op"] == "marketSubscription"
    assert "clk" not in request, "the clock has moved past what was lost"
    assert stream.reader.state is ProviderState.RECOVERING
    return request


def test_an_unreadable_message_is_quarantined_and_a_fresh_image_is_asked_for() -> None:
    stream = Line()
    stream.streaming()
    outputs = stream.receive(b'{"op":"mcm","id":2,"mc":[{"id":"1.1"')
    assert frame_of(outputs)[:2] == (Disposition.QUARANTINED, "MalformedMessage")
    assert len(only(outputs, Gap)) == 1
    request = last_request(stream, outputs)
    stream.receive(mcm(change("1.1", runner(1, atb=[[9.0, 5]])), id=request["id"] - 1, clk="c9"))
    stream.receive(mcm(image(price=4.0), ct="SUB_IMAGE", id=request["id"], clk="n1", initialClk="n"))
    assert stream.reader.price("1.1", "1") == 4_000_000
    assert stream.reader.state is ProviderState.CONNECTED


def test_a_change_of_a_market_whose_image_never_came_is_a_gap() -> None:
    stream = Line()
    identity = stream.streaming()
    outputs = stream.receive(mcm(change("1.9", runner(1, atb=[[2.0, 5]])), id=identity, clk="c2"))
    (gap,) = only(outputs, Gap)
    assert "1.9" in gap.detail
    last_request(stream, outputs)


def test_a_new_market_with_its_image_is_not_a_gap() -> None:
    stream = Line()
    identity = stream.streaming()
    outputs = stream.receive(mcm(image("1.9"), id=identity, clk="c2"))
    assert only(outputs, Gap) == []
    assert list(stream.reader.markets) == ["1.1", "1.9"]


def test_a_broken_segment_is_a_gap() -> None:
    stream = Line()
    identity = stream.streaming()
    outputs = stream.receive(mcm(change("1.1", tv=1), id=identity, clk="c2", segmentType="SEG_END"))
    assert frame_of(outputs)[:2] == (Disposition.QUARANTINED, "BrokenSegment")
    assert len(only(outputs, Gap)) == 1
    last_request(stream, outputs)


def test_a_partly_unreadable_message_is_applied_quarantined_and_recovered_from() -> None:
    stream = Line()
    identity = stream.streaming()
    outputs = stream.receive(mcm(change("1.1", {"atb": [[5.0, 1]]}, runner(1, atb=[[3.0, 5]])), id=identity, clk="c2"))
    assert frame_of(outputs)[:2] == (Disposition.QUARANTINED, "PartlyRefused")
    assert stream.reader.price("1.1", "1") == 3_000_000
    last_request(stream, outputs)


def test_a_book_that_stays_crossed_is_a_gap_whatever_the_publish_times_say() -> None:
    stream = Line()
    identity = stream.streaming()
    outputs = stream.receive(mcm(change("1.1", runner(2, atb=[[5.0, 5]])), pt=10_000, id=identity, clk="c2"))
    assert only(outputs, Gap) == []
    stream.receive(heartbeat(pt=5_000, id=identity, clk="c3"))
    assert only(stream.tick(after=S - 1_001), Gap) == []
    outputs = stream.tick(after=1)
    (gap,) = only(outputs, Gap)
    assert "1.1, runner 2" in gap.detail
    last_request(stream, outputs)


def test_a_book_that_is_crossed_for_a_moment_is_not_a_gap() -> None:
    stream = Line()
    identity = stream.streaming()
    stream.receive(mcm(change("1.1", runner(2, atb=[[5.0, 5]])), id=identity, clk="c2"))
    stream.receive(mcm(change("1.1", runner(2, atl=[[2.02, 0], [5.1, 4]])), id=identity, clk="c3"))
    stream.receive(heartbeat(id=identity, clk="c4"), after=S)
    assert only(stream.tick(after=S), Gap) == []


def test_a_book_that_the_provider_itself_shows_crossed_is_not_a_gap() -> None:
    stream = Line()
    crossed = change("1.1", runner(1, atb=[[3.0, 1]], atl=[[2.0, 1]]), definition=definition(), img=True)
    identity = stream.streaming(crossed)
    stream.receive(mcm(change("1.1", runner(1, atb=[[2.9, 1]])), id=identity, clk="c2"), after=S)
    assert only(stream.tick(after=S // 2), Gap) == []


def test_a_second_loss_moments_after_the_first_drops_the_connection() -> None:
    stream = Line()
    stream.streaming()
    stream.receive(b"junk")
    outputs = stream.receive(b"junk", after=S)
    assert frame_of(outputs).disposition is Disposition.QUARANTINED
    (reconnect,) = only(outputs, Reconnect)
    assert not reconnect.permanent
    assert stream.reader.state is ProviderState.DISCONNECTED
    assert frame_of(stream.receive(b"junk"))[:2] == (Disposition.IGNORED, "AfterClose")
