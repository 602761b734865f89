"""The CRDs: what is in `crds/` is what the models say, and what Kubernetes and our checklist demand."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.crd_server import (
    broken_rules,
    change_allowed,
    is_transition,
    list_violations,
    refusals,
    rules,
    with_defaults,
)
from support.manifests import objects
from touchline.api import KINDS, generated, parse_resource
from touchline.api.crds import crd_document, crd_documents, violations
from touchline.api.crds.__main__ import main
from touchline.api.crds.document import crd_text

ROOT = Path(__file__).parents[3]
DOCUMENTS = crd_documents()


def schema_of(document: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = document["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


def nodes(schema: dict[str, Any], path: str = "") -> list[tuple[str, dict[str, Any]]]:
    found = [(path, schema)]
    for name, child in schema.get("properties", {}).items():
        found += nodes(child, f"{path}.{name}")
    if "items" in schema:
        found += nodes(schema["items"], f"{path}[]")
    return found


def meant(value: Any) -> Any:
    """Without empty lists and without blocks that hold nothing else: where a CRD writes no default for them, left out means the same."""
    if not isinstance(value, dict):
        return [meant(item) for item in value] if isinstance(value, list) else value
    kept = {name: meant(child) for name, child in value.items()}
    return {name: child for name, child in kept.items() if child != [] and (child != {} or value[name] == {})}


def test_the_files_in_crds_are_what_the_models_say(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(ROOT / "crds"), "--check"]) == 0, f"run `make crds`:\n{capsys.readouterr().out}"


def test_the_check_shows_a_difference_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def run(*options: str) -> int:
        files = {"touchline.dev_a.yaml": "one\ntwo\n", "touchline.dev_b.yaml": "three\n"}
        return generated.run(
            [str(tmp_path), *options], program="x", what="y", files=files, pattern="touchline.dev_*.yaml"
        )

    assert run("--check") == 1
    assert run() == 0
    assert run("--check") == 0
    (tmp_path / "touchline.dev_a.yaml").write_text("one\nzwei\n", encoding="utf-8")
    (tmp_path / "touchline.dev_old.yaml").write_text("old\n", encoding="utf-8")
    (tmp_path / "README.md").write_text("not generated\n", encoding="utf-8")
    capsys.readouterr()
    assert run("--check") == 1
    shown = capsys.readouterr().out
    assert "-zwei\n+two\n" in shown
    assert "touchline.dev_old.yaml" in shown
    assert run() == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "README.md",
        "touchline.dev_a.yaml",
        "touchline.dev_b.yaml",
    ]


def test_generating_twice_gives_the_same_bytes() -> None:
    for name in ("OddsEngine", "Market"):
        assert crd_text(crd_document(KINDS[name])) == crd_text(crd_document(KINDS[name]))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_text_of_a_crd_is_its_document(name: str) -> None:
    assert yaml.safe_load(crd_text(DOCUMENTS[name])) == DOCUMENTS[name]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_crd_is_structural_bounded_and_described(name: str) -> None:
    assert violations(DOCUMENTS[name]) == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_crd_has_its_names_status_and_columns(name: str) -> None:
    spec = DOCUMENTS[name]["spec"]
    assert DOCUMENTS[name]["metadata"]["name"] == f"{spec['names']['plural']}.{spec['group']}"
    assert spec["names"]["categories"] == ["touchline"]
    assert spec["names"]["shortNames"]
    version = spec["versions"][0]
    assert version["subresources"] == {"status": {}}
    columns = [column["name"] for column in version["additionalPrinterColumns"]]
    assert columns[:2] == ["Ready", "Reason"]
    assert columns[-1] == "Age"
    conditions = schema_of(DOCUMENTS[name])["properties"]["status"]["properties"]["conditions"]
    assert (conditions["x-kubernetes-list-type"], conditions["x-kubernetes-list-map-keys"]) == ("map", ["type"])


def test_no_two_kinds_share_a_short_name() -> None:
    names = [name for model in KINDS.values() for name in (model.info.plural, *model.info.short_names)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_printer_column_reads_a_field_of_the_schema(name: str) -> None:
    schema = schema_of(DOCUMENTS[name])
    known = {path for path, _ in nodes(schema)} | {".metadata.creationTimestamp"}
    for column in DOCUMENTS[name]["spec"]["versions"][0]["additionalPrinterColumns"]:
        path = re.sub(r'\[(\?\(@\.type=="[A-Z][A-Za-z]*"\)|0)\]', "[]", column["jsonPath"])
        assert path in known, column


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_default_is_valid_before_and_after_its_own_defaults_are_filled(name: str) -> None:
    # The API server checks a default with its rules as it stands, when the CRD is created.
    for path, node in nodes(schema_of(DOCUMENTS[name])):
        if "default" in node:
            assert refusals(node, node["default"]) == [], path
            assert broken_rules(node, node["default"], path) == []
            assert list_violations(node, node["default"], path) == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_default_that_is_a_block_is_complete(name: str) -> None:
    for path, node in nodes(schema_of(DOCUMENTS[name])):
        if path.startswith(".spec") and node["type"] == "object" and "default" in node:
            assert with_defaults(node, node["default"]) == node["default"], path


@pytest.mark.parametrize("obj", objects(), ids=lambda obj: f"{obj['kind']}-{obj['metadata']['name']}")
def test_the_defaults_of_the_schema_are_those_of_the_models(obj: dict[str, Any]) -> None:
    spec = schema_of(crd_document(KINDS[obj["kind"]]))["properties"]["spec"]
    assert meant(with_defaults(spec, obj["spec"])) == meant(parse_resource(obj).to_wire()["spec"])


def test_an_object_is_not_ready_until_somebody_has_looked() -> None:
    for document in DOCUMENTS.values():
        status = schema_of(document)["properties"]["status"]
        assert [(each["type"], each["status"]) for each in status["default"]["conditions"]] == [("Ready", "Unknown")]


def test_only_these_fields_may_not_change() -> None:
    immutable = {
        f"{document['spec']['names']['kind']}{path[1:]}"
        for document in DOCUMENTS.values()
        for path, rule in rules(schema_of(document))
        if is_transition(rule)
    }
    assert immutable == {
        "OddsEngine.spec.shards",
        "OddsEngine.spec.currency",
        "FeedProvider.spec.protocol",
        "EntityMap.spec.sport",
        "InsightModel.spec.task",
    }


def test_a_rule_about_a_change_compares_old_and_new() -> None:
    for document in DOCUMENTS.values():
        for _, rule in rules(schema_of(document)):
            if is_transition(rule):
                assert rule["message"].startswith("may not change: ")
                assert change_allowed(rule["rule"], 8, 8)
                assert not change_allowed(rule["rule"], 8, 9)


def test_no_rule_is_said_to_hold_by_a_kubernetes_extension_that_tests_cannot_evaluate() -> None:
    extensions = ("isSorted(", "sum(", "quantity(", "url(", ".find(", "indexOf(", "ip(", "cidr(", "format.", "optional")
    for document in DOCUMENTS.values():
        for path, rule in rules(schema_of(document)):
            assert not any(word in rule["rule"] for word in extensions), path
