"""The client's picture of the markets, and the rules that it verifies on every object."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.local.replica import ProtocolViolation, Replica

MARKET = "e1:MatchWinner"


def state(version: str, *, market: str = MARKET, status: str = "Open", **more: object) -> dict[str, object]:
    holds = [] if status != "Suspended" else [{"reason": "FeedDelay", "since": 1}]
    sel = {"home": "2.10", "away": "3.50"}
    return {"op": "state", "m": market, "v": version, "status": status, "holds": holds, "sel": sel, **more}


def delta(previous: str, version: str, *, market: str = MARKET, **more: object) -> dict[str, object]:
    return {"op": "delta", "m": market, "p": previous, "v": version, **more}


def fed(*items: dict[str, object], strict: bool = True) -> Replica:
    replica = Replica(strict=strict)
    for item in items:
        replica.apply(item)
    return replica


def test_a_delta_changes_what_it_names_and_nothing_else() -> None:
    replica = fed(state("1.5"))
    change = replica.apply(delta("1.5", "1.7", sel={"home": "2.08"}))
    assert change is not None
    assert change.moved == {"home": ("2.10", "2.08")}
    assert replica.markets[MARKET].sel == {"home": "2.08", "away": "3.50"}
    assert replica.versions() == {MARKET: "1.7"}


def test_null_makes_a_selection_unavailable() -> None:
    replica = fed(state("1.5"), delta("1.5", "1.6", sel={"home": None}))
    assert replica.markets[MARKET].sel["home"] is None


def test_a_state_replaces_everything() -> None:
    replica = fed(state("1.5"), delta("1.5", "1.6", sel={"draw": "3.0"}), state("2.1"))
    assert replica.markets[MARKET].sel == {"home": "2.10", "away": "3.50"}


def test_one_frame_may_hold_several_objects() -> None:
    replica = Replica()
    frame = msgspec.json.encode([state("1.5"), delta("1.5", "1.6", sel={"home": "9"}), {"op": "synced", "id": 1}])
    assert [change.kind if change else None for _, change in replica.frame(frame)] == ["state", "delta", None]


def test_the_same_version_may_be_sent_again_as_a_state() -> None:
    replica = fed(state("1.5"), state("1.5", status="Suspended"))
    assert replica.markets[MARKET].status == "Suspended"


@pytest.mark.parametrize(
    ("item", "says"),
    [
        (state("1.4"), "went back from 1.5 to 1.4"),
        (delta("1.4", "1.6"), "continues 1.4, but 1.5 was sent last"),
        (delta("1.5", "1.5"), "does not go forward"),
        (delta("1.1", "1.2", market="e2:MatchWinner"), "before any state"),
        (delta("1.5", "1.6", status="Suspended"), "Suspended without a hold"),
        (delta("1.5", "1.6", holds=[{"reason": "Manual"}]), "Open with holds"),
        ({"op": "gone", "m": MARKET, "v": "1.1"}, "gone at 1.1"),
        ({"op": "state", "m": MARKET, "v": "x"}, "malformed"),
    ],
)
def test_a_broken_rule_is_a_violation(item: dict[str, object], says: str) -> None:
    with pytest.raises(ProtocolViolation, match=says):
        fed(state("1.5"), item)


def test_a_frame_that_is_no_json_is_a_violation() -> None:
    with pytest.raises(ProtocolViolation, match="not JSON"):
        list(Replica().frame(b"{"))


def test_a_market_that_was_gone_does_not_come_back_older() -> None:
    with pytest.raises(ProtocolViolation, match="went back"):
        fed(state("1.5"), {"op": "gone", "m": MARKET, "v": "1.8"}, state("1.7"))


def test_a_lenient_replica_forgets_the_market_and_says_that_it_is_in_doubt() -> None:
    replica = fed(state("1.5"), delta("1.4", "1.6"), delta("1.6", "1.7"), strict=False)
    assert replica.violations == 1
    assert replica.doubtful == {MARKET}
    assert MARKET not in replica.markets
    replica.apply(state("1.7"))
    assert replica.doubtful == set()
    assert replica.versions() == {MARKET: "1.7"}


@given(
    st.lists(
        st.tuples(st.sampled_from(["home", "draw", "away"]), st.none() | st.sampled_from(["1.5", "2", "3.25"])),
        max_size=30,
    )
)
def test_deltas_add_up_to_what_a_state_would_say(moves: list[tuple[str, str | None]]) -> None:
    replica = fed(state("1.0"))
    expected: dict[str, str | None] = {"home": "2.10", "away": "3.50"}
    for number, (selection, price) in enumerate(moves):
        replica.apply(delta(f"1.{number}", f"1.{number + 1}", sel={selection: price}))
        expected[selection] = price
    assert replica.markets[MARKET].sel == expected
