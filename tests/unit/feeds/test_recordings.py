"""Every recording, against what betfairlightweight makes of it: statuses and best prices, at the end and on the way."""

from functools import lru_cache
from pathlib import Path

import pytest

from support.betfair_truth import Books, books_along, final_books
from support.feed_outputs import Reader
from support.recordings import DATA, absent, betfair_files, recording
from touchline.domain.status import ProviderState, ProviderStatus
from touchline.feeds.interface import Disposition, TransportError
from touchline.feeds.replay.recording import Recording
from touchline.feeds.replay.session import ReplaySession

pytestmark = pytest.mark.recordings
FILES = betfair_files()
ALL_THE_WAY = (
    "betfair/flumine/1.197931750",
    "betfair/flumine/1.197931751",
    "betfair/flumine/1.200806927",
    "betfair/betfair-adapter-rs/29788457",
    "betfair/betfair_parser/1.185781277.bz2",
    "betfair/betfair_parser/1.242971311.bz2",
    "betfair/betfair-database/official_1.145405534.bz2",
)
"""The larger ones: they are compared on the way as well as at the end."""
THE_REST = [path for path in FILES if str(path.relative_to(DATA)) not in ALL_THE_WAY]
MEANS = {"OPEN": {ProviderStatus.OPEN}, "SUSPENDED": {ProviderStatus.SUSPENDED}, "INACTIVE": {ProviderStatus.SUSPENDED}}
CLOSED = {ProviderStatus.CLOSED, ProviderStatus.SETTLED, ProviderStatus.CANCELLED}


def test_the_recordings_are_there() -> None:
    if not FILES:
        absent()
    assert len(FILES) > 40, DATA


def assert_agree(reader: Reader, truth: Books) -> None:
    ours = reader.books()
    assert list(ours) == list(truth) or sorted(ours) == sorted(truth)
    for market, (word, prices) in truth.items():
        status, told = ours[market]
        assert status in MEANS.get(word, CLOSED), (market, word)
        assert told == prices, market


@lru_cache
def played(path: Path) -> Reader:
    session, reader = ReplaySession(path.name, speed=None, heartbeat_us=1_000_000), Reader()
    reader.take(session.connected(0, 0))
    for count, line in enumerate(Recording(path).lines(), 1):
        reader.take(session.received(count, count, line.frame))
    return reader


@pytest.mark.parametrize("path", THE_REST, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_file_ends_as_betfairlightweight_says(path: Path) -> None:
    if path.stat().st_size == 0:
        with pytest.raises(TransportError, match="is empty"):
            Recording(path)
        return
    reader = played(path)
    lines = sum(1 for _ in Recording(path).lines())
    assert len(reader.frames) == lines, "each frame has one disposition"
    assert reader.state in {ProviderState.CONNECTED, ProviderState.UNRELIABLE}
    assert_agree(reader, final_books(path))


@pytest.mark.parametrize("name", ALL_THE_WAY)
def test_a_file_agrees_all_the_way(name: str) -> None:
    path = recording(name)
    session, reader = ReplaySession(path.name, speed=None, heartbeat_us=1_000_000), Reader()
    reader.take(session.connected(0, 0))
    lines = Recording(path).lines()
    step = max(1, sum(1 for _ in Recording(path).lines()) // 25)
    checked = priced = 0
    for count, truth in books_along(path, step):
        while checked < count:
            checked += 1
            reader.take(session.received(checked, checked, next(lines).frame))
        assert_agree(reader, truth)
        priced += sum(len(prices) for _, prices in truth.values())
    assert checked > 100
    assert priced > 25


def test_the_cricket_match_goes_through_its_states_in_order() -> None:
    reader = played(recording("betfair/flumine/1.200806927"))
    assert [(status.name, in_play) for _, status, in_play in reader.statuses] == [
        ("OPEN", False),
        ("SUSPENDED", False),
        ("OPEN", True),
        ("SUSPENDED", True),
        ("SETTLED", True),
    ]
    market = reader.markets["1.200806927"]
    assert market.bet_delay_ms == 5000
    assert sorted(runner.result for runner in market.runners) == ["Loser", "Winner"]


def test_set_markets_close_in_the_middle_of_the_tennis_match() -> None:
    path = recording("betfair/betfair-adapter-rs/29788457")
    reader = played(path)
    assert {status for status, _ in reader.books().values()} == {ProviderStatus.SETTLED}
    events = {market.event_id for market in reader.markets.values()}
    assert (len(reader.markets), events) == (4, {"29788457"})
    order = [market for market, status, _ in reader.statuses if status is ProviderStatus.SETTLED]
    last = max(place for place, (_, status, _) in enumerate(reader.statuses) if status is not ProviderStatus.SETTLED)
    settled_first = reader.statuses.index(
        next(entry for entry in reader.statuses if entry[1] is ProviderStatus.SETTLED)
    )
    assert len(order) == 4
    assert settled_first < last, "others go on while the first is settled"


def test_the_lossy_recording_is_the_only_one_with_books_that_stay_crossed() -> None:
    crossed = {}
    for path in FILES:
        if path.stat().st_size:
            rules = [frame.rule for frame in played(path).frames if frame.disposition is Disposition.QUARANTINED]
            crossed[path.name] = rules.count("CrossedBook")
    if not crossed:
        absent()
    assert [name for name, count in crossed.items() if count] == ["1.242971311.bz2"]


def test_files_without_images_are_ignored_by_a_declared_rule() -> None:
    reader = played(recording("betfair/betfair-database/missing_metadata_1.209492553"))
    assert {(frame.disposition, frame.rule) for frame in reader.frames} == {(Disposition.IGNORED, "MarketNotDefined")}
    assert reader.markets == {}


def test_a_truncated_message_is_quarantined() -> None:
    reader = played(recording("betfair/betfair-database/missing_metadata_1.223716890"))
    assert [(frame.disposition, frame.rule) for frame in reader.frames] == [
        (Disposition.QUARANTINED, "MalformedMessage")
    ]
