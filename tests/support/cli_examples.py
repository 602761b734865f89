"""The examples in the help of the command line."""

import re
import shlex

import click

from touchline.local.cli import cli


def command(name: str) -> click.Command:
    """One command of the program."""
    found = cli.get_command(click.Context(cli), name)
    assert found is not None
    return found


def examples(name: str) -> list[list[str]]:
    """The words of each example in a command's help, without `touchline`, redirections and remarks."""
    lines = re.findall(r"^ +touchline (.*?)(?: {3,}.*| >+ .*)?$", command(name).help or "", re.MULTILINE)
    return [shlex.split(line) for line in lines]
