"""What one connection may do, and what it is told: commands, limits, authentication, bets, and gateway-made states."""

import json
from typing import Any

import msgspec
import pytest

from support.scripted_leader import ScriptedLeader
from touchline.bus.messages import Decided
from touchline.bus.wire import SnapshotEnd, unpack
from touchline.gateway.frames import Format, read_frames
from touchline.gateway.hub import Hub, HubRules
from touchline.gateway.identity import Identity
from touchline.gateway.outputs import AskSnapshot, Authenticate, Close, HubOutput, PlaceBet, Write
from touchline.gateway.problems import Problem

MARKET = "e0:MatchWinner"
ALICE = Identity("alice")
WALL = 1_800_000_000_000_000
BET: dict[str, Any] = {
    "key": "k-1",
    "stake": "10.00",
    "legs": [{"market": MARKET, "selection": "home", "price": "2.00", "version": "1.1"}],
}


class Desk:
    """A hub of one shard with one market, and one client "a"."""

    def __init__(self, identity: Identity | None = ALICE, **rules: Any) -> None:
        self.hub = Hub(shards=1, rules=HubRules(**rules))
        self.leader = ScriptedLeader(0)
        self.now = 1_000_000
        self.tick()
        self.leader.open(MARKET)
        self.take_snapshot()
        self.hub.connect(self.now, "a", identity)

    def tick(self, after_us: int = 0) -> list[HubOutput]:
        self.now += after_us
        return self.hub.tick(self.now, WALL + self.now)

    def take_snapshot(self) -> None:
        frames, end = self.leader.snapshot()
        unpacked = [(subject, unpack(payload)) for subject, payload in frames]
        self.hub.snapshot(self.now, 0, unpacked, SnapshotEnd(*end))
        self.hub.flush(self.now)

    def book(self, frame: tuple[str, bytes]) -> None:
        self.hub.book(self.now, frame[0], unpack(frame[1]))

    def command(self, client: str = "a", **fields: Any) -> list[HubOutput]:
        return self.hub.command(self.now, client, json.dumps({"id": 1, **fields}).encode())

    def raw(self, text: bytes) -> list[HubOutput]:
        return self.hub.command(self.now, "a", text)


def objects(outputs: list[HubOutput]) -> list[dict[str, Any]]:
    """What was written, in order."""
    return [item for output in outputs if isinstance(output, Write) for item in read_frames(output.payload)]


def close_codes(outputs: list[HubOutput]) -> list[int]:
    return [output.code for output in outputs if isinstance(output, Close)]


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"\xff\xfe", b"[]", b"7", b'"x"', b"{}", b'{"op":"ping"}', b'{"id":1}', b'{"id":true,"op":"ping"}',
     b'{"id":null,"op":"ping"}', b'{"id":1,"op":7}', b"[" * 100_000, b'{"id":"' + b"x" * 65 + b'","op":"ping"}'],
)  # fmt: skip
def test_what_is_no_command_closes_the_connection_as_malformed(text: bytes) -> None:
    desk = Desk()
    assert close_codes(desk.raw(text)) == [4400]
    assert desk.hub.sessions == {}


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"op": "dance"}, "/op"),
        ({"op": "subscribe"}, ""),
        ({"op": "subscribe", "topics": []}, "/topics"),
        ({"op": "subscribe", "topics": ["*", 7]}, "/topics/1"),
        ({"op": "subscribe", "topics": ["*", "team:x"]}, "/topics/1"),
        ({"op": "subscribe", "topics": ["event:a b"]}, "/topics/0"),
        ({"op": "subscribe", "topics": ["market:x"]}, "/topics/0"),
        ({"op": "subscribe", "topics": ["*"], "resume": {MARKET: "3"}}, f"/resume/{MARKET}"),
        ({"op": "bet", **BET, "stake": "ten"}, "/stake"),
        ({"op": "bet", **BET, "stake": "1.001"}, "/stake"),
        ({"op": "bet", **BET, "legs": [{**BET["legs"][0], "price": "1"}]}, "/legs/0/price"),
        ({"op": "bet", **BET, "legs": []}, "/legs"),
        ({"op": "bet", **BET, "surprise": 1}, "/surprise"),
    ],
)
def test_a_wrong_field_is_told_with_its_place_and_the_connection_stays(fields: dict[str, Any], pointer: str) -> None:
    desk = Desk()
    (error,) = objects(desk.command(**fields))
    assert error["op"] == "error"
    assert error["id"] == 1
    assert error["problem"]["status"] == 422
    assert error["problem"]["errors"][0]["pointer"] == pointer
    assert "a" in desk.hub.sessions


def test_too_many_commands_close_the_connection_and_a_pause_allows_more() -> None:
    desk = Desk(commands_per_second=10)
    for _ in range(20):
        assert objects(desk.command(op="ping")) == [{"op": "ok", "id": 1}]
    desk.now += 100_000
    assert close_codes(desk.command(op="ping")) == []
    assert close_codes(desk.command(op="ping")) == [4429]


