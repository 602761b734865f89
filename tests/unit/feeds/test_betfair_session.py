"""The Exchange Stream session under a virtual clock: from the greeting to prices, segments, clocks and resuming."""

from typing import Any

import pytest

from support.betfair_line import Line, S, sent
from support.betfair_messages import change, heartbeat, image, line, mcm, runner
from support.feed_outputs import frame_of, only
from touchline.domain.status import ProviderState
from touchline.feeds.interface import Alive, Disposition, Reconnect, State, Updates

# From the greeting to prices


def test_nothing_is_sent_before_the_greeting_and_then_the_credentials() -> None:
    stream = Line()
    assert sent(stream.connected()) == []
    (request,) = sent(stream.receive(line(op="connection", connectionId="002-1")))
    assert request == {"op": "authentication", "id": 1, "appKey": "the-app-key", "session": "the-token"}


def test_after_authentication_the_markets_are_subscribed_to() -> None:
    request = Line(
        market_filter={"eventTypeIds": ["1"]}, heartbeat_ms=500, conflate_ms=50, segmentation=False
    ).subscribed()
    assert request == {
        "op": "marketSubscription",
        "id": 2,
        "marketFilter": {"eventTypeIds": ["1"]},
        "marketDataFilter": {"fields": ["EX_ALL_OFFERS", "EX_MARKET_DEF"]},
        "heartbeatMs": 500,
        "conflateMs": 50,
        "segmentationEnabled": False,
    }


def test_the_feed_recovers_until_the_image_has_come_and_then_is_connected() -> None:
    stream = Line()
    identity = stream.subscribed()["id"]
    assert stream.reader.state is ProviderState.RECOVERING
    outputs = stream.receive(mcm(image(price=2.5), ct="SUB_IMAGE", id=identity, clk="c", initialClk="i"))
    kinds = [type(output) for output in outputs]
    assert kinds.index(Updates) < kinds.index(State), "the image is told before the recovery is declared complete"
    assert stream.reader.states == [ProviderState.RECOVERING] * 2 + [ProviderState.CONNECTED]
    assert stream.reader.price("1.1", "1") == 2_500_000


def test_an_empty_image_is_complete_too() -> None:
    stream = Line()
    identity = stream.subscribed()["id"]
    stream.receive(mcm(ct="SUB_IMAGE", id=identity))
    assert stream.reader.state is ProviderState.CONNECTED


def test_every_frame_has_one_disposition_and_a_heartbeat_proves_life() -> None:
    stream = Line()
    identity = stream.streaming()
    outputs = stream.receive(heartbeat(pt=5_000, id=identity, clk="c2"))
    assert frame_of(outputs) == (Disposition.ACCEPTED, "HEARTBEAT", "")
    assert only(outputs, Alive) == [Alive(5_000_000)]
    assert only(outputs, Updates) == []


def test_a_delta_is_told_with_its_publish_time_in_microseconds() -> None:
    stream = Line()
    identity = stream.streaming()
    outputs = stream.receive(mcm(change("1.1", runner(1, atb=[[3.0, 5]])), pt=1_234, id=identity, clk="c2"))
    (updates,) = only(outputs, Updates)
    assert updates.publish_us == 1_234_000
    assert stream.reader.price("1.1", "1") == 3_000_000


def test_two_messages_may_share_a_publish_time() -> None:
    stream = Line()
    identity = stream.streaming()
    stream.receive(mcm(change("1.1", runner(1, atb=[[3.0, 5]])), pt=2_000, id=identity, clk="c2"))
    stream.receive(mcm(change("1.1", runner(1, atb=[[3.5, 5]])), pt=2_000, id=identity, clk="c3"))
    assert stream.reader.price("1.1", "1") == 3_500_000


