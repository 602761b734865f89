"""`touchline validate` against golden output: what a user reads of a valid and of a broken set."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from touchline.local.cli import cli

REPOSITORY = Path(__file__).parents[3]
GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(autouse=True)
def _in_the_golden_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(GOLDEN)


def test_a_broken_set_is_told_with_file_line_field_and_fix() -> None:
    """After a deliberate change of wording: run `touchline validate broken.yaml` there, and read the diff."""
    result = CliRunner().invoke(cli, ["validate", "broken.yaml"])
    assert result.exit_code == 1
    assert result.output == (GOLDEN / "broken.txt").read_text()


def test_the_same_as_json_has_a_place_for_each_problem() -> None:
    result = CliRunner().invoke(cli, ["validate", "broken.yaml", "--json"])
    document = json.loads(result.output)
    assert result.exit_code == 1
    assert document["ok"] is False
    assert len(document["problems"]) == (GOLDEN / "broken.txt").read_text().count("\n") - 1
    for problem in document["problems"]:
        assert problem["file"] == "broken.yaml"
        assert problem["line"] > 0
        assert problem["severity"] in {"Error", "Warning"}


def test_text_that_is_no_yaml_is_told_with_its_line() -> None:
    result = CliRunner().invoke(cli, ["validate", "not-yaml.yaml"])
    assert result.exit_code == 1
    assert result.output.startswith("not-yaml.yaml:4:")


def test_a_valid_set_is_counted() -> None:
    result = CliRunner().invoke(cli, ["validate", str(REPOSITORY / "examples" / "quickstart")])
    assert result.exit_code == 0
    assert result.output.startswith("valid: 1 OddsEngine, ")


def test_colours_stay_out_where_nobody_sees_them() -> None:
    assert "\x1b" not in CliRunner().invoke(cli, ["validate", "broken.yaml"]).output


def test_what_is_not_acted_on_is_warned_of_with_file_line_and_field_and_ends_well() -> None:
    result = CliRunner().invoke(cli, ["validate", str(REPOSITORY / "examples" / "single-region" / "policies.yaml")])
    warned = [line for line in result.output.splitlines() if "is not acted on by this release" in line]
    assert len(warned) == 2
    assert "policies.yaml:17:" in warned[0]
    assert "warning: spec.triggers[3].type: the trigger liability (Liability)" in warned[0]
    assert result.exit_code == 0
    assert result.output.splitlines()[-1].endswith("2 warnings")
