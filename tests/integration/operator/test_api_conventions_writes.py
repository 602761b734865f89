"""What the API server does with objects of our kinds, while no operator runs. The numbers are OPERATOR-CHECKLIST's lines."""

import copy
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from support.observed_world import documents, engine, market, provider
from support.operator_process import ROOT, Server
from support.served_schema import Schema, Served, merged, nested
from touchline_e2e.errors import CommandFailed

pytestmark = [pytest.mark.servers, pytest.mark.cluster]

Manifest = dict[str, Any]
SAMPLES: dict[str, Manifest] = {
    each["kind"]: each
    for each in reversed(documents([ROOT / "examples" / "kinds"]))
    if each["apiVersion"].startswith("touchline.dev/")
}
EDITS: dict[str, dict[str, Any]] = {
    "EntityMap": {"unmatched": "Accept"},
    "FailoverDrill": {"faultFor": "17s"},
    "FeedProvider": {"upstream": "Somebody"},
    "InsightModel": {"output": {"alertAbove": "0.17"}},
    "Market": {"suspended": True},
    "OddsEngine": {"region": "eu-west"},
    "Region": {"weight": 17},
    "SuspensionPolicy": {"reopening": {"coolDown": "17s", "checks": ["FreshPrice"]}},
}
COLUMNS = {
    "EntityMap": (["ENTRIES", "MISSING"], ["SPORT"]),
    "FailoverDrill": (["VERDICT"], ["RTO"]),
    "FeedProvider": (["DELAY"], ["MESSAGES", "PROTOCOL"]),
    "InsightModel": (["LAG"], ["MODE"]),
    "Market": (["OPEN", "SUSPENDED", "WHY", "PROVIDER"], ["OLDEST"]),
    "OddsEngine": (["CONNECTIONS", "MARKETS"], ["GATEWAYS"]),
    "Region": (["SHARDS"], ["ROLE"]),
    "SuspensionPolicy": (["HOLDS"], ["CLASSES"]),
}
"""Of each kind the columns beside name, Ready, Reason and Age, and those that `-o wide` adds."""
NOW_REPLAY = {"protocol": "Replay", "betfairStream": None, "replay": {"file": "day.jsonl"}}
UNCHANGEABLE: dict[str, tuple[Manifest, dict[str, Any]]] = {
    "EntityMap.spec.sport": (SAMPLES["EntityMap"], {"sport": "Cricket"}),
    "FeedProvider.spec.protocol": (provider("one"), NOW_REPLAY),
    "InsightModel.spec.task": (SAMPLES["InsightModel"], {"task": "RiskForecast"}),
    "OddsEngine.spec.currency": (engine(), {"currency": "USD"}),
    "OddsEngine.spec.shards": (engine(), {"shards": 5}),
}
"""Of each field that may not change an object and a change of it that nothing else is wrong with."""
DURATION, DECIMAL = r"(h|ms|m|s|us)", r"^-?[0-9]{1,12}("
NOT_DURATIONS: list[Any] = [5, "", "5", "5 s", "1.5s", "-1s", "1d", "PT5S"]
NOT_DECIMALS: list[Any] = [2.5, 2, "", "2,5", "1e3", "50%"]
STRANGE = "unknownField"


@pytest.fixture(scope="module")
def served(server: Server) -> Served:
    found = Served(server.api)
    assert set(found.crds) == set(SAMPLES) == set(EDITS) == set(COLUMNS)
    return found


@pytest.fixture
def samples(server: Server, tenant: str) -> dict[str, Manifest]:
    """One object of every kind as the server stores it."""
    send(server, tenant, SAMPLES.values(), "create")
    return found(server, tenant)


def send(server: Server, tenant: str, manifests: Iterable[Manifest], *words: str) -> None:
    text = "\n---\n".join(json.dumps(each) for each in manifests)
    server.api.kubectl(*words, "-n", tenant, "-f", "-", stdin=text)


def found(server: Server, tenant: str) -> dict[str, Manifest]:
    items = json.loads(server.api.kubectl("get", "touchline", "-n", tenant, "-o", "json"))["items"]
    return {each["kind"]: each for each in items}


def refusals(server: Server, tenant: str, manifests: Iterable[Manifest], *words: str) -> list[str]:
    """What the server says to each of several objects."""
    with pytest.raises(CommandFailed) as refused:
        send(server, tenant, manifests, "create", "--dry-run=server", *words)
    return str(refused.value).splitlines()


