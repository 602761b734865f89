"""`touchline validate`."""

import json
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from touchline.api.load import LoadResult, load_files
from touchline.api.problems import Problem, Severity
from touchline.api.render import render
from touchline.local.errors import REFUSED
from touchline.local.target import json_option


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="FILE|DIR…", type=click.Path(path_type=Path))
@json_option
def validate(paths: tuple[Path, ...], *, as_json: bool) -> None:
    """Check resources without starting anything: each mistake with file, line, field and what to do.

    Ends with 0 where they can be used (warnings or not), with 1 where they cannot.

    \b
    Examples:
      touchline validate examples/quickstart
      touchline validate engine.yaml markets/ --json
    """
    result = load_files(paths)
    if as_json:
        click.echo(json.dumps(_document(result)))
    else:
        _show(result)
    if not result.ok:
        raise SystemExit(REFUSED)


def _document(result: LoadResult) -> dict[str, object]:
    return {
        "ok": result.ok,
        "files": [str(file) for file in result.files],
        "resources": _counts(result),
        "problems": [asdict(problem) for problem in result.problems],
    }


def _counts(result: LoadResult) -> dict[str, int]:
    found: dict[str, int] = {}
    for item in result.loaded:
        found[item.kind] = found.get(item.kind, 0) + 1
    return found


def _show(result: LoadResult) -> None:
    problems = Console(stderr=True, highlight=False, soft_wrap=True)
    for problem in result.problems:
        problems.print(_line(problem))
    summary = Console(highlight=False, soft_wrap=True)
    counts = ", ".join(f"{number} {kind}" for kind, number in _counts(result).items())
    if result.ok:
        warned = f", {len(result.warnings)} warning{'s' * (len(result.warnings) > 1)}" if result.warnings else ""
        summary.print(
            Text.assemble(
                ("valid", "bold green"),
                f": {counts or 'nothing'} in {len(result.files)} file{'s' * (len(result.files) != 1)}{warned}",
            )
        )
    else:
        problems.print(
            Text.assemble(("not valid", "bold red"), f": {len(result.errors)} error{'s' * (len(result.errors) > 1)}")
        )


def _line(problem: Problem) -> Text:
    text = render(problem)
    place, _, rest = text.partition(": ")
    return Text.assemble((place, "bold"), ": ", (rest, "yellow" if problem.severity is Severity.WARNING else ""))
