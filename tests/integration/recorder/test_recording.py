"""The recorder as a process on a real broker: what happened is in the log once, whatever becomes of recorder and broker."""

import asyncio
import json
import signal
from pathlib import Path

import pytest
from nats.aio.client import Client

from support.health_port import ANY_PORT, HealthClient
from support.recorder_process import Logged, judged, recorder_process, said
from support.returning_broker import nats_server
from support.servers import SHARDS
from support.waiting import until, until_found
from touchline.bus import subjects
from touchline.bus.provision import provision, provision_audit
from touchline.bus.status import read_status
from touchline.local.servers import NatsServer

__all__ = ["nats_server"]

pytestmark = pytest.mark.servers

BOOK, BETS = subjects.BOOK_STREAM, subjects.bets_stream(0)
SUBJECT = subjects.book(0, "Football", "epl", "e1", "MatchWinner")


async def prices(nc: Client, first: int, count: int) -> None:
    for number in range(first, first + count):
        await nc.publish(SUBJECT, f"price {number}".encode())
    await nc.flush()


async def decision(nc: Client, number: int) -> None:
    await nc.jetstream().publish(subjects.bets("accepted", 0), f"decision {number}".encode())


async def status_of(nc: Client, name: str = "recorder-1") -> dict[str, object]:
    return (await read_status(nc)).get(f"recorder.{name}", {})


async def waits_for(nc: Client, words: str) -> None:
    """Wait until the recorder says that it does not record, and why."""

    async def told() -> bool:
        status = await status_of(nc)
        return words in str(status.get("waitingFor")) and status["recording"] is False

    await until_found(told, within=30)


async def limit_segments(nc: Client, octets: int) -> None:
    """Let the log's stream take no larger ones; -1: any. An administrator's mistake stands for a full disk."""
    config = json.loads((await nc.request(f"$JS.API.STREAM.INFO.{subjects.AUDIT_STREAM}")).data)["config"]
    changed = json.dumps(config | {"max_msg_size": octets}).encode()
    answer = json.loads((await nc.request(f"$JS.API.STREAM.UPDATE.{subjects.AUDIT_STREAM}", changed)).data)
    assert "error" not in answer


async def test_every_price_and_decision_is_in_the_log_with_its_bytes(
    nats_server: NatsServer, nats: Client, tmp_path: Path
) -> None:
    await prices(nats, 1, 20)  # before anybody records
    await decision(nats, 1)
    log = Logged(nats)
    with recorder_process(nats_server.url, tmp_path, *ANY_PORT, shards=SHARDS):
        await until_found(lambda: log.holds(BOOK, 20), within=20)
        await prices(nats, 21, 1_500)
        await decision(nats, 2)
        await until_found(lambda: log.holds(BOOK, 1_520), within=20)
        await until_found(lambda: log.holds(BETS, 2), within=20)
        health = await HealthClient(lambda: said(tmp_path)).start()
        await health.until_ready()
        assert (await health.figures())["touchline_recorder_entries_total"] == 1_522
    assert log.of(BOOK) == list(range(1, 1_521))
    kept = {(entry.stream, entry.seq): entry for entry in log.entries}
    assert [kept[BOOK, seq].data for seq in (1, 1_520)] == [b"price 1", b"price 1520"]
    assert kept[BOOK, 1].subject == SUBJECT
    assert [kept[BETS, seq].data for seq in (1, 2)] == [b"decision 1", b"decision 2"]
    assert all(entry.at.startswith("20") for entry in log.entries)
    assert not log.breaks
    checked = judged(nats_server.url)
    assert checked.returncode == 0, checked.stderr
    assert "1,520 entries" in checked.stdout
    assert "the chain is whole" in checked.stdout


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["stopped", "killed"])
async def test_the_next_recorder_goes_on_where_the_log_ends(
    nats_server: NatsServer, nats: Client, tmp_path: Path, number: signal.Signals
) -> None:
    log = Logged(nats)
    with recorder_process(nats_server.url, tmp_path, shards=SHARDS) as first:
        await prices(nats, 1, 50)
        await until_found(lambda: log.holds(BOOK, 50), within=20)
        await prices(nats, 51, 50)  # read or not: it is not said which
        first.send_signal(number)
        code = await asyncio.to_thread(first.wait, 10)
        assert code == (0 if number is signal.SIGTERM else -signal.SIGKILL)
    await prices(nats, 101, 50)  # while nobody records
    with recorder_process(nats_server.url, tmp_path, shards=SHARDS, name="recorder-2"):
        await until_found(lambda: log.holds(BOOK, 150), within=20)
    assert log.of(BOOK) == list(range(1, 151))
    assert not log.breaks
    assert len({*log.writers}) == 2
    assert judged(nats_server.url).returncode == 0


