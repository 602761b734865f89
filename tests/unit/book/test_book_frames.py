"""What is written: the hot path's bytes are the definition's bytes, and every price has one text."""

import json

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from support.book_scene import CLOSED, SUSPENDED, M, opened
from touchline.book import frames
from touchline.book.market import BookMarket, Event, Offer
from touchline.bus import wire
from touchline.domain.keys import MarketKey
from touchline.domain.prices import MAX_MICRO, MIN_MICRO, decimal_text

micros = st.one_of(st.just(0), st.integers(MIN_MICRO, MAX_MICRO), st.integers(MIN_MICRO, 10_000_000))
selection_ids = st.from_regex(r"[A-Za-z0-9_.-]{1,64}", fullmatch=True)
market_ids = st.builds(
    MarketKey,
    st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True),
    st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True),
    st.sampled_from(["", "2.5", "-1", "+0.25"]),
)
times = st.integers(0, 1 << 60)


@given(
    market_ids,
    st.dictionaries(selection_ids, micros, min_size=1, max_size=6),
    st.integers(1, 1 << 40),
    st.integers(2, 1 << 40),
    st.tuples(times, times, times),
)
def test_a_plain_price_delta_is_the_definitions_bytes(
    key: MarketKey, prices: dict[str, int], epoch: int, seq: int, stamps: tuple[int, int, int]
) -> None:
    market = BookMarket(key, Event(key.event), 0)
    market.head = frames.head_of(market)
    market.seq = seq
    market.src, market.recv, market.pub = stamps
    pieces = "".join(Offer(selection).key + frames.PRICE_TEXTS[micro] for selection, micro in prices.items())
    fast = frames.price_delta(market.head, epoch, seq - 1, seq, pieces, *stamps)
    body = frames.delta_body(market, epoch, seq - 1, prices=prices)
    assert fast == wire.pack("D", False, epoch, seq, seq - 1, market.id, body)
    assert json.loads(wire.unpack(fast).body)["sel"] == frames.prices_object(prices)


@given(st.integers(MIN_MICRO, MAX_MICRO))
def test_a_price_text_is_the_json_of_the_canonical_decimal(micro: int) -> None:
    assert frames.PRICE_TEXTS[micro].encode() == msgspec.json.encode(decimal_text(micro))


def test_the_cache_of_texts_is_bounded() -> None:
    for micro in range(MIN_MICRO, MIN_MICRO + 70_000):
        assert frames.PRICE_TEXTS[micro]
    assert len(frames.PRICE_TEXTS) <= 1 << 16
    assert frames.PRICE_TEXTS[0] == "null"


def test_a_delta_names_only_what_changed() -> None:
    scene = opened()
    plain = scene.update("a", {"home": "2.02"})[0]
    assert set(plain) == {"op", "m", "p", "v", "sel", "t"}
    shut = scene.update("a", status=SUSPENDED)[0]
    assert set(shut) == {"op", "m", "p", "v", "status", "holds", "t"}
    assert shut["holds"] == [{"reason": "ProviderSuspended", "since": scene.wall, "detail": "a says Suspended"}]
    closed = scene.update("a", status=CLOSED)[0]
    assert (closed["status"], closed["holds"]) == ("Closed", [])


def test_times_are_the_providers_ours_and_the_moment_of_publishing() -> None:
    scene = opened()
    scene.now += 250
    frame = scene.update("a", {"home": "2.02"}, src=scene.wall - 40_000)[0]
    assert frame["t"] == {"src": scene.wall - 40_000, "recv": scene.wall, "pub": scene.wall}


def test_the_subject_routes_by_shard_sport_league_event_and_type() -> None:
    scene = opened()
    assert scene.book.snapshot()[0][0][0] == "book.0.Football.premier.e1.MatchWinner"


def test_a_snapshot_passes_through_the_wire_format() -> None:
    scene = opened()
    scene.image("a", {"yes": "2.00"}, market="e1:BothToScore")
    states, end = scene.book.snapshot()
    chunks = list(wire.pack_snapshot(states, end, limit=100))
    read = [wire.unpack_snapshot(chunk) for chunk in chunks]
    assert [(subject, frame.market) for part, _ in read for subject, frame in part] == [
        ("book.0.Football.premier.e1.BothToScore", "e1:BothToScore"),
        ("book.0.Football.premier.e1.MatchWinner", M),
    ]
    assert read[-1][1] == end