def blocks(value: Any, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object in a manifest's spec, with the path by which the server names it."""
    if isinstance(value, dict):
        yield path, value
        for name, child in value.items():
            yield from blocks(child, f"{path}.{name}")
    elif isinstance(value, list):
        for place, child in enumerate(value):
            yield from blocks(child, f"{path}[{place}]")


def test_1_an_unknown_field_is_named_by_strict_validation_wherever_it_stands_and_else_not_stored(
    server: Server, tenant: str
) -> None:
    manifests, wanted = copy.deepcopy(SAMPLES), {}
    for kind, manifest in manifests.items():
        strange = list(blocks(manifest["spec"], "spec"))
        for _, block in strange:
            block[STRANGE] = 1
        wanted[kind] = {f"{path}.{STRANGE}" for path, _ in strange}
    told = refusals(server, tenant, manifests.values(), "--validate=strict")
    assert len(told) == len(manifests)
    for line in told:
        kind = line.partition(" in version ")[0].split()[-1]
        assert set(re.findall(r'unknown field "([^"]+)"', line)) == wanted[kind]
    send(server, tenant, manifests.values(), "create", "--validate=ignore")
    stored = found(server, tenant)
    assert set(stored) == set(SAMPLES)
    assert STRANGE not in json.dumps(stored)


def test_2_a_put_changes_no_status_and_one_on_the_status_changes_no_spec(
    server: Server, tenant: str, samples: dict[str, Manifest]
) -> None:
    def edited(kind: str, manifest: Manifest, reason: str) -> Manifest:
        (ready,) = samples[kind]["status"]["conditions"]
        return {
            **manifest,
            "spec": {**manifest["spec"], **EDITS[kind]},
            "status": {"conditions": [{**ready, "reason": reason}]},
        }

    told = {kind: edited(kind, each, "Told") for kind, each in samples.items()}
    send(server, tenant, told.values(), "replace", "--subresource=status")
    second = found(server, tenant)
    for kind, each in second.items():
        assert (each["spec"], each["metadata"]["generation"]) == (samples[kind]["spec"], 1), kind
        assert each["status"]["conditions"] == told[kind]["status"]["conditions"], kind

    changed = {kind: edited(kind, each, "Other") for kind, each in second.items()}
    send(server, tenant, changed.values(), "replace")
    for kind, each in found(server, tenant).items():
        assert each["spec"] == changed[kind]["spec"] != samples[kind]["spec"], kind
        assert each["metadata"]["generation"] == 2, kind
        assert each["status"] == second[kind]["status"], kind


def test_5_ready_is_unknown_before_any_operator_looked(samples: dict[str, Manifest]) -> None:
    assert set(samples) == set(SAMPLES)
    for kind, each in samples.items():
        (ready,) = each["status"]["conditions"]
        assert (ready["type"], ready["status"], ready["reason"]) == ("Ready", "Unknown", "Pending"), kind
        assert ready["message"], kind
        assert "observedGeneration" not in each["status"], (kind, "nobody observed it")


@pytest.mark.parametrize(
    ("pattern", "wrong", "least"),
    [(DURATION, NOT_DURATIONS, 40), (DECIMAL, NOT_DECIMALS, 15)],
    ids=["durations", "decimals"],
)
def test_9_10_a_number_without_its_unit_or_its_quotes_is_refused_with_the_fields_path(
    server: Server, served: Served, tenant: str, pattern: str, wrong: list[Any], least: int
) -> None:
    paths: dict[str, list[str]] = {}
    for field in served.fields:
        if field.path.startswith("spec") and pattern in field.schema.get("pattern", ""):
            paths.setdefault(field.kind, []).append(field.path)
    assert sum(map(len, paths.values())) >= least
    manifests, wanted = [], {}
    for kind, its in paths.items():
        for number, value in enumerate(wrong):
            name = f"{kind.lower()}-{number}"
            body: Any = {}
            for path in its:
                body = merged(body, nested(path, value))
            manifests.append({"apiVersion": "touchline.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, **body})
            wanted[name] = {path.replace("[]", "[0]") for path in its}
    told = refusals(server, tenant, manifests)
    assert len(told) == len(manifests)
    for line in told:
        (name,) = re.findall(r' "([a-z0-9-]+)" is invalid: ', line)
        assert wanted[name] <= set(re.findall(r"[ \[](spec[\w.\[\]]*): Invalid value", line)), name


def test_10_a_duration_out_of_bounds_is_refused_with_them(server: Server, tenant: str) -> None:
    told = " ".join(refusals(server, tenant, [market("m", freshness={"maxAge": "11m"})]))
    assert re.search(r'spec\.freshness\.maxAge: Invalid value: "[^"]*": must be between 1ms and 10m$', told)


def test_15_every_field_that_may_not_change_has_a_case_here(served: Served) -> None:
    found = {
        str(field): field
        for field in served.fields
        if any("oldSelf" in rule["rule"] for rule in field.schema.get("x-kubernetes-validations", ()))
    }
    assert set(found) == set(UNCHANGEABLE)
    for field in found.values():
        above = served.published[field.kind]["properties"]["spec"]
        assert field.name in above["required"] or "default" in field.schema, "else it could be left out and come back"


@pytest.mark.parametrize("path", UNCHANGEABLE)
def test_15_a_change_of_what_may_not_change_is_refused_with_its_path(server: Server, tenant: str, path: str) -> None:
    manifest, change = UNCHANGEABLE[path]
    kind, _, field = path.partition(".")
    name = manifest["metadata"]["name"]
    send(server, tenant, [manifest], "create")
    before = found(server, tenant)
    with pytest.raises(CommandFailed) as refused:
        server.patch(tenant, kind, name, {"spec": change})
    (told,) = re.findall(r"spec[\w.\[\]]*: .*", str(refused.value))
    assert re.fullmatch(rf"{field}: Invalid value: .*: may not change: \w.*", told)
    with pytest.raises(CommandFailed, match=rf"{field}: "):
        server.patch(tenant, kind, name, {"spec": {field.removeprefix("spec."): None}})
    assert found(server, tenant) == before


def unfilled(schema: Schema, value: Any, path: str) -> Iterator[str]:
    """Fields of a stored value that have a default and are not there."""
    if isinstance(value, list):
        for item in value:
            yield from unfilled(schema["items"], item, f"{path}[]")
    elif isinstance(value, dict):
        for name, child in schema.get("properties", {}).items():
            if name in value:
                yield from unfilled(child, value[name], f"{path}.{name}")
            elif "default" in child:
                yield f"{path}.{name}"


def test_16_the_server_fills_in_every_default_on_creation(served: Served, samples: dict[str, Manifest]) -> None:
    for kind, each in samples.items():
        assert list(unfilled(served.published[kind]["properties"]["spec"], each["spec"], "spec")) == [], kind
        assert each["metadata"]["generation"] == 1, kind
    filled = {kind for kind, each in samples.items() if each["spec"] != SAMPLES[kind]["spec"]}
    assert {"EntityMap", "FeedProvider", "Market", "OddsEngine"} <= filled


def test_17_kubectl_shows_ready_reason_a_value_of_the_kinds_own_and_the_age(
    server: Server, tenant: str, samples: dict[str, Manifest]
) -> None:
    shown, wide = tables(server, tenant), tables(server, tenant, "-o", "wide")
    assert set(shown) == set(wide) == set(samples)
    for kind, (own, more) in COLUMNS.items():
        head, row, *_ = shown[kind]
        assert head == ["NAME", "READY", "REASON", *own, "AGE"], kind
        assert row[1:3] == ["Unknown", "Pending"], kind
        assert wide[kind][0] == ["NAME", "READY", "REASON", *own, *more, "AGE"], kind


def tables(server: Server, tenant: str, *words: str) -> dict[str, list[list[str]]]:
    """What `kubectl get touchline`, the category of all our kinds, prints, by kind: lines of words."""
    text = server.api.kubectl("get", "touchline", "-n", tenant, *words)
    printed = [[line.split() for line in table.splitlines()] for table in text.split("\n\n")]
    plain = {kind.lower(): kind for kind in SAMPLES}
    return {plain[table[1][0].partition(".")[0]]: table for table in printed}


def test_50_every_kind_has_a_sample_that_the_server_takes_strictly_and_every_field_in_it_is_described(
    server: Server, served: Served, tenant: str
) -> None:
    # One example after the other: what belongs to one cluster need not be valid beside another's.
    for folder in sorted(path for path in (ROOT / "examples").iterdir() if path.is_dir()):
        manifests = [each for each in documents([folder]) if each["apiVersion"].startswith("touchline.dev/")]
        assert manifests, folder
        send(server, tenant, manifests, "create", "--dry-run=server", "--validate=strict")
        described = {str(field) for field in served.fields if field.schema.get("description")}
        for each in manifests:
            for path, block in blocks(each["spec"], f"{each['kind']}.spec"):
                used = {re.sub(r"\[\d+\]", "[]", f"{path}.{name}") for name in block}
                assert used <= described, (folder.name, each["metadata"]["name"])
