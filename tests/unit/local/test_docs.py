"""The documentation and the command line say the same."""

import re
import shlex
from pathlib import Path

import click
import pytest

from touchline.local.cli import COMMANDS, cli

REPOSITORY = Path(__file__).parents[3]
PAGES = (
    "README.md",
    "docs/cli.md",
    "docs/quickstart.md",
    "examples/README.md",
    "examples/quickstart/README.md",
    "examples/replay/README.md",
)


def lines(page: str) -> list[str]:
    """Each `touchline …` line in the code blocks of a page, without prompt, remark and redirection."""
    blocks = re.findall(r"^```[a-z]*\n(.*?)^```", (REPOSITORY / page).read_text(), re.MULTILINE | re.DOTALL)
    found = [line for block in blocks for line in block.splitlines()]
    return [
        re.split(r"\s+#|\s+>", line.removeprefix(".venv/bin/"))[0]
        for line in found
        if re.match(r"(\.venv/bin/)?touchline ", line)
    ]


@pytest.mark.parametrize("page", PAGES)
def test_every_command_in_the_documentation_is_understood(page: str) -> None:
    for line in lines(page):
        _, name, *words = shlex.split(line)
        command = cli.get_command(click.Context(cli), name)
        assert command is not None, line
        command.make_context(name, words, parent=click.Context(cli))


@pytest.mark.parametrize("name", COMMANDS)
def test_the_page_of_the_command_line_shows_every_command(name: str) -> None:
    assert any(line.split()[1] == name for line in lines("docs/cli.md"))


def test_the_page_of_the_command_line_names_every_option_of_up() -> None:
    text = (REPOSITORY / "docs/cli.md").read_text()
    up = cli.get_command(click.Context(cli), "up")
    assert up is not None
    for option in up.params:
        if isinstance(option, click.Option):
            assert f"`{option.opts[0]}`" in text, option.opts[0]
