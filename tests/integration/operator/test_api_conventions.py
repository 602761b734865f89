"""What the API server says of our kinds keeps Kubernetes' conventions for APIs. The numbers are OPERATOR-CHECKLIST's lines.

Read here is what the server stores, publishes and explains, and never the files that it was given.
"""

import json
import re
from collections.abc import Iterator

import pytest

from support.operator_process import ROOT, Server
from support.served_schema import GROUP, VERSION, Field, Served

pytestmark = [pytest.mark.servers, pytest.mark.cluster]

KINDS = {
    "EntityMap", "FailoverDrill", "FeedProvider", "InsightModel", "Market", "OddsEngine", "Region", "SuspensionPolicy",
}  # fmt: skip
BOOLEANS = {
    "EntityMap.spec.marketTypes[].hasLine": "a fact of the market type's ids",
    "FeedProvider.spec.betfairStream.marketFilter.bspMarket": "a filter of Betfair's, which has three values: left out is both",
    "FeedProvider.spec.betfairStream.marketFilter.turnInPlay": "the same",
    "FeedProvider.spec.betfairStream.segmentation": "a switch of Betfair's protocol",
    "FeedProvider.spec.replay.loop": "a recording begins again or ends",
    "Market.spec.suspended": "a person's switch, as spec.suspend of a CronJob",
    "FeedProvider.status.connected": "also a condition",
    "Region.status.reachable": "left out where nobody knows",
}
WITHOUT_NAMES = {
    "aliases": "several may hold for one provider, and the first that fits counts",
    "sportAliases": "the same",
    "routes": "the first that fits counts",
}
"""Lists of objects that have no name of their own and whose order means something."""
MAPS: frozenset[str] = frozenset()
"""Objects whose keys are the user's own."""


@pytest.fixture(scope="module")
def served(server: Server) -> Served:
    found = Served(server.api)
    assert set(found.crds) == set(found.published) == KINDS
    return found


def of_spec(served: Served) -> Iterator[Field]:
    return (field for field in served.fields if field.path.startswith("spec"))


def of_type(served: Served, *types: str) -> list[Field]:
    found = [field for field in served.fields if field.type in types]
    assert found, f"the walk through the schemas finds no {' or '.join(types)}"
    return found


def test_1_every_schema_is_structural_and_keeps_no_unknown_field(served: Served) -> None:
    for kind, crd in served.crds.items():
        conditions = {each["type"]: each["status"] for each in crd["status"]["conditions"]}
        assert conditions == {"NamesAccepted": "True", "Established": "True"}, (
            kind,
            "NonStructuralSchema is not there",
        )
        assert crd["spec"].get("preserveUnknownFields", False) is False
        assert "preserve-unknown-fields" not in json.dumps([crd["spec"], served.published[kind]])
    assert [str(field) for field in served.fields if not field.type] == []


def test_7_no_status_has_a_phase(served: Served) -> None:
    assert [
        str(field) for field in served.fields if field.path.startswith("status") and "phase" in field.name.lower()
    ] == []


def test_9_nothing_in_spec_is_a_float(served: Served) -> None:
    assert [str(field) for field in of_spec(served) if field.type == "number"] == []
    assert [str(field) for field in of_spec(served) if "x-kubernetes-int-or-string" in field.schema] == []
    assert [str(field) for field in served.fields if field.schema.get("format") in {"float", "double"}] == []


def test_10_words_are_camel_case_lengths_of_time_have_units_and_the_few_switches_are_those_named_here(
    served: Served,
) -> None:
    words = [(str(field), word) for field in served.fields for word in field.schema.get("enum", ())]
    assert len(words) > 100
    assert [each for each in words if not re.fullmatch("[A-Z][A-Za-z0-9]*", each[1])] == []
    assert {str(field) for field in of_type(served, "boolean")} == set(BOOLEANS)
    lengths = [field for field in of_spec(served) if re.fullmatch(r"([0-9]+[a-z]+)+", str(field.schema.get("default")))]
    assert len(lengths) > 30
    assert [str(field) for field in lengths if "(h|ms|m|s|us)" not in field.schema.get("pattern", "")] == []


