"""A cluster that was left running: found while its holder lives, forgotten when it does not."""

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest
from click.testing import CliRunner

from touchline_e2e import standing
from touchline_e2e.commands import cli
from touchline_e2e.errors import StartFailed
from touchline_e2e.standing import Standing


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def _note(pid: int, kubeconfig: str = "/somewhere/admin.kubeconfig") -> Standing:
    noted = Standing(pid, kubeconfig, "http://127.0.0.1:8080")
    standing.state_file().parent.mkdir(parents=True)
    standing.state_file().write_text(json.dumps(asdict(noted)), encoding="utf-8")
    return noted


def test_without_a_note_there_is_no_cluster() -> None:
    assert standing.find() is None
    assert standing.down() is False


def test_a_note_of_another_program_is_forgotten() -> None:
    """Process ids are used again: this one is the test runner's."""
    _note(os.getpid())
    assert standing.find() is None
    assert not standing.state_file().exists()


@pytest.mark.parametrize("kubeconfig", ["/somewhere/admin.kubeconfig", ""], ids=["up", "starting"])
def test_a_living_holder_is_found_and_ended(kubeconfig: str) -> None:
    source = "import signal, sys; print('up', flush=True); signal.pause()"
    with subprocess.Popen(
        [sys.executable, "-S", "-c", source, "touchline_e2e"], stdout=subprocess.PIPE, text=True
    ) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "up\n"
            noted = _note(holder.pid, kubeconfig)
            assert standing.find() == noted
            if kubeconfig:
                assert standing.up(1, print) == noted
            assert standing.down() is True
            assert holder.wait(5) == -15
        finally:
            holder.kill()


def test_an_unknown_program_is_a_usage_error_that_names_the_known_ones() -> None:
    done = CliRunner().invoke(cli, ["tools", "dockerd"])
    assert done.exit_code == 2
    assert "no such program: dockerd; there are pause, etcd, kubernetes" in done.output


def test_a_holder_that_ends_while_it_starts_is_an_error_with_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here the holder is a Python that finds no such module."""
    monkeypatch.setenv("PYTHONPATH", "")
    monkeypatch.chdir("/")
    said: list[str] = []
    with pytest.raises(StartFailed, match="the cluster did not come up"):
        standing.up(1, said.append)
    assert "No module named touchline_e2e" in "\n".join(said)
