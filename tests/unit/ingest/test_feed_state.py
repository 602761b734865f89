"""When a provider counts as connected."""

from touchline.domain.status import ProviderState as State
from touchline.ingest.feed_state import FINISH_US, FeedState


def recovered() -> FeedState:
    state = FeedState()
    state.session(0, State.RECOVERING, "connected, waiting for the image")
    state.session(0, State.CONNECTED, "streaming")
    assert state.finish(0, pending=0)
    return state


def test_a_recovery_is_over_only_when_every_event_has_its_id() -> None:
    state = FeedState()
    state.session(0, State.RECOVERING, "")
    state.session(0, State.CONNECTED, "streaming")
    assert state.state is State.RECOVERING
    assert not state.finish(1, pending=3)
    assert state.state is State.RECOVERING
    assert state.finish(2, pending=0)
    assert (state.state, state.detail) == (State.CONNECTED, "streaming")
    assert not state.finish(3, pending=0)


def test_look_ups_that_never_end_do_not_hold_it_for_ever() -> None:
    state = FeedState()
    state.session(0, State.CONNECTED, "streaming")
    assert not state.finish(FINISH_US - 1, pending=1)
    assert state.finish(FINISH_US, pending=1)


def test_a_disconnect_in_the_middle_of_the_end_needs_another_recovery() -> None:
    state = FeedState()
    state.session(0, State.CONNECTED, "")
    state.session(1, State.DISCONNECTED, "broken")
    assert not state.finish(2, pending=0)
    assert state.state is State.DISCONNECTED


def test_a_gap_holds_until_the_session_has_recovered() -> None:
    state = recovered()
    state.gap("two messages are missing")
    assert (state.state, state.detail) == (State.RECOVERING, "two messages are missing")
    state.session(1, State.RECOVERING, "waiting for a fresh image")
    assert state.detail == "waiting for a fresh image"
    state.session(2, State.CONNECTED, "streaming")
    assert state.finish(2, pending=0)
    assert state.state is State.CONNECTED


def test_a_capture_that_cannot_store_makes_it_unreliable_and_says_why() -> None:
    state = recovered()
    state.hold = "raw capture: no space left"
    assert (state.state, state.detail) == (State.UNRELIABLE, "raw capture: no space left")
    state.session(1, State.DISCONNECTED, "broken")
    assert (state.state, state.detail) == (State.DISCONNECTED, "broken")
    state.session(2, State.CONNECTED, "streaming")
    state.finish(2, pending=0)
    state.hold = ""
    assert state.state is State.CONNECTED


def test_becoming_unreliable_and_reliable_again_is_no_recovery() -> None:
    state = recovered()
    state.session(1, State.UNRELIABLE, "status 503")
    assert state.state == "Unreliable"
    state.session(2, State.CONNECTED, "streaming")
    assert not state.finish(2, pending=0)
    assert state.state == "Connected"


def test_a_feed_that_recovers_into_unreliable_data_ends_its_recovery_too() -> None:
    state = FeedState()
    state.session(0, State.UNRELIABLE, "a delayed key")
    assert state.finish(0, pending=0)
    assert state.state is State.UNRELIABLE
