"""The quality sheets are true: every rule is answered, and every test that is named exists."""

import re
from pathlib import Path

import pytest
import yaml

from touchline.feeds.quality import ADAPTERS, NAIVE, FaultySheet, Rule, Sheet, Standing, checked, read_sheet
from touchline.feeds.registry import PROTOCOLS

ROOT = Path(__file__).resolve().parents[3]
RULES = [(adapter, rule) for adapter in ADAPTERS for rule in read_sheet(adapter).rules]
SHEET = {
    "protocol": "X",
    "rules": [{"id": name, "rule": "something to do", "status": "exempt", "reason": "no"} for name in NAIVE],
}


def test_every_adapter_has_a_sheet() -> None:
    assert sorted(read_sheet(adapter).protocol for adapter in ADAPTERS) == sorted(PROTOCOLS)


@pytest.mark.parametrize(("adapter", "rule"), RULES, ids=lambda value: value.id if isinstance(value, Rule) else value)
def test_every_test_that_a_sheet_names_exists(adapter: str, rule: Rule) -> None:
    for test in rule.tests:
        path, _, name = test.partition("::")
        text = (ROOT / path).read_text(encoding="utf-8")
        assert re.search(rf"^(async )?def {re.escape(name)}\(", text, re.MULTILINE), f"{adapter}: {rule.id}: {test}"


def test_a_sheet_from_its_text() -> None:
    sheet = checked("x", yaml.safe_dump(SHEET))
    assert isinstance(sheet, Sheet)
    assert {rule.status for rule in sheet.rules} == {Standing.EXEMPT}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"status": "done"}, "naive-1: is done but names no test"),
        ({"reason": ""}, "naive-1: is exempt but gives no reason"),
        ({"id": "naive-2"}, "naive-2: stands twice"),
        ({"id": "other"}, "leaves out naive-1"),
        ({"status": "perhaps"}, "Invalid enum value"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_sheet_that_breaks_a_rule_is_refused(change: dict[str, str], says: str) -> None:
    first, *others = SHEET["rules"]
    assert isinstance(first, dict)
    with pytest.raises(FaultySheet, match=says):
        checked("x", yaml.safe_dump({**SHEET, "rules": [first | change, *others]}))


def test_text_that_is_no_yaml_is_refused() -> None:
    with pytest.raises(FaultySheet, match=r"x/quality\.yaml"):
        checked("x", "rules: [")


def test_the_documentation_counts_right() -> None:
    text = (ROOT / "docs" / "feeds.md").read_text(encoding="utf-8")
    for adapter in ADAPTERS:
        sheet = read_sheet(adapter)
        standings = [rule.status for rule in sheet.rules]
        done, exempt = standings.count(Standing.DONE), standings.count(Standing.EXEMPT)
        row = re.search(rf"^\| {sheet.protocol} \| (\d+) \| (.*) \| (\d+)", text, re.MULTILINE)
        assert row is not None
        assert (int(row[1]), int(row[3])) == (done, exempt)
        todo = [rule.id for rule in sheet.rules if rule.status is Standing.TODO]
        assert [name for name in todo if name not in row[2]] == []
