"""Where a simulator's changes come from, and the certificates that it serves with."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from support.betfair_messages import change, heartbeat, image, line, mcm, runner
from touchline.sim.certificates import CA_FILE, SERVER_FILE, keep_certificates, make_certificates, server_context
from touchline.sim.fixtures import SECOND, Fixtures
from touchline.sim.sources import AT_ONCE, Due, FixtureSource, RecordingSource
from touchline.sim.views import View

S = 1_000_000
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def written(tmp_path: Path, *lines: bytes) -> Path:
    path = tmp_path / "recording"
    path.write_bytes(b"\n".join(lines))
    return path


def test_every_provider_gets_every_match_in_its_own_words() -> None:
    views = {name: View(number, seed=1, wall_offset=0) for number, name in enumerate(["a", "b"])}
    source = FixtureSource(Fixtures(count=3, seed=1, tempo=60.0, now=0), views)
    first = source.advance(0)
    assert [due.provider for due in first][:2] == ["a", "b"]
    assert all(len(due.changes) == 6 for due in first[:2])
    assert all("marketDefinition" in part for due in first[:2] for part in due.changes)


def test_markets_that_are_shown_no_longer_are_named() -> None:
    source = FixtureSource(Fixtures(count=2, seed=1, tempo=120.0, now=0), {"a": View(0, seed=1, wall_offset=0)})
    due = [due for at in range(0, 180 * SECOND, SECOND) for due in source.advance(at)]
    gone = [name for part in due for name in part.gone]
    assert len(gone) == len(set(gone)) > 1
    assert set(gone) <= {change["id"] for part in due for change in part.changes}


def test_a_recording_is_published_at_its_pace_to_every_provider(tmp_path: Path) -> None:
    path = written(tmp_path, mcm(image(), pt=1_000), heartbeat(), b"{junk", mcm(change("1.1", tv=1), pt=3_000))
    source = RecordingSource(path, speed=2.0, providers=["a", "b"])
    assert [due.provider for due in source.advance(10 * S)] == ["a", "b"]
    assert source.advance(11 * S - 1) == []
    assert [due.changes for due in source.advance(11 * S)] == [[{"id": "1.1", "tv": 1}]] * 2
    assert source.advance(12 * S) == []
    assert source.finished
    assert source.skipped == 2


def test_as_fast_as_it_goes_a_recording_comes_in_bounded_portions(tmp_path: Path) -> None:
    lines = [mcm(change("1.1", runner(1, atb=[[2.0, number]])), pt=number) for number in range(1, AT_ONCE * 2 + 11)]
    source = RecordingSource(written(tmp_path, *lines), speed=None, providers=["a"])
    sizes = [len(source.advance(0)) for _ in range(4)]
    assert sizes == [AT_ONCE, AT_ONCE, 10, 0]


def test_other_messages_of_a_recording_are_skipped(tmp_path: Path) -> None:
    source = RecordingSource(
        written(tmp_path, line(op="ccm", pt=1, cc=[]), mcm(image(), pt=1)), speed=None, providers=["a"]
    )
    assert [type(due) for due in source.advance(0)] == [Due]
    assert source.skipped == 1


def test_certificates_are_kept_and_renewed_before_they_end(tmp_path: Path) -> None:
    folder = tmp_path / "ca"
    made = keep_certificates(folder, NOW)
    assert (folder / CA_FILE).read_text() == made.ca_pem
    assert (folder / SERVER_FILE).stat().st_mode & 0o077 == 0, "the key is its owner's alone"
    assert keep_certificates(folder, NOW + timedelta(days=20)) == made
    assert keep_certificates(folder, NOW + timedelta(days=29, hours=12)) != made


def test_damaged_certificates_are_made_anew(tmp_path: Path) -> None:
    made = keep_certificates(tmp_path, NOW)
    (tmp_path / SERVER_FILE).write_text("nonsense")
    again = keep_certificates(tmp_path, NOW)
    assert again != made
    assert again == keep_certificates(tmp_path, NOW)


def test_a_server_context_is_made_of_certificates() -> None:
    context = server_context(make_certificates(NOW))
    assert context.protocol is ssl.PROTOCOL_TLS_SERVER
