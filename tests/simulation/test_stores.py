"""The simulated stores fence, remember and forget as the real ones do."""

from touchline.simulation.scheduler import SECOND, Scheduler
from touchline.simulation.stores import LAZY_SYNC_US, Bucket, Entry, Record, Refused, Stored, Stream


def _stream() -> tuple[Scheduler, Stream]:
    scheduler = Scheduler(1)
    return scheduler, Stream("BETS_0", scheduler)


def test_an_append_that_expects_another_last_sequence_is_refused() -> None:
    _, stream = _stream()
    assert stream.append("bets.epoch.0", b"1", "a", expected_last=0) == Stored(1)
    assert isinstance(stream.append("bets.accepted.0", b"2", "b", expected_last=0), Refused)
    assert stream.append("bets.accepted.0", b"2", "b", expected_last=1) == Stored(2)


def test_an_append_under_a_former_epoch_record_is_refused_although_the_number_fits() -> None:
    _, stream = _stream()
    stream.append("bets.epoch.0", b"1", "a")
    stream.append("bets.epoch.0", b"2", "b")
    assert isinstance(stream.append("x", b"3", "c", expected_last=2, expected_of=("bets.epoch.0", 1)), Refused)
    assert stream.append("x", b"3", "c", expected_last=2, expected_of=("bets.epoch.0", 2)) == Stored(3)


def test_a_record_that_comes_twice_is_stored_once() -> None:
    _, stream = _stream()
    stream.append("x", b"1", "a", expected_last=0)
    assert isinstance(stream.append("x", b"1", "a", expected_last=0), Refused), "the sequence is checked before the id"
    assert stream.append("x", b"1", "a") == Stored(1, duplicate=True)
    assert stream.last == 1


def test_a_store_that_syncs_always_loses_nothing_in_a_crash() -> None:
    _, stream = _stream()
    stream.append("x", b"1", "a")
    assert stream.durable == 1
    assert stream.crash() == 0


def test_a_lazy_store_loses_what_it_has_not_synced() -> None:
    scheduler, stream = _stream()
    stream.lazy = True
    lost: list[Record] = []
    stream.on_lost = lambda _, records: lost.extend(records)
    stream.append("x", b"1", "a")
    scheduler.run(LAZY_SYNC_US + SECOND)
    stream.append("x", b"2", "b")
    assert (stream.last, stream.durable) == (2, 1)
    assert stream.crash() == 1
    assert [record.payload for record in lost] == [b"2"]
    assert stream.append("x", b"3", "c", expected_last=1) == Stored(2)


def test_a_bucket_is_written_only_on_its_newest_revision() -> None:
    bucket = Bucket("lease", Scheduler(1))
    assert bucket.read("shard.0") == Entry(0, None)
    first = bucket.write("shard.0", b"a", 0)
    assert first is not None
    assert bucket.write("shard.0", b"b", 0) is None
    assert bucket.write("shard.0", b"b", first) == first + 1
    assert bucket.newest("shard.0").value == b"b"


def test_a_stale_read_shows_the_past_and_never_the_future() -> None:
    bucket = Bucket("lease", Scheduler(1))
    revision = 0
    for value in range(10):
        revision = bucket.write("shard.0", b"%d" % value, revision) or 0
    bucket.stale = 0.5
    seen = {bucket.read("shard.0").revision for _ in range(200)}
    assert max(seen) == revision
    assert min(seen) < revision
