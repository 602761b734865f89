"""The keeper ends and undoes everything, also when whoever asked for it is killed."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.lone_harness import lone_harness
from support.waiting import wait_until
from touchline_e2e.errors import HarnessError, StartFailed
from touchline_e2e.processes import Processes

SLEEPER = [sys.executable, "-S", "-c", "import time; print('up', flush=True); time.sleep(600)"]
STUBBORN = [
    sys.executable,
    "-S",
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)",
]


def _alive(pid: int) -> bool:
    """Whether a process runs: a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def processes() -> Iterator[Processes]:
    started = Processes()
    yield started
    started.end()


def _up(processes: Processes, name: str, argv: list[str]) -> int:
    pid = processes.start(name, argv)
    processes.wait_until(name, lambda: "up" in processes.log_of(name).read_text(encoding="utf-8"), 10)
    return pid


def test_the_end_ends_every_program_and_removes_the_folder(processes: Processes) -> None:
    pids = [_up(processes, "willing", SLEEPER), _up(processes, "stubborn", STUBBORN)]
    assert all(_alive(pid) for pid in pids)
    processes.end()
    assert not any(_alive(pid) for pid in pids)
    assert not processes.folder.exists()


def test_a_program_that_stands_still_is_ended_too(processes: Processes) -> None:
    pid = _up(processes, "stopped", SLEEPER)
    processes.signal("stopped", signal.SIGSTOP)
    processes.end()
    assert not _alive(pid)


def test_a_programs_own_children_are_ended_with_it(processes: Processes) -> None:
    """A child in a session of its own, whose parent is gone: the way daemons detach."""
    detach = "import subprocess, sys; p = subprocess.Popen(sys.argv[1:], start_new_session=True); print('up', p.pid, flush=True)"
    processes.start("parent", [sys.executable, "-S", "-c", detach, *SLEEPER])
    wait_until(lambda: processes.exit_code("parent") == 0)
    detached = int(processes.log_of("parent").read_text(encoding="utf-8").partition("up ")[2].split()[0])
    assert _alive(detached)
    processes.end()
    assert not _alive(detached)


def test_stopping_one_program_leaves_the_others(processes: Processes) -> None:
    first, second = _up(processes, "first", SLEEPER), _up(processes, "second", SLEEPER)
    assert processes.stop("first") == -signal.SIGTERM
    assert (_alive(first), _alive(second)) == (False, True)
    assert processes.exit_code("second") is None


def test_a_stubborn_program_is_killed_when_its_grace_is_over(processes: Processes) -> None:
    _up(processes, "stubborn", STUBBORN)
    assert processes.stop("stubborn", grace=0.1) == -signal.SIGKILL


def test_a_program_that_ends_while_it_is_waited_for_tells_why(processes: Processes) -> None:
    processes.start("broken", [sys.executable, "-S", "-c", "import sys; sys.exit('no such market')"])
    with pytest.raises(StartFailed, match=r"broken ended with 1:\nno such market"):
        processes.wait_until("broken", lambda: False, 10)


def test_a_program_that_never_answers_is_an_error_in_the_end(processes: Processes) -> None:
    _up(processes, "silent", SLEEPER)
    with pytest.raises(StartFailed, match="silent was not ready within 0 s"):
        processes.wait_until("silent", lambda: False, 0.1)


def test_a_program_that_is_not_there_is_an_error_and_the_keeper_goes_on(processes: Processes) -> None:
    with pytest.raises(HarnessError, match="FileNotFoundError"):
        processes.start("absent", ["/nowhere/at/all"])
    assert _alive(_up(processes, "present", SLEEPER))


def test_two_programs_of_one_name_are_an_error(processes: Processes) -> None:
    _up(processes, "one", SLEEPER)
    with pytest.raises(HarnessError, match="one is running already"):
        processes.start("one", SLEEPER)


@pytest.mark.parametrize("killed", ["harness", "keeper"])
def test_nothing_stays_behind_when_one_of_the_two_is_killed(killed: str, tmp_path: Path) -> None:
    """A process that uses the harness is killed without a chance to clean up; or the keeper itself is."""
    script = f"""
        import signal
        from touchline_e2e.processes import Processes
        processes = Processes()
        pids = [processes.start(name, argv) for name, argv in (("a", {SLEEPER!r}), ("b", {STUBBORN!r}))]
        print(processes.keeper_pid, processes.folder, *pids, flush=True)
        signal.pause()
    """
    with lone_harness(script, tmp_path) as (harness, (keeper, folder, *pids)):
        assert Path(folder).parent == tmp_path
        assert all(_alive(int(pid)) for pid in (keeper, *pids))
        os.kill(harness.pid if killed == "harness" else int(keeper), signal.SIGKILL)
        wait_until(lambda: not any(_alive(int(pid)) for pid in (keeper, *pids)), within=10)
        if killed == "harness":
            wait_until(lambda: not Path(folder).exists())