def test_an_image_in_mid_stream_replaces_everything() -> None:
    stream = Line()
    identity = stream.streaming(image("1.1"), image("1.2"))
    stream.receive(mcm(image("1.2", price=4.0), ct="SUB_IMAGE", id=identity, clk="c2", initialClk="i2"))
    assert list(stream.reader.markets) == ["1.2"]
    assert stream.reader.price("1.2", "1") == 4_000_000
    assert stream.reader.state is ProviderState.CONNECTED


def test_messages_of_an_earlier_subscription_are_ignored() -> None:
    stream = Line()
    identity = stream.streaming()
    outputs = stream.receive(mcm(change("1.1", runner(1, atb=[[9.0, 5]])), id=identity - 1, clk="c2"))
    assert frame_of(outputs)[:2] == (Disposition.IGNORED, "OtherSubscription")
    assert stream.reader.price("1.1", "1") == 2_000_000


@pytest.mark.parametrize("op", ["ocm", "rcm", "ccm"])
def test_orders_races_and_scores_are_ignored_by_a_rule(op: str) -> None:
    stream = Line()
    stream.streaming()
    assert frame_of(stream.receive(line(op=op, id=2, clk="x", pt=1)))[:2] == (Disposition.IGNORED, "NotMarketData")


def test_an_unknown_operation_is_quarantined() -> None:
    stream = Line()
    stream.streaming()
    assert frame_of(stream.receive(line(op="surprise")))[:2] == (Disposition.QUARANTINED, "UnknownOperation")


def test_a_change_message_before_the_subscription_is_quarantined() -> None:
    stream = Line()
    stream.connected()
    outputs = stream.receive(mcm(image(), ct="SUB_IMAGE"))
    assert frame_of(outputs)[:2] == (Disposition.QUARANTINED, "OutOfTurn")
    assert stream.reader.markets == {}


def test_a_message_that_comes_twice_is_applied_once() -> None:
    stream = Line()
    identity = stream.streaming()
    stream.receive(up := mcm(change("1.1", runner(1, atb=[[3.0, 5]])), id=identity, clk="c2"))
    stream.receive(mcm(change("1.1", runner(1, atb=[[3.0, 0]])), id=identity, clk="c3"))
    assert frame_of(stream.receive(up))[:2] == (Disposition.IGNORED, "Duplicate")
    assert stream.reader.price("1.1", "1") == 2_000_000


# Segments and clocks


def test_a_segmented_image_is_applied_as_one_and_completes_the_recovery_at_its_end() -> None:
    stream = Line()
    identity = stream.subscribed()["id"]
    for kind, market in (("SEG_START", "1.1"), ("SEG", "1.2")):
        outputs = stream.receive(
            mcm(image(market), ct="SUB_IMAGE", id=identity, segmentType=kind, clk="c0", initialClk="i0")
        )
        assert only(outputs, Updates) == []
        assert stream.reader.state is ProviderState.RECOVERING
    stream.receive(mcm(image("1.3"), ct="SUB_IMAGE", id=identity, segmentType="SEG_END", clk="c1"))
    assert list(stream.reader.markets) == ["1.1", "1.2", "1.3"]
    assert stream.reader.state is ProviderState.CONNECTED


def test_the_clock_moves_only_on_whole_messages_and_last_segments() -> None:
    stream = Line()
    identity = stream.streaming(clk="c1", initial_clk="i1")
    stream.receive(mcm(change("1.1", tv=1.0), id=identity, clk="c2"))
    stream.receive(mcm(change("1.1", runner(1, atb=[[3.0, 5]])), id=identity, clk="c3", segmentType="SEG_START"))
    stream.receive(heartbeat(id=identity, clk="c4"))
    stream.disconnected()
    request = stream.subscribed()
    assert (request["initialClk"], request["clk"]) == ("i1", "c2")
    assert stream.reader.price("1.1", "1") == 2_000_000, "an unfinished message leaves no trace"


