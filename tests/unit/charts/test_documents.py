"""What the documents tell people to type about the chart can be typed."""

import re
from pathlib import Path

import helm_python
import pytest

from support import chart

INSTALL = chart.ROOT / "docs" / "install.md"
DOCUMENTS = [INSTALL, chart.ROOT / "README.md", chart.CHART / "README.md"]


def commands(document: Path) -> list[str]:
    """Every command of a document's shell blocks, on one line each."""
    text = document.read_text(encoding="utf-8")
    blocks = "\n".join(re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)).replace("\\\n", " ")
    return [" ".join(line.split()) for line in blocks.splitlines() if "helm " in line or "kubectl " in line]


OF_ALL = [
    pytest.param(command, id=f"{document.parent.name}/{document.name} {command[:40]}")
    for document in DOCUMENTS
    for command in commands(document)
]


@pytest.mark.parametrize("command", OF_ALL)
def test_a_command_sets_only_values_that_there_are_and_names_only_files_that_exist(command: str) -> None:
    expression = ",".join(match.strip("'") for match in re.findall(r"--set ('[^']+'|\S+)", command))
    namespace = re.search(r"--namespace (\S+)", command)
    chart.sources(
        helm_python.parse_set_string(expression) if expression else {},
        namespace=namespace[1] if namespace else chart.NAMESPACE,
    )
    for path in re.findall(r"(?:charts|examples|templates)/\S+", command):
        assert (chart.ROOT / path).exists() or (chart.CHART / path).exists(), path


@pytest.mark.parametrize("document", DOCUMENTS[1:])
def test_what_the_readmes_say_is_what_the_page_on_installing_says(document: Path) -> None:
    said = [command for command in commands(document) if "charts/touchline" in command or "kubectl" in command]
    assert said
    assert [command for command in said if command not in commands(INSTALL)] == []


def test_the_names_that_the_page_gives_by_hand_are_the_charts() -> None:
    (binding,) = [command for command in commands(INSTALL) if "create rolebinding" in command]
    notes = " ".join(chart.sources()["NOTES.txt"].replace("\\\n", " ").split())
    assert binding.replace("--namespace bets", "--namespace NAMESPACE") in notes
