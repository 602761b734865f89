"""Quality sheets: what each adapter covers of its protocol and of what a naive implementation gets wrong.

A sheet (`quality.yaml` beside the adapter) lists rules, each `done` with the tests that show it, `todo` with a reason, or
`exempt` because the protocol has no such thing, with the reason. A test checks that every test named here exists.
"""

from enum import StrEnum
from importlib.resources import files
from typing import Annotated

import msgspec
import yaml

ADAPTERS = ("betfair", "replay")
"""The packages with a sheet, one for each protocol of `registry.PROTOCOLS`."""
NAIVE = tuple(f"naive-{number}" for number in range(1, 18))
"""The rules that every sheet has to answer: what feeds get wrong whoever makes them."""

_Sentence = Annotated[str, msgspec.Meta(min_length=10)]


class Standing(StrEnum):
    """Where a rule stands."""

    DONE = "done"
    TODO = "todo"
    EXEMPT = "exempt"


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`tests` are pytest node ids without parameters: `tests/unit/feeds/test_x.py::test_name`."""

    id: str
    rule: _Sentence
    status: Standing
    tests: tuple[str, ...] = ()
    reason: str = ""


class Sheet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    protocol: str
    rules: tuple[Rule, ...]


class FaultySheet(ValueError):
    """A sheet that cannot be read or breaks a rule of sheets; the message names it."""


def read_sheet(adapter: str) -> Sheet:
    """The sheet of one adapter.

    Raises:
        FaultySheet: it is malformed, names a rule twice, leaves out a common rule, or gives neither test nor reason.
    """
    text = files(f"touchline.feeds.{adapter}").joinpath("quality.yaml").read_text(encoding="utf-8")
    return checked(adapter, text)


def checked(adapter: str, text: str) -> Sheet:
    """A sheet from its text; raises as `read_sheet`."""
    try:
        sheet = msgspec.convert(yaml.safe_load(text), Sheet)
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        raise FaultySheet(f"{adapter}/quality.yaml: {error}") from error
    ids = [rule.id for rule in sheet.rules]
    for rule in sheet.rules:
        where = f"{adapter}/quality.yaml: {rule.id}"
        if ids.count(rule.id) > 1:
            raise FaultySheet(f"{where}: stands twice")
        if rule.status is Standing.DONE and not rule.tests:
            raise FaultySheet(f"{where}: is done but names no test")
        if rule.status is not Standing.DONE and not rule.reason:
            raise FaultySheet(f"{where}: is {rule.status.value} but gives no reason")
    missing = [name for name in NAIVE if name not in ids]
    if missing:
        raise FaultySheet(f"{adapter}/quality.yaml: leaves out {', '.join(missing)}")
    return sheet
