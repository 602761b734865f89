"""The state directory: one holder, private files, errors that say what to do."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from touchline.local import secret_files
from touchline.local.errors import NotRunning, Refused, StateDirError
from touchline.local.state_dir import RunRecord, StateDir, describe, read_run

RECORD = RunRecord(
    pid=os.getpid(),
    gateway="http://127.0.0.1:8080",
    nats_url="nats://127.0.0.1:1",
    user="cli",
    password="p",
    started_at=1,
)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_second_engine_on_one_directory_is_refused_and_told_who_holds_it(tmp_path: Path) -> None:
    with StateDir(tmp_path), pytest.raises(StateDirError, match=rf"process {os.getpid()}\)") as refusal:
        StateDir(tmp_path).__enter__()
    assert "--state-dir" in refusal.value.fix


def test_the_lock_is_free_again_after_the_holder_was_killed(tmp_path: Path) -> None:
    source = (
        "import sys, time; from pathlib import Path; from touchline.local.state_dir import StateDir\n"
        f"StateDir(Path({str(tmp_path)!r})).__enter__(); print('held', flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StateDirError):
            StateDir(tmp_path).__enter__()
        holder.kill()
        holder.wait()
    with StateDir(tmp_path):
        pass


def test_nothing_of_the_lock_or_the_record_stays_behind(tmp_path: Path) -> None:
    with StateDir(tmp_path) as state:
        state.write_run(RECORD)
    assert not state.lock_file.exists()
    assert not state.run_file.exists()


def test_the_record_is_for_its_owner_only_and_reads_back(tmp_path: Path) -> None:
    with StateDir(tmp_path) as state:
        state.write_run(RECORD)
        assert mode(state.run_file) == 0o600
        assert read_run(tmp_path) == RECORD


def test_without_an_engine_the_fix_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotRunning, match="no engine runs on the state directory") as refusal:
        read_run(tmp_path)
    assert "touchline up" in refusal.value.fix


def test_a_record_of_an_engine_that_died_counts_as_none(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    with StateDir(tmp_path) as state:
        state.write_run(
            RunRecord(**{**{name: getattr(RECORD, name) for name in RECORD.__struct_fields__}, "pid": ended.pid})
        )
        with pytest.raises(NotRunning):
            read_run(tmp_path)


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(StateDirError, match="is a file"):
        StateDir(tmp_path / "state").__enter__()


@pytest.mark.parametrize(
    ("number", "says"), [("ENOSPC", "is full"), ("EACCES", "cannot be written"), ("EROFS", "cannot be written")]
)
def test_errors_of_the_disk_are_told_in_words(number: str, says: str) -> None:
    import errno

    code = getattr(errno, number)
    error = describe(OSError(code, os.strerror(code)), Path("/state"))
    assert says in error.message
    assert "--state-dir" in error.fix


def test_a_full_disk_is_told_when_a_file_is_written(tmp_path: Path) -> None:
    os.symlink("/dev/full", tmp_path / "x.new")
    with pytest.raises(StateDirError, match="is full"):
        StateDir(tmp_path).write_private(tmp_path / "x", b"content")


def test_secrets_are_private_files_and_stale_ones_go(tmp_path: Path) -> None:
    with StateDir(tmp_path) as state:
        secret_files.write(state, {"betfair": {"appKey": b"k", "sessionToken": b"t"}, "old": {"a": b"b"}})
        secret_files.write(state, {"betfair": {"appKey": b"k2"}})
        assert [path.relative_to(state.secrets).as_posix() for path in state.secrets.rglob("*")] == [
            "betfair",
            "betfair/appKey",
        ]
        assert (state.secrets / "betfair/appKey").read_text() == "k2"
        assert mode(state.secrets) == mode(state.secrets / "betfair") == 0o700
        assert mode(state.secrets / "betfair/appKey") == 0o600


def test_a_secret_cannot_leave_its_folder(tmp_path: Path) -> None:
    with StateDir(tmp_path) as state, pytest.raises(Refused, match=r"\.\./x"):
        secret_files.write(state, {"s": {"../x": b"1"}})
