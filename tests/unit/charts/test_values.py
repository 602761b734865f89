"""The chart's values: each described once, in the schema, and said the same everywhere; wrong ones refused by name."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import helm_python
import pytest
import yaml

from support import chart
from support.chart_cases import CASES
from touchline.version import __version__

SCHEMA: dict[str, Any] = json.loads((chart.CHART / "values.schema.json").read_text(encoding="utf-8"))
VALUES: dict[str, Any] = yaml.safe_load((chart.CHART / "values.yaml").read_text(encoding="utf-8"))
RELEASE_LIMIT = 1 << 20


def nodes(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every value that the schema names, groups too, by its path."""
    for name, value in schema.get("properties", {}).items():
        yield f"{path}{name}", value
        yield from nodes(value, f"{path}{name}.")


def leaves(values: dict[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value that is given, by its path; what the schema leaves open is one value."""
    for name, value in values.items():
        if f"{path}{name}" in GROUPS:
            yield from leaves(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", value


GROUPS = {path for path, value in nodes(SCHEMA) if "properties" in value}
SETTABLE = {path for path, value in nodes(SCHEMA) if "properties" not in value} - {"global"}


@pytest.mark.parametrize(("path", "value"), list(nodes(SCHEMA)))
def test_every_value_is_described_and_has_a_type(path: str, value: dict[str, Any]) -> None:
    assert re.fullmatch(r"[A-Z`].*\.", value["description"], re.DOTALL), path
    assert "type" in value
    if "properties" in value:
        assert value["additionalProperties"] is False
    elif path != "global":
        assert "default" in value


def test_values_yaml_has_every_value_with_the_schemas_default() -> None:
    assert dict(leaves(VALUES)) == {path: value["default"] for path, value in nodes(SCHEMA) if path in SETTABLE}


def test_what_is_generated_into_the_chart_is_what_it_comes_from() -> None:
    ended = subprocess.run(
        [sys.executable, chart.ROOT / "charts" / "generate.py", "--check"], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, f"run `make crds`:\n{ended.stdout}{ended.stderr}"


def test_the_case_everything_sets_every_value_to_something_else() -> None:
    given = dict(leaves(CASES["everything"]))
    defaults = dict(leaves(VALUES))
    switched_off = dict(leaves(CASES["nothing-optional"]))
    kept_on = {"rbac.userRoles", "operator.namespaces"}  # each of them takes away what others need: tests of their own
    assert set(given) | set(switched_off) | kept_on == SETTABLE
    assert [path for path, value in given.items() if value == defaults[path]] == []


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"operator": {"wokers": 4}}, r"/operator.*wokers"),
        ({"operators": {}}, r"operators"),
        ({"operator": {"workers": 0}}, r"/operator/workers"),
        ({"operator": {"replicas": "2"}}, r"/operator/replicas"),
        ({"operator": {"logLevel": "debug"}}, r"/operator/logLevel"),
        ({"operator": {"namespaces": ["Bets"]}}, r"/operator/namespaces/0"),
        ({"operator": {"extraEnv": [{"value": "x"}]}}, r"/operator/extraEnv/0"),
        ({"image": {"repository": ""}}, r"/image/repository"),
        ({"image": {"digest": "abc"}}, r"/image/digest"),
        ({"image": {"pullPolicy": "Sometimes"}}, r"/image/pullPolicy"),
        ({"tenants": ["a", "a"]}, r"/tenants"),
        ({"networkPolicy": {"brokerPorts": [70000]}}, r"/networkPolicy/brokerPorts/0"),
        ({"metrics": {"podMonitor": {"interval": "often"}}}, r"/metrics/podMonitor/interval"),
        ({"commonLabels": {"a": 1}}, r"/commonLabels/a"),
        ({"quickstart": True}, r"/quickstart"),
    ],
)
def test_a_wrong_value_is_refused_by_its_name(values: dict[str, Any], told: str) -> None:
    with pytest.raises(chart.HelmError, match=told):
        chart.sources(values)


@pytest.mark.parametrize("case", CASES)
def test_helm_lint_finds_nothing(case: str) -> None:
    # The linter knows no API but Kubernetes' own, and a PodMonitor is refused where there is none.
    values = {name: value for name, value in CASES[case].items() if name != "metrics"}
    report = helm_python.lint(chart.CHART, values, strict=True, namespace=chart.NAMESPACE)
    assert report["errors"] == []
    assert [each["error"] for each in report["messages"]] == ["icon is recommended"]


def test_the_chart_has_the_version_of_what_it_installs() -> None:
    about = yaml.safe_load((chart.CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert about["version"] == about["appVersion"] == __version__


def test_the_packaged_chart_is_far_from_what_a_release_may_weigh(tmp_path: Path) -> None:
    # Helm keeps a release, chart and manifest, gzipped and encoded twice in base64, in one Secret of at most 1 MiB.
    archive = Path(helm_python.package(chart.CHART, destination=tmp_path))
    assert archive.stat().st_size * 16 / 9 * 2 < RELEASE_LIMIT / 2


def test_the_crds_are_there_for_helm_as_crds() -> None:
    with helm_python.Chart.load(chart.CHART) as loaded:
        names = sorted(Path(each["filename"]).name for each in loaded.crds)
    assert names == sorted(path.name for path in (chart.ROOT / "crds").glob("*.yaml"))
