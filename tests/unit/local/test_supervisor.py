"""The supervisor with real child processes."""

import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from rich.console import Console

from support.waiting import until, wait_until
from touchline.local.child import Child, words_of_exit
from touchline.local.errors import StartFailed
from touchline.local.log_sink import LogSink
from touchline.local.supervisor import ProcessSpec, Supervisor

SLEEPER = "import time; print('up', flush=True); time.sleep(600)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
)


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[LogSink]:
    with (tmp_path / "terminal.txt").open("w") as terminal:
        sink = LogSink(Console(file=terminal, width=200), folder=tmp_path)
        yield sink
        sink.close()


async def at_once(_born: float) -> bool:
    return True


def script(
    name: str, source: str, *, stage: int = 0, ready: Callable[[float], Awaitable[bool]] = at_once
) -> ProcessSpec:
    return ProcessSpec(name, (sys.executable, "-c", source), dict(os.environ), stage, ready)


def says(path: Path, text: str) -> Callable[[float], Awaitable[bool]]:
    """Ready when a log file holds a text."""

    def said() -> bool:
        return path.exists() and text in path.read_text()

    async def ready(_born: float) -> bool:
        return said()

    return ready


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_a_killed_process_is_back_with_a_new_id(sink: LogSink) -> None:
    supervisor = Supervisor(sink)
    supervisor.start(script("a", SLEEPER))
    await supervisor.ready(["a"], within=5)
    first = supervisor.pids["a"]
    os.kill(first, signal.SIGKILL)
    await until(lambda: supervisor.pids.get("a", first) != first)
    assert supervisor.restarts["a"] == 1
    await supervisor.stop_all()
    assert supervisor.pids == {}


async def test_the_first_restart_comes_at_once_and_later_ones_with_growing_pauses(
    sink: LogSink, tmp_path: Path
) -> None:
    births = tmp_path / "births"
    source = f"import time; open({str(births)!r}, 'a').write(f'{{time.monotonic()}}\\n')"
    supervisor = Supervisor(sink)
    supervisor.start(script("a", source, ready=says(births, ".")))
    await until(lambda: births.exists() and len(births.read_text().split()) >= 6, within=15)
    await supervisor.stop_all()
    times = [float(text) for text in births.read_text().split()]
    pauses = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert pauses[4] > pauses[1] > 0.09
    assert pauses[4] > 0.7


async def test_what_never_becomes_ready_ends_the_start_with_its_last_lines(sink: LogSink) -> None:
    async def never(_born: float) -> bool:
        return False

    supervisor = Supervisor(sink)
    supervisor.start(script("broken", "print('no such feed: x'); raise SystemExit(3)", ready=never))
    with pytest.raises(StartFailed, match=r"broken cannot start: it died 4 times .*exit code 3(?s:.*)no such feed: x"):
        await supervisor.ready(["broken"], within=20)
    await supervisor.stop_all()


async def test_a_program_that_does_not_exist_is_named(sink: LogSink) -> None:
    supervisor = Supervisor(sink)
    supervisor.start(ProcessSpec("ghost", ("/no/such/program",)))
    with pytest.raises(StartFailed, match="ghost cannot be started: /no/such/program: No such file"):
        await supervisor.ready(["ghost"], within=5)
    await supervisor.stop_all()


async def test_what_is_not_ready_in_time_is_named_with_its_last_lines(sink: LogSink, tmp_path: Path) -> None:
    supervisor = Supervisor(sink)
    supervisor.start(script("slow", SLEEPER, ready=says(tmp_path / "slow.log", "never said")))
    await until((tmp_path / "slow.log").exists)
    with pytest.raises(StartFailed, match=r"slow was not ready within 0.5 s(?s:.*)up"):
        await supervisor.ready(["slow"], within=0.5)
    await supervisor.stop_all()


async def test_later_stages_stop_first(sink: LogSink, tmp_path: Path) -> None:
    ends = tmp_path / "ends"
    source = (
        "import signal, sys, time\n"
        f"def end(*_): open({str(ends)!r}, 'a').write(sys.argv[1] + ' '); sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, end); print('up', flush=True); time.sleep(600)"
    )
    supervisor = Supervisor(sink)
    for name, stage in (("broker", 0), ("book", 1), ("door", 2)):
        argv = (sys.executable, "-c", source, name)
        spec = ProcessSpec(name, argv, dict(os.environ), stage, says(tmp_path / f"{name}.log", "up"))
        supervisor.start(spec)
    await supervisor.ready(["broker", "book", "door"], within=10)
    await supervisor.stop_all()
    assert ends.read_text().split() == ["door", "book", "broker"]


async def test_what_ignores_the_request_to_stop_is_killed_within_the_bound(sink: LogSink, tmp_path: Path) -> None:
    supervisor = Supervisor(sink)
    supervisor.start(script("stubborn", STUBBORN, ready=says(tmp_path / "stubborn.log", "up")))
    await supervisor.ready(["stubborn"], within=5)
    pid = supervisor.pids["stubborn"]
    began = time.monotonic()
    await supervisor.stop_all(within=1.0)
    assert time.monotonic() - began < 3
    assert not alive(pid)


async def test_removing_one_process_leaves_the_others(sink: LogSink) -> None:
    supervisor = Supervisor(sink)
    for name in ("a", "b"):
        supervisor.start(script(name, SLEEPER))
    await supervisor.ready(["a", "b"], within=5)
    kept = supervisor.pids["b"]
    await supervisor.remove(["a"])
    assert supervisor.pids == {"b": kept}
    await supervisor.stop_all()


async def test_children_are_in_a_process_group_of_their_own(sink: LogSink) -> None:
    supervisor = Supervisor(sink)
    supervisor.start(script("a", SLEEPER))
    await supervisor.ready(["a"], within=5)
    assert os.getpgid(supervisor.pids["a"]) != os.getpgid(0)
    await supervisor.stop_all()


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
def test_children_die_with_a_parent_that_was_killed(tmp_path: Path) -> None:
    parent = (
        "import asyncio, os, sys\n"
        "from rich.console import Console\n"
        "from touchline.local.log_sink import LogSink\n"
        "from touchline.local.supervisor import ProcessSpec, Supervisor\n"
        "async def main():\n"
        "    supervisor = Supervisor(LogSink(Console(), folder=None))\n"
        f"    supervisor.start(ProcessSpec('a', (sys.executable, '-c', {STUBBORN!r}), dict(os.environ)))\n"
        "    await supervisor.ready(['a'], within=5)\n"
        "    print('CHILD', supervisor.pids['a'], flush=True)\n"
        "    await asyncio.sleep(600)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        child = next(int(line.split()[1]) for line in process.stdout if line.startswith("CHILD"))
        assert alive(child)
        process.kill()
        process.wait()
        wait_until(lambda: not alive(child))


async def test_lines_of_both_streams_arrive_whole_and_endless_ones_are_cut() -> None:
    lines: list[bytes] = []
    source = (
        "import sys; print('a'); print('b', file=sys.stderr); sys.stdout.write('x' * 100_000); print(); print('last')"
    )
    child = await Child.spawn([sys.executable, "-u", "-c", source], os.environ, lines.append)
    assert await child.wait() == 0
    assert {b"a", b"b", b"last"} <= set(lines)
    assert max(map(len, lines)) <= 16 * 1024


def test_exit_codes_are_told_in_words() -> None:
    assert words_of_exit(3) == "exit code 3"
    assert words_of_exit(-9) == "killed by SIGKILL"
