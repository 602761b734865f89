"""Small pure parts: frames on the wire, the door's first look, topics, cursors, and last values."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.scripted_leader import ScriptedLeader
from touchline.bus.wire import unpack
from touchline.domain.version import Version
from touchline.gateway.asyncapi import asyncapi_document
from touchline.gateway.auth import bearer, cookie_of
from touchline.gateway.board import Board, Change
from touchline.gateway.door import Door, read_upgrade
from touchline.gateway.frames import events, joined, read_frames, text_frame
from touchline.gateway.listing import Key
from touchline.gateway.markets import MarketView, is_made, made_version
from touchline.gateway.problems import Problem, pointer
from touchline.gateway.topics import MalformedTopic, parse_topic
from touchline.gateway.web.queries import read_cursor, write_cursor


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=4), st.integers(0, 70_000))
def test_frames_of_every_length_are_read_back(numbers: list[int], padding: int) -> None:
    bodies = [b'{"n":%d,"x":"%b"}' % (number, b"x" * padding) for number in numbers]
    assert [item["n"] for item in read_frames(joined(bodies))] == numbers


@pytest.mark.parametrize(("size", "head"), [(125, 2), (126, 4), (65_535, 4), (65_536, 10)])
def test_a_frames_head_has_the_shortest_form(size: int, head: int) -> None:
    assert len(text_frame(b"x" * size)) == size + head


def test_only_the_last_event_of_a_write_has_the_id() -> None:
    text = events([("state", b"{}"), ("delta", b"{}")], b"0:1.2")
    assert text == b"event: state\ndata: {}\n\nid: 0:1.2\nevent: delta\ndata: {}\n\n"


@pytest.mark.parametrize("text", ["", "sport", "sport:", "team:x", "market:e0", "event:a.b", "sport:a>", "**"])
def test_what_is_no_topic_is_refused(text: str) -> None:
    with pytest.raises(MalformedTopic):
        parse_topic(text)


@given(st.builds(Version, st.integers(0, 10**9), st.integers(0, 10**12)))
def test_a_gateway_made_version_is_equal_in_order_and_told_apart(version: Version) -> None:
    assert Version.parse(made_version(version)) == version
    assert is_made(made_version(version))
    assert not is_made(str(version))


def test_a_json_pointer_escapes_its_steps() -> None:
    assert pointer(["a/b", 0, "m~n"]) == "/a~1b/0/m~0n"


@given(st.integers(0, 2**60), st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True))
def test_a_page_cursor_is_read_back(start: int, event: str) -> None:
    assert read_cursor(write_cursor(Key(start, event))) == (start, event)


def test_another_page_cursor_is_a_problem() -> None:
    with pytest.raises(Problem):
        read_cursor("!!!")


def test_the_authorization_header_must_be_a_bearer_token() -> None:
    assert bearer("") == ""
    assert bearer("Bearer abc") == "abc"
    with pytest.raises(Problem):
        bearer("Basic abc")


def test_our_cookie_is_found_among_others() -> None:
    assert cookie_of("a=1; touchline_customer=abcdefgh; b=2") == "abcdefgh"
    assert cookie_of("touchline_customer_x=1") == ""


HEAD = (
    b"GET /v1/ws%b HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Key: k"
)


def test_a_browsers_upgrade_is_recognised_and_others_are_not() -> None:
    assert read_upgrade(HEAD % b"?x=1", b"") is not None
    assert read_upgrade(HEAD % b"/more", b"") is None
    assert read_upgrade((HEAD % b"").replace(b"Upgrade: WebSocket", b"Accept: */*"), b"") is None


@pytest.mark.parametrize("line", [b"GET /v1/ws", b"GET /v1/wsx HTTP/1.1", b"GET /v1/ws HTTP/1.1\r\nbroken"])
def test_a_broken_request_is_left_to_the_http_server(line: bytes) -> None:
    assert read_upgrade(line, b"") is None


class _Http(asyncio.Protocol):
    def __init__(self, went: list[str], seen: list[bytes]) -> None:
        self._went = went
        self._seen = seen

    def data_received(self, data: bytes) -> None:
        self._went.append("http")
        self._seen.append(data)


class _Transport(asyncio.Transport):
    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def close(self) -> None:
        raise AssertionError("not closed")


@pytest.mark.parametrize(
    ("data", "goes"),
    [(b"POST / HTTP/1.1\r\n", "http"), (b"\x16\x03\x01", "http"), (HEAD % b"" + b"\r\n\r\n", "socket")],
)
async def test_the_door_decides_however_the_bytes_are_cut(data: bytes, goes: str) -> None:
    for size in (1, 7, len(data)):
        went: list[str] = []
        seen: list[bytes] = []

        transport = _Transport()
        door = Door(lambda _transport, _upgrade, went=went: went.append("socket"), lambda w=went, s=seen: _Http(w, s))  # type: ignore[misc]
        door.connection_made(transport)
        for start in range(0, len(data), size):
            if went:
                break
            door.data_received(data[start : start + size])
        door.connection_lost(None)
        assert went == [goes]
        assert data.startswith(b"".join(seen))


def _board() -> tuple[Board, list[Change]]:
    changes: list[Change] = []
    return Board(shards=1, silence_us=1_000_000, on_change=changes.append, ring_bytes=2_000), changes


def test_last_values_are_taken_up_once_and_never_over_newer_ones() -> None:
    board, _ = _board()
    leader = ScriptedLeader(0)
    leader.open("e0:MatchWinner")
    frames = [(subject, unpack(payload)) for subject, payload in leader.snapshot()[0]]
    assert board.boot(frames) == 1
    assert board.boot(frames) == 0
    board.snapshot(1, 0, frames, leader.snapshot()[1])
    leader.restate("e0:MatchWinner")
    newer = [(subject, unpack(payload)) for subject, payload in leader.snapshot()[0]]
    assert board.boot(newer) == 0, "a whole shard does not listen to the cache"


def test_the_deltas_held_are_bounded_and_the_state_stays_right() -> None:
    board, _ = _board()
    leader = ScriptedLeader(0)
    leader.open("e0:MatchWinner")
    frames, end = leader.snapshot()
    board.snapshot(1, 0, [(subject, unpack(payload)) for subject, payload in frames], end)
    for number in range(300):
        subject, payload = leader.price("e0:MatchWinner", home=f"2.{number:03}")
        board.book(2, subject, unpack(payload))
    market: MarketView = board.markets["e0:MatchWinner"]
    assert sum(len(delta.body) for delta in market.ring) <= 2_000
    assert {key: value for key, value in market.document().items() if key != "op"} == leader.markets[
        "e0:MatchWinner"
    ].document(1)
    assert market.since(Version(1, 2)) is None
    assert len(market.since(Version(1, market.seq - 1)) or []) == 1


def test_the_stream_is_described_whole_and_every_reference_leads_somewhere() -> None:
    document = asyncapi_document()
    references = _references(document)
    assert references
    for reference in references:
        place: Any = document
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]
    ops = {message["payload"]["properties"]["op"]["const"] for message in document["components"]["messages"].values()}
    commands = {"auth", "subscribe", "unsubscribe", "bet", "ping"}
    assert ops == commands | {"ok", "error", "state", "delta", "gone", "synced", "drain"}


def _references(value: Any) -> list[str]:
    if isinstance(value, list):
        return [reference for item in value for reference in _references(item)]
    if isinstance(value, dict):
        own = [value["$ref"]] if "$ref" in value else []
        return own + [reference for item in value.values() for reference in _references(item)]
    return []
