"""How `touchline up` ends when it is not asked nicely, or too early."""

import os
import signal
from pathlib import Path

import pytest

from support.engine import REPOSITORY, Engine, alive
from support.waiting import wait_until

pytestmark = pytest.mark.servers

QUICKSTART = REPOSITORY / "examples" / "quickstart"


def children_of(pid: int) -> set[int]:
    """Ids of the processes whose parent is `pid`."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has just ended
        if int(words[1]) == pid:
            found.add(int(entry.parent.name))
    return found


def test_ctrl_c_while_it_starts_leaves_nothing_behind(tmp_path: Path) -> None:
    with Engine([QUICKSTART], tmp_path) as engine:
        wait_until(lambda: len(children_of(engine.process.pid)) >= 5, within=60)
        children = children_of(engine.process.pid)
        engine.interrupt()
        assert engine.ended(within=30) == 0
    assert not [pid for pid in children if alive(pid)]
    assert not (engine.state / "lock").exists()
    assert "ready in" not in engine.output


def test_when_it_is_killed_its_children_die_and_the_next_one_starts_on_what_is_stored(tmp_path: Path) -> None:
    with Engine([QUICKSTART], tmp_path) as engine:
        engine.ready()
        children = set(engine.record.processes.values())
        assert engine.command("halt", "all", "--note", "stays").returncode == 0
        os.kill(engine.process.pid, signal.SIGKILL)
        wait_until(lambda: not [pid for pid in children if alive(pid)], within=10)
    with Engine([QUICKSTART], tmp_path) as again:
        again.ready()
        assert "halted: everything" in again.command("status").stdout


def test_broken_files_start_nothing(tmp_path: Path) -> None:
    broken = tmp_path / "engine.yaml"
    broken.write_text((QUICKSTART / "engine.yaml").read_text().replace("shards: 4", "shards: four"))
    with Engine([broken], tmp_path) as engine:
        assert engine.ended() == 1
        assert "engine.yaml:7:3: spec.shards: must be a whole number" in engine.output
        assert "touchline validate" in engine.output
        assert "Traceback" not in engine.output
    assert not engine.state.exists()


def test_a_state_directory_made_with_other_shards_is_refused(tmp_path: Path) -> None:
    with Engine([QUICKSTART], tmp_path) as engine:
        engine.ready()
    text = (QUICKSTART / "engine.yaml").read_text()
    assert "shards: 4" in text
    for source in QUICKSTART.glob("*.yaml"):
        (tmp_path / source.name).write_text(source.read_text().replace("shards: 4", "shards: 5"))
    files = [tmp_path / source.name for source in QUICKSTART.glob("*.yaml")]
    with Engine(files, tmp_path) as other:
        assert other.ended(within=60) == 1
        assert "was made with 4 shards, but the OddsEngine declares 5" in " ".join(other.output.split())
