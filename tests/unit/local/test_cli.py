"""The command line itself: help that teaches, suggestions, exit codes, no traceback for a user's mistake."""

import json
import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from support.cli_examples import command, examples
from touchline.local.cli import COMMANDS, cli
from touchline.version import __version__

REPOSITORY = Path(__file__).parents[3]
NAMES = list(COMMANDS)


@pytest.mark.parametrize("name", NAMES)
def test_the_help_of_every_command_teaches_by_examples(name: str) -> None:
    result = CliRunner().invoke(cli, [name, "--help"])
    assert result.exit_code == 0
    assert "Examples:" in result.output
    assert examples(name)


@pytest.mark.parametrize("name", NAMES)
def test_every_example_of_the_help_is_understood_by_the_command(name: str) -> None:
    for words in examples(name):
        assert words[0] == name
        command(name).make_context(name, words[1:], parent=click.Context(cli))


def test_the_group_lists_every_command_with_a_sentence() -> None:
    result = CliRunner().invoke(cli, ["--help"])
    assert result.exit_code == 0
    for name in NAMES:
        assert re.search(rf"^  {name} +[A-Z]", result.output, re.MULTILINE), name


@pytest.mark.parametrize(
    ("typed", "meant"), [("wath", "watch"), ("valdate", "validate"), ("rpelay", "replay"), ("stauts", "status")]
)
def test_a_mistyped_command_is_guessed(typed: str, meant: str) -> None:
    result = CliRunner().invoke(cli, [typed])
    assert result.exit_code == 2
    assert f"`{meant}`" in result.output


def test_a_command_that_is_like_none_is_not_guessed() -> None:
    result = CliRunner().invoke(cli, ["xyzzy"])
    assert result.exit_code == 2
    assert "Did you mean" not in result.output


@pytest.mark.parametrize(
    ("words", "says", "code"),
    [
        (["up"], "Missing argument", 2),
        (["up", "no-such.yaml"], "there is no such file or folder", 1),
        (["up", "examples/quickstart", "--port", "99999"], "--port", 2),
        (["validate", "no-such.yaml"], "there is no such file or folder", 1),
        (["replay", "no-such.bz2"], "no-such.bz2", 1),
        (["replay", "README.md", "--speed", "fast"], "write a factor such as 10", 2),
        (["status", "--state-dir", "no-such"], "no engine runs", 1),
        (["halt", "market", "x", "--state-dir", "no-such"], "no engine runs", 1),
        (["halt", "sport", "x"], "'sport' is not one of", 2),
        (["explain", "e1:MatchWinner", "--url", "http://127.0.0.1:9"], "cannot be reached", 1),
        (
            ["bet", "e1:MatchWinner", "home", "10", "--url", "127.0.0.1:9", "--state-dir", "no-such"],
            "cannot be reached",
            1,
        ),
        (["completion", "csh"], "'csh' is not one of", 2),
    ],
)
def test_a_users_mistake_is_told_in_a_sentence(
    words: list[str], says: str, code: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TOUCHLINE_STATE_DIR", str(tmp_path / "none"))
    monkeypatch.chdir(REPOSITORY)
    result = CliRunner().invoke(cli, words)
    assert says in result.output
    assert result.exit_code == code
    assert "Traceback" not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)


def test_what_can_be_done_follows_the_error(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["status", "--state-dir", str(tmp_path)])
    assert re.search(r"^error: .*\n +fix: start one with `touchline up FILE`", result.output)


def test_version_names_the_servers_too() -> None:
    versions = json.loads(CliRunner().invoke(cli, ["version", "--json"]).output)
    assert versions["touchline"] == __version__
    assert re.fullmatch(r"\d+\.\d+\.\d+", versions["nats-server"])
    assert versions["valkey"][0].isdigit()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_for_each_shell(shell: str) -> None:
    result = CliRunner().invoke(cli, ["completion", shell])
    assert result.exit_code == 0
    assert "_TOUCHLINE_COMPLETE" in result.output


def test_the_shell_completes_commands_without_importing_them() -> None:
    result = CliRunner().invoke(
        cli,
        [],
        prog_name="touchline",
        env={"_TOUCHLINE_COMPLETE": "bash_complete", "COMP_WORDS": "touchline va", "COMP_CWORD": "1"},
    )
    assert result.output.splitlines() == ["plain,validate"]