def test_too_many_topics_are_refused_and_those_held_stay() -> None:
    desk = Desk(topics=2)
    desk.command(op="subscribe", topics=["event:e0", "event:e1"])
    (error,) = objects(desk.command(op="subscribe", topics=["event:e2"]))
    assert error["problem"]["status"] == 413
    assert desk.hub.sessions["a"].topics == ("event:e0", "event:e1")


def test_without_a_token_only_auth_is_allowed() -> None:
    assert close_codes(Desk(identity=None).command(op="subscribe", topics=["*"])) == [4401]


def test_a_token_is_passed_on_and_the_answer_opens_the_connection() -> None:
    desk = Desk(identity=None)
    assert desk.command(op="auth", token="t") == [Authenticate("a", 1, "t")]
    assert objects(desk.hub.authenticated(desk.now, "a", 1, Identity("bob"))) == [{"op": "ok", "id": 1}]
    assert objects(desk.command(op="ping")) == [{"op": "ok", "id": 1}]


def test_a_bad_token_is_explained_and_closes() -> None:
    desk = Desk(identity=None)
    out = desk.hub.authenticated(desk.now, "a", 1, Problem(401, "unauthenticated", "Not authenticated", "expired"))
    assert objects(out)[0]["problem"]["detail"] == "expired"
    assert close_codes(out) == [4401]


def test_a_connection_that_shows_no_token_in_time_is_closed() -> None:
    desk = Desk(identity=None, login_us=5_000_000)
    assert close_codes(desk.tick(4_900_000)) == []
    assert close_codes(desk.tick(200_000)) == [4401]


def test_an_expired_token_closes_unless_it_was_renewed() -> None:
    desk = Desk(Identity("alice", "US-NJ", WALL + 10_000_000))
    desk.hub.connect(desk.now, "b", Identity("alice", "US-NJ", WALL + 10_000_000))
    desk.hub.authenticated(desk.now, "b", 1, Identity("alice", "US-NJ", WALL + 90_000_000))
    out = desk.tick(10_000_000)
    assert [(o.client, o.code) for o in out if isinstance(o, Close)] == [("a", 4401)]


def test_another_customers_token_is_not_allowed_on_the_connection() -> None:
    desk = Desk()
    assert close_codes(desk.hub.authenticated(desk.now, "a", 1, Identity("mallory"))) == [4403]


def test_a_bet_goes_out_with_the_identity_and_exact_integers() -> None:
    desk = Desk(Identity("alice", "US-NJ"))
    (placed,) = desk.command(op="bet", **{**BET, "priceChange": "AcceptWithin", "withinPercent": "1.5"})
    assert isinstance(placed, PlaceBet)
    request = placed.request
    assert (request.customer, request.jurisdiction, request.stake) == ("alice", "US-NJ", 10_000_000)
    assert (request.legs[0].price, request.within_ppm) == (2_000_000, 15_000)


def test_a_decision_keeps_the_bets_id_and_names_the_command() -> None:
    desk = Desk()
    desk.command(op="bet", **BET)
    out = desk.hub.decision(desk.now, "a", 1, b'{"key":"k-1","id":"b-9","decision":"Accepted"}')
    assert objects(out) == [{"op": "bet", "command": 1, "key": "k-1", "id": "b-9", "decision": "Accepted"}]


def test_only_so_many_bets_are_undecided_at_once() -> None:
    desk = Desk(commands_per_second=1_000)
    for _ in range(8):
        assert isinstance(desk.command(op="bet", **BET)[0], PlaceBet)
    assert objects(desk.command(op="bet", **BET))[0]["problem"]["status"] == 429
    desk.hub.undecided(desk.now, "a", 1, Problem(504, "no-decision", "No decision in time"))
    assert isinstance(desk.command(op="bet", **BET)[0], PlaceBet)


def test_a_final_decision_reaches_every_connection_of_its_customer_and_nobody_else() -> None:
    desk = Desk()
    desk.hub.connect(desk.now, "b", Identity("alice"))
    desk.hub.connect(desk.now, "c", Identity("bob"))
    out = desk.hub.decided(desk.now, Decided("alice", "k", msgspec.Raw(b'{"key":"k","decision":"Accepted"}')))
    assert [list(o.clients) for o in out if isinstance(o, Write)] == [["a"], ["b"]]


def test_clients_of_the_same_topics_share_one_frame_encoded_once() -> None:
    desk = Desk()
    desk.hub.connect(desk.now, "b", Identity("bob"))
    for client in ("a", "b"):
        desk.command(client, op="subscribe", topics=["*"])
    desk.book(desk.leader.price(MARKET, home="2.10"))
    (write,) = desk.hub.flush(desk.now)
    assert isinstance(write, Write)
    assert list(write.clients) == ["a", "b"]
    assert desk.hub.fanout.audiences == 1


