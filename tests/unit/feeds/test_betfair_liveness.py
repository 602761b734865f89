"""The Exchange Stream session under a virtual clock: silence, the provider's own doubts, refusals and coming back."""

import pytest

from support.betfair_line import OK, Line, S
from support.betfair_messages import change, definition, heartbeat, image, line, mcm, runner
from support.feed_outputs import only
from touchline.domain.status import ProviderState, ProviderStatus
from touchline.feeds.betfair.options import Credentials
from touchline.feeds.interface import Alive, Output, Reconnect, State

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
