"""Every object of the chart, against golden files: a change is seen in review, line by line. `UPDATE_GOLDEN=1` writes them anew."""

import os
from pathlib import Path

import pytest
import yaml

from support import chart
from support.chart_cases import CASES

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("case", CASES)
def test_the_objects_of_a_case_are_its_golden_file(case: str) -> None:
    text = yaml.safe_dump_all(chart.render(CASES[case]), sort_keys=False, width=130, allow_unicode=True)
    file = GOLDEN / f"{case}.yaml"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8"), "look at the difference; UPDATE_GOLDEN=1 takes it over"


@pytest.mark.parametrize("upgrade", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_the_notes_name_only_what_there_is(case: str, upgrade: bool) -> None:
    notes = chart.sources(CASES[case], upgrade=upgrade)["NOTES.txt"]
    objects = chart.render(CASES[case])
    (deployment,) = chart.of_kind(objects, "Deployment")
    assert "{{" not in notes
    assert "<no value>" not in notes
    assert f"helm test {chart.RELEASE} --namespace {chart.NAMESPACE}" in notes
    if "create rolebinding" in notes:
        account = deployment["spec"]["template"]["spec"]["serviceAccountName"]
        assert f"--serviceaccount={chart.NAMESPACE}:{account}" in notes
        names = {each["metadata"]["name"] for each in chart.of_kind(objects, "ClusterRole")}
        assert f"{deployment['metadata']['name']}-secrets" in names


def test_the_notes_of_an_upgrade_say_which_crds_are_old_and_those_of_an_install_do_not() -> None:
    # Offline nothing can be looked up, so every CRD of the cluster seems to be another one.
    told = chart.sources(upgrade=True)["NOTES.txt"]
    assert "oddsengines.touchline.dev" in told
    assert "kubectl apply --server-side" in told
    assert "oddsengines.touchline.dev" not in chart.sources()["NOTES.txt"]
    alone = {"operator": {"namespaces": ["touchline"]}}
    assert "oddsengines.touchline.dev" not in chart.sources(alone, upgrade=True)["NOTES.txt"]