async def test_two_at_once_write_nothing_twice(nats_server: NatsServer, nats: Client, tmp_path: Path) -> None:
    log = Logged(nats)
    with (
        recorder_process(nats_server.url, tmp_path, shards=SHARDS),
        recorder_process(nats_server.url, tmp_path, shards=SHARDS, name="recorder-2"),
    ):
        sent = 0

        async def both_have_written() -> bool:
            nonlocal sent
            await prices(nats, sent + 1, 10)
            sent += 10
            return len({*(await log.read()).writers}) == 2

        await until_found(both_have_written, within=60)
        await until_found(lambda: log.holds(BOOK, sent), within=20)
    assert log.of(BOOK) == list(range(1, sent + 1))
    assert judged(nats_server.url).returncode == 0


async def test_a_broker_that_restarts_forgets_prices_and_the_log_says_so(
    nats_server: NatsServer, nats: Client, tmp_path: Path
) -> None:
    log = Logged(nats)
    with recorder_process(nats_server.url, tmp_path, shards=SHARDS) as child:
        await prices(nats, 1, 30)
        await decision(nats, 1)
        await until_found(lambda: log.holds(BOOK, 30), within=20)
        nats_server.stop()
        nats_server.start()
        await until(lambda: nats.stats["reconnects"] == 1 and nats.is_connected, within=20)
        await provision(nats, shards=SHARDS)  # what is in memory has to be made again: operator and `touchline up` do
        await prices(nats, 1, 60)  # more than there were: the numbers alone do not show it
        await decision(nats, 2)
        await until_found(lambda: log.holds(BOOK, 90), within=30)
        await until_found(lambda: log.holds(BETS, 2), within=20)
        assert child.poll() is None

        async def told() -> bool:
            return (await status_of(nats)).get("breaks") == 1

        await until_found(told, within=20)
    assert log.of(BOOK) == [*range(1, 31), *range(1, 61)]
    assert log.of(BETS) == [1, 2], "what is on a disk is still the same"
    assert [(each.stream, each.after, each.until) for each in log.breaks] == [(BOOK, 30, 1)]
    assert judged(nats_server.url).returncode == 0


async def test_prices_that_ran_out_before_they_were_read_stand_as_missing(
    nats_server: NatsServer, nats: Client, tmp_path: Path
) -> None:
    log = Logged(nats)
    with recorder_process(nats_server.url, tmp_path, shards=SHARDS):
        await prices(nats, 1, 10)
        await until_found(lambda: log.holds(BOOK, 10), within=20)
    await prices(nats, 11, 40)
    await nats.jetstream().purge_stream(BOOK, keep=15)
    with recorder_process(nats_server.url, tmp_path, shards=SHARDS):
        await until_found(lambda: log.holds(BOOK, 25), within=20)
    assert [(each.stream, each.after, each.until) for each in log.breaks] == [(BOOK, 10, 36)]
    checked = judged(nats_server.url)
    assert checked.returncode == 0
    assert "missing: BOOK between 10 and 36" in checked.stdout