def test_11_every_text_list_and_number_is_bounded(served: Served) -> None:
    unbounded = [str(field) for field in of_type(served, "string") if not {"enum", "maxLength"} & field.schema.keys()]
    unbounded += [str(field) for field in of_type(served, "array") if "maxItems" not in field.schema]
    unbounded += [
        str(field) for field in of_type(served, "integer") if not {"minimum", "maximum"} <= field.schema.keys()
    ]
    assert unbounded == []


def test_12_every_list_says_how_it_is_merged(served: Served) -> None:
    kinds = {str(field): field.schema.get("x-kubernetes-list-type") for field in of_type(served, "array")}
    assert [path for path, kind in kinds.items() if kind not in {"atomic", "set", "map"}] == []


def test_13_what_has_a_name_is_an_item_of_a_list_with_the_name_as_its_key(served: Served) -> None:
    named = set()
    for field in of_type(served, "array"):
        if field.schema["items"]["type"] != "object":
            continue
        if field.name in WITHOUT_NAMES:
            assert field.schema["x-kubernetes-list-type"] == "atomic", field
            continue
        assert field.schema["x-kubernetes-list-type"] == "map", field
        keys = field.schema["x-kubernetes-list-map-keys"]
        assert set(keys) <= set(field.schema["items"]["required"]), field
        named.add(field.name)
    assert {"providers", "triggers", "teams", "entityMapRefs", "conditions"} <= named
    assert {str(field) for field in served.fields if "additionalProperties" in field.schema} == MAPS


def test_15_every_rule_says_what_must_or_may_not_be(served: Served) -> None:
    told = [rule["message"] for field in served.fields for rule in field.schema.get("x-kubernetes-validations", ())]
    assert len(told) > 50
    assert [message for message in told if not message.startswith(("must ", "may not "))] == []


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_18_kubectl_explains_every_field_and_the_reference_says_the_same(
    server: Server, served: Served, kind: str
) -> None:
    fields = [field for field in served.fields if field.kind == kind and not field.path.endswith("[]")]
    assert [str(field) for field in fields if not field.schema.get("description", "").strip()] == []
    below = {field.path.replace("[]", "") for field in fields} - {"spec", "status"}
    assert served.explained(kind) == below
    one = next(field for field in fields if field.path.count(".") == 1)
    words = server.api.kubectl("explain", f"{kind.lower()}.{one.path}").split()
    assert " ".join(one.schema["description"].split()) in " ".join(words)
    page = (ROOT / "docs" / "reference" / f"{kind.lower()}.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^##+ (\S+)\n(.*?)(?=^##|\Z)", page, re.MULTILINE | re.DOTALL))
    for field in fields:
        above, _, name = field.path.rpartition(".")
        if not above:
            continue
        (row,) = re.findall(rf"^\| `{name}` \|.*$", sections[above], re.MULTILINE)
        assert field.schema["description"].replace("|", "\\|").replace("*", "\\*") in row, field


def test_19_one_version_is_served_and_stored_and_how_there_will_be_more_is_written(
    server: Server, served: Served
) -> None:
    for kind, crd in served.crds.items():
        versions = [(each["name"], each["served"], each["storage"]) for each in crd["spec"]["versions"]]
        assert versions == [(VERSION, True, True)], kind
        assert crd["status"]["storedVersions"] == [VERSION]
        assert crd["spec"]["conversion"] == {"strategy": "None"}
    group = json.loads(server.api.kubectl("get", "--raw", f"/apis/{GROUP}"))
    assert [each["version"] for each in group["versions"]] == [VERSION]
    (plan,) = (ROOT / "docs" / "adr").glob("*-versions-of-the-api.md")
    assert VERSION in plan.read_text(encoding="utf-8")
