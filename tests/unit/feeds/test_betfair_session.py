"""The Exchange Stream session under a virtual clock: every message of the protocol and every failure."""

import json
from typing import Any

import pytest

from support.betfair_messages import change, definition, heartbeat, image, line, mcm, runner
from support.feed_outputs import Reader, frame_of, only
from touchline.domain.status import ProviderState, ProviderStatus
from touchline.feeds.backoff import Backoff
from touchline.feeds.betfair.options import Credentials, Subscription
from touchline.feeds.betfair.session import BetfairSession
from touchline.feeds.interface import Alive, Disposition, Gap, Output, Reconnect, Send, State, Updates

S = 1_000_000
OK = {"op": "status", "statusCode": "SUCCESS", "connectionClosed": False}


class Line:
    """A session on a connection of its own, with a clock that only moves when told to."""

    def __init__(self, **subscription: Any) -> None:
        self.now = 100 * S
        self.session = BetfairSession(
            Credentials("the-app-key", "the-token", "betfair-secret"),
            Subscription(**subscription),
            backoff=Backoff(first_us=100_000, cap_us=800_000),
            endpoint="sim:443",
        )
        self.reader = Reader()

    def take(self, outputs: list[Output]) -> list[Output]:
        self.reader.take(outputs)
        return outputs

    def connected(self) -> list[Output]:
        return self.take(self.session.connected(self.now, 0))

    def receive(self, frame: bytes, *, after: int = 1000) -> list[Output]:
        if after > S // 10:
            self.tick(after=after)
        else:
            self.now += after
        return self.take(self.session.received(self.now, 0, frame))

    def tick(self, *, after: int) -> list[Output]:
        """Time passes in steps of a tenth of a second, as the contract has it; what came of all of them."""
        outputs: list[Output] = []
        end = self.now + after
        while True:
            self.now = min(end, self.now + S // 10)
            outputs += self.take(self.session.tick(self.now, 0))
            if self.now == end:
                return outputs

    def pause(self, *, of: int) -> list[Output]:
        """We ourselves stood still."""
        self.now += of
        return self.take(self.session.tick(self.now, 0))

    def disconnected(self) -> list[Output]:
        return self.take(self.session.disconnected(self.now, 0, "closed by the server"))

    def subscribed(self) -> dict[str, Any]:
        """Connect as far as the subscription; the request that was sent."""
        self.connected()
        (authentication,) = sent(self.receive(line(op="connection", connectionId="c")))
        (subscription,) = sent(self.receive(line(**OK, id=authentication["id"])))
        return subscription

    def streaming(self, *changes: dict[str, Any], clk: str = "c1", initial_clk: str = "i1") -> int:
        """Connect as far as the image; the id of the subscription."""
        identity: int = self.subscribed()["id"]
        parts = changes or (image(),)
        self.receive(
            mcm(*parts, ct="SUB_IMAGE", id=identity, clk=clk, initialClk=initial_clk, heartbeatMs=1000, conflateMs=0)
        )
        assert self.reader.state is ProviderState.CONNECTED
        return identity


def sent(outputs: list[Output]) -> list[dict[str, Any]]:
    payloads = [output.payload for output in only(outputs, Send)]
    assert all(payload.endswith(b"\r\n") and payload.count(b"\n") == 1 for payload in payloads)
    return [json.loads(payload) for payload in payloads]


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


# Liveness and reliability


def test_two_heartbeats_of_silence_drop_the_connection() -> None:
    stream = Line(heartbeat_ms=1000)
    stream.streaming()
    assert only(stream.tick(after=2 * S), Reconnect) == []
    (reconnect,) = only(stream.tick(after=1), Reconnect)
    assert not reconnect.permanent
    assert "no heartbeat" in reconnect.detail
    assert stream.reader.state is ProviderState.DISCONNECTED


def test_the_interval_that_the_server_grants_counts() -> None:
    stream = Line(heartbeat_ms=500)
    identity = stream.subscribed()["id"]
    stream.receive(mcm(image(), ct="SUB_IMAGE", id=identity, heartbeatMs=5000))
    assert only(stream.tick(after=9 * S), Reconnect) == []
    assert len(only(stream.tick(after=2 * S), Reconnect)) == 1


def test_a_quiet_market_with_heartbeats_is_not_silent() -> None:
    stream = Line()
    identity = stream.streaming()
    for count in range(600):
        stream.receive(heartbeat(pt=count * 1000, id=identity, clk=f"h{count}"), after=S)
        assert only(stream.tick(after=0), Reconnect) == []
    assert stream.reader.state is ProviderState.CONNECTED


def test_a_pause_of_our_own_is_not_taken_for_the_providers_silence() -> None:
    stream = Line(heartbeat_ms=1000)
    stream.streaming()
    stream.tick(after=S)
    assert only(stream.pause(of=30 * S), Reconnect) == []
    assert only(stream.tick(after=S), Reconnect) == []
    assert len(only(stream.tick(after=S), Reconnect)) == 1, "after it, silence counts again"


@pytest.mark.parametrize("steps", [0, 1, 2], ids=["no greeting", "no answer", "no image"])
def test_a_handshake_that_stalls_is_given_up(steps: int) -> None:
    stream = Line()
    stream.connected()
    if steps >= 1:
        stream.receive(line(op="connection", connectionId="c"))
    if steps >= 2:
        stream.receive(line(**OK, id=1))
    assert only(stream.tick(after=9 * S), Reconnect) == []
    (reconnect,) = only(stream.tick(after=2 * S), Reconnect)
    assert "waiting for" in reconnect.detail


def test_an_image_that_never_comes_is_given_up_although_the_heart_beats() -> None:
    stream = Line()
    identity = stream.subscribed()["id"]
    for _ in range(60):
        stream.receive(heartbeat(id=identity), after=S)
        assert stream.reader.state is ProviderState.RECOVERING
    assert len(only(stream.tick(after=S), Reconnect)) == 1


def test_a_503_holds_without_disconnecting_and_ends_with_the_next_message_without_it() -> None:
    stream = Line()
    identity = stream.streaming()
    outputs = stream.receive(line(op="mcm", id=identity, status=503))
    assert only(outputs, Alive) == [Alive(0)]
    assert stream.reader.state is ProviderState.UNRELIABLE
    stream.receive(mcm(change("1.1", runner(1, atb=[[3.0, 5]])), id=identity, clk="c2", status=503))
    assert stream.reader.price("1.1", "1") == 3_000_000, "prices are stored meanwhile"
    assert only(stream.receive(heartbeat(id=identity, clk="c3", status=503)), State) == []
    stream.receive(heartbeat(id=identity, clk="c4"))
    assert stream.reader.state is ProviderState.CONNECTED


def test_a_503_during_the_recovery_does_not_end_it() -> None:
    stream = Line()
    identity = stream.subscribed()["id"]
    stream.receive(line(op="mcm", id=identity, status=503))
    assert stream.reader.state is ProviderState.RECOVERING
    stream.receive(mcm(image(), ct="SUB_IMAGE", id=identity, status=503))
    assert stream.reader.state is ProviderState.UNRELIABLE


def test_a_delayed_application_key_is_never_reliable() -> None:
    stream = Line(conflate_ms=0)
    identity = stream.subscribed()["id"]
    outputs = stream.receive(mcm(image(), ct="SUB_IMAGE", id=identity, conflateMs=180_000))
    (state,) = only(outputs, State)
    assert state.state is ProviderState.UNRELIABLE
    assert "180000 ms" in state.detail
    assert "betfair-secret" in state.detail
    stream.receive(heartbeat(id=identity, clk="c2"))
    assert stream.reader.state is ProviderState.UNRELIABLE


def test_conflation_that_was_asked_for_and_conflated_changes_are_fine() -> None:
    stream = Line(conflate_ms=100)
    identity = stream.subscribed()["id"]
    stream.receive(mcm({**image(), "con": True}, ct="SUB_IMAGE", id=identity, conflateMs=100))
    assert stream.reader.state is ProviderState.CONNECTED


# Refusals


@pytest.mark.parametrize(
    ("code", "key"),
    [
        ("INVALID_SESSION_INFORMATION", "sessionToken"),
        ("NO_SESSION", "sessionToken"),
        ("INVALID_APP_KEY", "appKey"),
        ("NO_APP_KEY", "appKey"),
        ("NOT_AUTHORIZED", "application key"),
    ],
)
def test_wrong_credentials_are_permanent_and_name_the_secret_but_not_its_content(code: str, key: str) -> None:
    stream = Line()
    stream.connected()
    stream.receive(line(op="connection", connectionId="c"))
    outputs = stream.receive(
        line(op="status", id=1, statusCode="FAILURE", errorCode=code, errorMessage="no", connectionClosed=True)
    )
    (reconnect,) = only(outputs, Reconnect)
    assert reconnect.permanent
    assert reconnect.after_us == 60 * S
    assert "Secret betfair-secret" in reconnect.detail
    assert key in reconnect.detail
    assert code in reconnect.detail
    assert "the-token" not in reconnect.detail
    assert "the-app-key" not in reconnect.detail
    assert stream.reader.state is ProviderState.DISCONNECTED


def test_too_many_markets_are_permanent_and_say_what_to_do() -> None:
    stream = Line()
    identity = stream.subscribed()["id"]
    failure = line(
        op="status", id=identity, statusCode="FAILURE", errorCode="SUBSCRIPTION_LIMIT_EXCEEDED", connectionClosed=True
    )
    (reconnect,) = only(stream.receive(failure), Reconnect)
    assert reconnect.permanent
    assert "200 markets" in reconnect.detail


@pytest.mark.parametrize(
    "code", ["TIMEOUT", "UNEXPECTED_ERROR", "TOO_MANY_REQUESTS", "MAX_CONNECTION_LIMIT_EXCEEDED", "NEW_CODE"]
)
def test_other_refusals_are_tried_again(code: str) -> None:
    stream = Line()
    identity = stream.subscribed()["id"]
    (reconnect,) = only(stream.receive(line(op="status", id=identity, statusCode="FAILURE", errorCode=code)), Reconnect)
    assert not reconnect.permanent


def test_the_credentials_do_not_appear_when_options_are_printed() -> None:
    assert "secret-value" not in repr(Credentials("secret-value", "secret-value", "x"))


# Lost changes


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


# Back-off


def test_waits_grow_while_nothing_works_and_are_the_sessions_own_verdict_when_it_hung_up() -> None:
    stream = Line()
    waits = []
    for _ in range(5):
        stream.connected()
        (reconnect,) = only(stream.tick(after=11 * S), Reconnect)
        assert only(stream.disconnected(), Reconnect) == [reconnect], "closing what was given up is no second failure"
        waits.append(reconnect.after_us)
    assert waits == [100_000, 200_000, 400_000, 800_000, 800_000]


def test_a_connection_that_could_not_be_opened_waits_too() -> None:
    stream = Line()
    assert [only(stream.disconnected(), Reconnect)[0].after_us for _ in range(3)] == [100_000, 200_000, 400_000]


def test_only_a_connection_that_lasts_starts_the_back_off_anew() -> None:
    stream = Line()
    stream.streaming()
    assert only(stream.disconnected(), Reconnect)[0].after_us == 100_000
    stream.streaming()
    assert only(stream.disconnected(), Reconnect)[0].after_us == 200_000, "it streamed for an instant only"
    identity = stream.streaming()
    for count in range(6):
        stream.receive(heartbeat(id=identity, clk=f"h{count}"), after=S)
    assert only(stream.disconnected(), Reconnect)[0].after_us == 100_000


def test_what_was_known_is_told_again_after_a_reconnect_and_what_closed_meanwhile_is_gone() -> None:
    stream = Line()
    stream.streaming(image("1.1"), image("1.2"))
    stream.disconnected()
    identity = stream.subscribed()["id"]
    stream.receive(mcm(image("1.2", status="CLOSED"), ct="SUB_IMAGE", id=identity, clk="n", initialClk="n"))
    assert list(stream.reader.markets) == ["1.2"]
    assert stream.reader.status("1.2") is ProviderStatus.CLOSED


def test_long_closed_markets_are_forgotten_when_new_ones_come() -> None:
    stream = Line()
    identity = stream.streaming(image("1.1", status="CLOSED"))
    stream.receive(mcm(image("1.2"), pt=1_000_000 + 3_700_000, id=identity, clk="c2"))
    assert list(stream.reader.markets) == ["1.2"]


def test_the_same_inputs_give_the_same_outputs() -> None:
    def run() -> list[Output]:
        stream = Line()
        outputs: list[Output] = []
        take = stream.take
        stream.take = lambda given: outputs.extend(given) or take(given)  # type: ignore[func-returns-value, method-assign, assignment]
        identity = stream.streaming(image("1.1"), image("1.2"))
        stream.receive(mcm(change("1.2", definition=definition(status="SUSPENDED")), id=identity, clk="c2"))
        stream.receive(b"junk")
        stream.disconnected()
        return outputs

    first, second = run(), run()
    assert repr(first) == repr(second)