def test_the_clock_moves_at_the_end_of_a_segmented_message() -> None:
    stream = Line()
    identity = stream.streaming(clk="c1")
    stream.receive(mcm(change("1.1", runner(1, atb=[[3.0, 5]])), id=identity, clk="c2", segmentType="SEG_START"))
    stream.receive(mcm(change("1.1", runner(1, atb=[[3.0, 0]])), id=identity, clk="c3", segmentType="SEG_END"))
    stream.disconnected()
    assert stream.subscribed()["clk"] == "c3"


def test_the_head_of_a_segmented_image_counts_although_only_its_first_segment_has_it() -> None:
    stream = Line()
    identity = stream.subscribed()["id"]
    head: dict[str, Any] = {"initialClk": "i1", "heartbeatMs": 5000, "conflateMs": 180_000}
    stream.receive(mcm(image("1.1"), ct="SUB_IMAGE", id=identity, segmentType="SEG_START", clk="c1", **head))
    stream.receive(mcm(image("1.2"), ct="SUB_IMAGE", id=identity, segmentType="SEG_END", clk="c1"))
    assert stream.reader.state is ProviderState.UNRELIABLE
    assert only(stream.tick(after=9 * S), Reconnect) == []
    stream.disconnected()
    request = stream.subscribed()
    assert (request["initialClk"], request["clk"]) == ("i1", "c1")


def test_an_image_that_broke_off_leaves_nothing_to_resume_from() -> None:
    stream = Line()
    identity = stream.subscribed()["id"]
    stream.receive(mcm(image("1.1"), ct="SUB_IMAGE", id=identity, segmentType="SEG_START", clk="c1", initialClk="i1"))
    stream.disconnected()
    assert "clk" not in stream.subscribed()


def test_a_message_without_a_clock_leaves_the_stored_one() -> None:
    stream = Line()
    identity = stream.streaming(clk="c1")
    stream.receive(mcm(change("1.1", tv=1.0), id=identity, clk=None))
    stream.disconnected()
    assert stream.subscribed()["clk"] == "c1"


def test_a_resume_repeats_the_criteria_and_gives_every_market_out_again() -> None:
    stream = Line(market_filter={"marketIds": ["1.1", "1.2"]})
    first = stream.subscribed()
    stream.receive(mcm(image("1.1"), image("1.2"), ct="SUB_IMAGE", id=first["id"], clk="c1", initialClk="i1"))
    stream.disconnected()
    assert stream.reader.state is ProviderState.DISCONNECTED
    again = stream.subscribed()
    assert {key: again[key] for key in first if key != "id"} == {key: first[key] for key in first if key != "id"}
    outputs = stream.receive(mcm(change("1.1", runner(1, atb=[[3.0, 5]])), ct="RESUB_DELTA", id=again["id"], clk="c2"))
    (updates,) = only(outputs, Updates)
    assert [(update.market, update.image) for update in updates.updates] == [("1.1", True), ("1.2", True)]
    assert stream.reader.price("1.1", "1") == 3_000_000
    assert stream.reader.state is ProviderState.CONNECTED


@pytest.mark.parametrize("closes", [False, True])
def test_a_refused_resume_asks_for_everything_afresh(closes: bool) -> None:
    stream = Line()
    stream.streaming()
    stream.disconnected()
    identity = stream.subscribed()["id"]
    failure = line(op="status", id=identity, statusCode="FAILURE", errorCode="INVALID_CLOCK", connectionClosed=closes)
    outputs = stream.receive(failure)
    if closes:
        (reconnect,) = only(outputs, Reconnect)
        assert not reconnect.permanent
        request = stream.subscribed()
    else:
        (request,) = sent(outputs)
    assert request["op"] == "marketSubscription"
    assert "clk" not in request
    assert "initialClk" not in request
    stream.receive(mcm(image("1.7"), ct="SUB_IMAGE", id=request["id"], clk="n1", initialClk="n"))
    assert list(stream.reader.markets) == ["1.7"]