async def test_somebody_elses_segment_stops_the_recording_is_told_and_breaks_the_chain(
    nats_server: NatsServer, nats: Client, tmp_path: Path
) -> None:
    log = Logged(nats)
    with recorder_process(nats_server.url, tmp_path, shards=SHARDS) as child:
        await prices(nats, 1, 10)
        await until_found(lambda: log.holds(BOOK, 10), within=20)
        await nats.jetstream().publish(subjects.AUDIT, b"forged")
        await prices(nats, 11, 10)
        await waits_for(nats, "newest segment cannot be read")
        assert child.poll() is None, "another process would not read it either"
    checked = judged(nats_server.url)
    assert checked.returncode == 1
    assert "BROKEN at segment" in checked.stdout


async def test_what_the_log_keeps_is_what_is_declared_and_the_status_says_how_far_it_reaches(
    nats_server: NatsServer, nats: Client, tmp_path: Path
) -> None:
    with recorder_process(nats_server.url, tmp_path, shards=SHARDS):
        await prices(nats, 1, 10)

        async def recorded() -> bool:
            status = await status_of(nats)
            return bool(status.get("segments")) and bool(status.get("oldest"))

        await until_found(recorded, within=30)
        status = await status_of(nats)
        assert status["recording"] is True
        assert (status["keptS"], status["rolled"], status["behind"]) == (2160 * 3600, False, 0)
        await provision_audit(nats, kept_s=7200)

        async def shorter() -> bool:
            return (await status_of(nats)).get("keptS") == 7200

        await until_found(shorter, within=30)


async def test_a_log_that_cannot_be_written_is_told_and_nothing_is_lost(
    nats_server: NatsServer, nats: Client, tmp_path: Path
) -> None:
    await limit_segments(nats, 10)
    log = Logged(nats)
    with recorder_process(nats_server.url, tmp_path, shards=SHARDS):
        await prices(nats, 1, 10)

        await waits_for(nats, "does not store a segment")
        said_at = []
        while len(said_at) < 4:  # it stays so for as long as it is so
            status = await status_of(nats)
            assert status["recording"] is False
            if status["at"] not in said_at:
                said_at.append(status["at"])
            await asyncio.sleep(0.05)
        await prices(nats, 11, 10)
        await limit_segments(nats, -1)
        await until_found(lambda: log.holds(BOOK, 20), within=20)

        async def over() -> bool:
            return (await status_of(nats)).get("recording") is True

        await until_found(over, within=20)
    assert log.of(BOOK) == list(range(1, 21))
    assert said(tmp_path).count("does not store a segment") == 1, "told once"


async def test_what_was_read_before_the_broker_forgot_it_is_stored_when_it_is_back(
    nats_server: NatsServer, nats: Client, tmp_path: Path
) -> None:
    """Prices that wait in the recorder for others outlive the broker's memory."""
    log = Logged(nats)
    with recorder_process(nats_server.url, tmp_path, shards=SHARDS):
        await prices(nats, 1, 10)
        await until_found(lambda: log.holds(BOOK, 10), within=20)
        await limit_segments(nats, 10)
        await prices(nats, 11, 10)

        await waits_for(nats, "does not store a segment")
        nats_server.stop()
        nats_server.start()
        await until(lambda: nats.stats["reconnects"] == 1 and nats.is_connected, within=20)
        await provision(nats, shards=SHARDS)
        await limit_segments(nats, -1)
        await until_found(lambda: log.holds(BOOK, 20), within=30)
    assert log.of(BOOK) == list(range(1, 21))
    assert judged(nats_server.url).returncode == 0


async def test_a_source_that_is_away_holds_no_other_back(nats_server: NatsServer, nats: Client, tmp_path: Path) -> None:
    log = Logged(nats)
    await nats.jetstream().delete_stream(subjects.bets_stream(1))
    with recorder_process(nats_server.url, tmp_path, shards=SHARDS):
        await prices(nats, 1, 10)
        await until_found(lambda: log.holds(BOOK, 10), within=20)

        await waits_for(nats, subjects.bets_stream(1))


async def test_a_log_that_is_empty_is_whole(nats_server: NatsServer, nats: Client) -> None:
    checked = judged(nats_server.url)
    assert (checked.returncode, checked.stdout) == (0, "the log is empty\n")