def test_different_audiences_of_one_change_share_its_bytes() -> None:
    desk = Desk()
    desk.hub.connect(desk.now, "b", Identity("bob"))
    desk.command("a", op="subscribe", topics=["*"])
    desk.command("b", op="subscribe", topics=["event:e0"])
    desk.book(desk.leader.price(MARKET, home="2.10"))
    first, second = (output for output in desk.hub.flush(desk.now) if isinstance(output, Write))
    assert first.payload is second.payload


def test_a_suspension_goes_first_and_no_market_is_reordered() -> None:
    desk = Desk()
    desk.command(op="subscribe", topics=["*"])
    desk.book(desk.leader.open("e1:MatchWinner"))
    desk.hub.flush(desk.now)
    desk.book(desk.leader.price("e1:MatchWinner", home="2.20"))
    desk.book(desk.leader.price(MARKET, home="2.10"))
    desk.book(desk.leader.suspend(MARKET))
    seen = objects(desk.hub.flush(desk.now))
    assert [item["m"] for item in seen] == [MARKET, MARKET, "e1:MatchWinner"]
    assert "status" in seen[1]


def test_a_lost_shard_is_shown_at_the_same_version_written_so_that_nobody_resumes_from_it() -> None:
    desk = Desk(silence_us=1_000_000)
    desk.command(op="subscribe", topics=["*"])
    (lost,) = objects(desk.tick(1_100_000))
    assert (lost["v"], lost["status"], lost["holds"][0]["reason"]) == ("1.01", "Suspended", "AuthorityLost")
    assert lost["holds"][0]["since"] == WALL + desk.now
    desk.hub.shard_beat(desk.now, desk.leader.beat())
    (found,) = objects(desk.hub.flush(desk.now))
    assert (found["v"], found["status"], found["holds"]) == ("1.1", "Open", [])
    desk.hub.connect(desk.now, "b", Identity("bob"))
    again = objects(desk.command("b", op="subscribe", topics=["*"], resume={MARKET: lost["v"]}))
    assert [item["op"] for item in again] == ["ok", "state", "synced"]
    desk.hub.connect(desk.now, "c", Identity("carol"))
    current = objects(desk.command("c", op="subscribe", topics=["*"], resume={MARKET: found["v"]}))
    assert [item["op"] for item in current] == ["ok", "synced"]


def test_a_hole_asks_for_a_snapshot_once_a_second_and_passes_nothing() -> None:
    desk = Desk()
    desk.command(op="subscribe", topics=["*"])
    desk.leader.price(MARKET, home="9.00")
    desk.book(desk.leader.price(MARKET, home="9.10"))
    assert desk.hub.flush(desk.now) == [AskSnapshot(0)]
    assert desk.tick(500_000) == []
    assert AskSnapshot(0) in desk.tick(600_000)


def test_a_client_that_takes_nothing_is_closed_even_under_conflation() -> None:
    desk = Desk(stall_us=10_000_000, silence_us=100_000_000)
    desk.command(op="subscribe", topics=["*"])
    desk.hub.writable(desk.now, "a", False)
    assert close_codes(desk.tick(9_000_000)) == []
    assert close_codes(desk.tick(1_100_000)) == [4408]


def test_a_large_turn_is_paid_off_in_bounded_pieces() -> None:
    desk = Desk()
    desk.command(op="subscribe", topics=["*"])
    for number in range(1_000):
        desk.book(desk.leader.open(f"x{number}:MatchWinner"))
    pieces = [output for output in desk.hub.flush(desk.now) if isinstance(output, Write)]
    while desk.hub.busy:
        pieces += [output for output in desk.hub.flush(desk.now) if isinstance(output, Write)]
    assert max(len(piece.payload) for piece in pieces) < 70_000
    assert len({item["m"] for item in objects(list(pieces))}) == 1_000


def test_a_stream_whose_position_is_not_remembered_is_told_to_forget_what_it_has() -> None:
    desk = Desk()
    desk.hub.connect(desk.now, "s", Identity("bob"), Format.EVENTS)
    (write,) = desk.hub.listen(desk.now, "s", ("*",), "0:1.0")
    assert isinstance(write, Write)
    assert b'"resumed":false' in write.payload


@pytest.mark.parametrize("cursor", ["x", "0:1", "1:1.1", "0:1.1,1:1.1", "0:1.-1"])
def test_a_malformed_stream_position_is_a_problem(cursor: str) -> None:
    desk = Desk()
    desk.hub.connect(desk.now, "s", Identity("bob"), Format.EVENTS)
    with pytest.raises(Problem):
        desk.hub.listen(desk.now, "s", ("*",), cursor)


def test_nothing_is_left_behind_by_connections_that_went() -> None:
    desk = Desk()
    for number in range(50):
        desk.hub.connect(desk.now, number, Identity(f"c{number}", "any", WALL * 2))
        desk.hub.command(desk.now, number, b'{"id":1,"op":"subscribe","topics":["event:e%d"]}' % number)
    for number in range(50):
        desk.hub.disconnect(desk.now, number)
    assert list(desk.hub.sessions) == ["a"]
    assert desk.hub.fanout.audiences == 0
    assert not desk.hub.busy
