"""Rules over several objects: each broken once in the quickstart, told at its line with names and a way out."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from support.manifests import EXAMPLES
from touchline.api.load import LoadResult, load_text
from touchline.api.problems import Severity
from touchline.api.render import render

Objects = dict[str, dict[str, Any]]


def quickstart() -> Objects:
    files = sorted((EXAMPLES / "quickstart").glob("*.yaml"))
    documents = [each for file in files for each in yaml.safe_load_all(file.read_text(encoding="utf-8"))]
    return {f"{each['kind']}/{each['metadata']['name']}": each for each in documents}


def load(objects: Objects) -> LoadResult:
    # JSON is YAML; indented, so that every field has a line of its own.
    return load_text("\n---\n".join(json.dumps(each, indent=1) for each in objects.values()), name="set.yaml")


def check(change: Callable[[Objects], object]) -> list[tuple[Severity, str, str, int]]:
    objects = quickstart()
    change(objects)
    return [(each.severity, each.path, f"{each.message}; {each.fix}", each.line) for each in load(objects).problems]


def setting(name: str, path: str, value: Any) -> Callable[[Objects], None]:
    def change(objects: Objects) -> None:
        *parents, last = [int(part) if part.isdigit() else part for part in path.split("/")]
        at: Any = objects[name]
        for part in parents:
            at = at[part]
        at[last] = value

    return change


def removing(name: str) -> Callable[[Objects], object]:
    return lambda objects: objects.pop(name)


PREMATCH, INPLAY = "Market/football-winner-prematch", "Market/football-winner-inplay"
A, B = "FeedProvider/betfair-a", "FeedProvider/betfair-b"


def test_the_quickstart_is_without_any_problem() -> None:
    assert load(quickstart()).problems == ()


def test_a_secret_to_pull_images_with_need_not_be_in_the_files() -> None:
    assert check(setting("OddsEngine/main", "spec/imagePullSecrets", [{"name": "registry"}])) == []


@pytest.mark.parametrize(
    ("change", "severity", "path", "told"),
    [
        (
            setting(PREMATCH, "spec/feeds/providers/1/name", "betfiar-b"),
            Severity.ERROR,
            "spec.feeds.providers[1].name",
            'no FeedProvider is named "betfiar-b"; did you mean "betfair-b"?',
        ),
        (
            setting(PREMATCH, "spec/suspensionPolicyRef/name", "footbal"),
            Severity.ERROR,
            "spec.suspensionPolicyRef.name",
            'no SuspensionPolicy is named "footbal"; did you mean "football"?',
        ),
        (
            setting(A, "spec/entityMapRefs/0/name", "cricket"),
            Severity.ERROR,
            "spec.entityMapRefs[0].name",
            'no EntityMap is named "cricket"; add the EntityMap',
        ),
        (
            setting(A, "spec/credentialsSecretRef/name", "betfiar"),
            Severity.ERROR,
            "spec.credentialsSecretRef.name",
            'no Secret is named "betfiar"; did you mean "betfair"?',
        ),
        (
            setting("Secret/betfair", "stringData", {"appKey": "x"}),
            Severity.ERROR,
            "spec.credentialsSecretRef.name",
            'the Secret "betfair" has no sessionToken, which BetfairStream needs; add sessionToken under its stringData',
        ),
        (
            removing("Secret/betfair"),
            Severity.WARNING,
            "spec.credentialsSecretRef.name",
            'no Secret is named "betfair" in these files',
        ),
        (removing("OddsEngine/main"), Severity.ERROR, "", "there is no OddsEngine to run this"),
        (
            setting(INPLAY, "spec/freshness/maxAge", "250ms"),
            Severity.ERROR,
            "spec.freshness.maxAge",
            "250ms can never be proved: proof of a price arrives every 100ms; write 300ms or more",
        ),
        (
            setting(B, "spec/upstream", "BETFAIR"),
            Severity.WARNING,
            "spec.feeds.providers[1]",
            '"betfair-a" and "betfair-b" have one upstream, BETFAIR: they fail together',
        ),
        (
            setting(A, "spec/coverage/sports", ["Tennis"]),
            Severity.WARNING,
            "spec.feeds.providers[0]",
            '"betfair-a" covers Tennis and can never serve Football',
        ),
        (
            setting(A, "spec/entityMapRefs", []),
            Severity.WARNING,
            "spec",
            "all of it goes to quarantine; add entityMapRefs",
        ),
    ],
)
def test_a_mistake_between_objects_is_told_at_its_field(
    change: Callable[[Objects], object], severity: Severity, path: str, told: str
) -> None:
    found = check(change)
    assert any(each[0] is severity and each[1] == path and told in each[2] and each[3] > 0 for each in found), found


def test_two_classes_that_can_match_one_market_are_told_with_both_names_and_lines() -> None:
    found = [each for each in check(setting(INPLAY, "spec/selector/phase", "PreMatch")) if each[1] == "spec.selector"]
    assert len(found) == 1
    _, _, message, line = found[0]
    assert '"football-winner-inplay" and "football-winner-prematch" (at set.yaml:' in message
    assert "equally specific" in message
    other = int(message.split("set.yaml:")[1].split(")")[0])
    assert 0 < line < other or 0 < other < line


def test_a_second_object_of_one_name_is_told_where_the_first_is() -> None:
    objects = quickstart()
    objects["again"] = objects[PREMATCH]
    shown = [render(each) for each in load(objects).problems]
    assert any(
        'metadata.name: there is already a Market named "football-winner-prematch" at set.yaml:' in each
        for each in shown
    )


def test_one_namespace_has_one_engine_but_two_namespaces_may_have_one_each() -> None:
    objects = quickstart()
    second = json.loads(json.dumps(objects["OddsEngine/main"]))
    second["metadata"]["name"] = "second"
    objects["OddsEngine/second"] = second
    assert any("there may be only one OddsEngine" in each.message for each in load(objects).errors)
    second["metadata"]["namespace"] = "other"
    assert load(objects).ok


def test_objects_of_another_namespace_are_not_seen() -> None:
    found = check(setting("SuspensionPolicy/football", "metadata/namespace", "other"))
    assert [each[2] for each in found if each[1] == "spec.suspensionPolicyRef.name"] == [
        'no SuspensionPolicy is named "football"; add the SuspensionPolicy'
    ] * 3


def test_names_that_stand_for_two_teams_are_told() -> None:
    def change(objects: Objects) -> None:
        teams = objects["EntityMap/football"]["spec"]["teams"]
        teams[0]["aliases"] = [{"name": "Reds", "provider": "betfair-a"}, {"id": "7"}]
        teams[1]["aliases"] = [{"name": "REDS", "protocol": "BetfairStream"}, {"id": "7"}]
        teams[3]["aliases"] = [{"name": "Blues", "provider": "betfair-a"}]
        teams[6]["aliases"] = [{"name": "Blues", "provider": "betfair-b"}]

    found = check(change)
    assert [(each[0], each[1]) for each in found] == [
        (Severity.WARNING, "spec.teams[1].aliases[0].name"),
        (Severity.WARNING, "spec.teams[1].aliases[1].id"),
    ]
    assert "'reds' stands for both arsenal and aston-villa" in found[0][2]


def test_teams_of_one_name_in_different_leagues_are_no_conflict() -> None:
    def change(objects: Objects) -> None:
        spec = objects["EntityMap/football"]["spec"]
        spec["leagues"].append({"id": "arg", "name": "Argentina"})
        spec["teams"].append({"id": "arsenal-arg", "name": "Arsenal", "league": "arg"})

    assert check(change) == []


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("fixture", "write fixtures or recording:PATH"),
        ("recording:", "write fixtures or recording:PATH"),
        ("fixtures", ""),
        ("recording:match.bz2", ""),
    ],
)
def test_the_simulate_annotation_is_checked(value: str, told: str) -> None:
    def change(objects: Objects) -> None:
        for name in (A, B):
            objects[name]["metadata"]["annotations"]["touchline.dev/simulate"] = value

    found = check(change)
    assert (len(found) == 2 and all(told in each[2] for each in found)) if told else found == []


def test_a_copy_to_kafka_is_warned_of_for_nothing_makes_it() -> None:
    recorder = {"retention": "24h", "kafka": {"bootstrapServers": ["kafka:9092"]}}
    ((severity, at, told, _),) = check(setting("OddsEngine/main", "spec/recorder", recorder))
    assert (severity, at) == (Severity.WARNING, "spec.recorder.kafka")
    assert "is not acted on by this release" in told


def test_providers_of_one_group_must_ask_their_simulator_for_the_same() -> None:
    def change(objects: Objects) -> None:
        objects[B]["metadata"]["annotations"]["touchline.dev/simulate"] = "recording:match.bz2"

    ((severity, path, told, line),) = check(change)
    assert (severity, path) == (Severity.ERROR, "metadata.annotations.touchline.dev/simulate")
    assert 'for recording:match.bz2, and "betfair-a" of the same group "demo" for fixtures' in told
    assert told.endswith("write the same, or give this one another touchline.dev/simulate-group")
    assert line > 0


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("ConfigMap/matches", ""),
        ("PersistentVolumeClaim/recordings.2026", ""),
        ("Secret/matches", "write ConfigMap/NAME or PersistentVolumeClaim/NAME"),
        ("ConfigMap/", "write ConfigMap/NAME or PersistentVolumeClaim/NAME"),
        ("ConfigMap/a/b", "write ConfigMap/NAME or PersistentVolumeClaim/NAME"),
    ],
)
def test_the_volume_of_recordings_is_named_by_kind_and_name(value: str, told: str) -> None:
    def change(objects: Objects) -> None:
        objects[A]["metadata"]["annotations"]["touchline.dev/recordings"] = value

    found = check(change)
    assert (len(found) == 1 and told in found[0][2]) if told else found == []


def test_only_what_has_a_simulator_is_simulated() -> None:
    objects = quickstart()
    text = (EXAMPLES / "replay" / "recording.yaml").read_text(encoding="utf-8")
    provider = next(yaml.safe_load_all(text))
    provider["metadata"]["annotations"] = {"touchline.dev/simulate": "fixtures"}
    provider["spec"]["entityMapRefs"] = [{"name": "football"}]
    objects["FeedProvider/recording"] = provider
    assert ["there is no simulator of Replay" in each.message for each in load(objects).problems] == [True]


def test_an_engine_names_one_of_the_regions_that_there_are() -> None:
    def change(objects: Objects) -> None:
        text = (EXAMPLES / "multi-region" / "common" / "regions.yaml").read_text(encoding="utf-8")
        for each in yaml.safe_load_all(text):
            objects[f"Region/{each['metadata']['name']}"] = each
        objects["OddsEngine/main"]["spec"]["region"] = "us-eats"

    assert [(each[1], each[2]) for each in check(change)] == [
        ("spec.region", 'no Region is named "us-eats"; did you mean "us-east"?')
    ]


def test_the_csv_text_of_a_map_is_checked_too() -> None:
    def change(objects: Objects) -> None:
        objects["EntityMap/football"]["spec"]["source"] = {"configMapRef": {"name": "more", "key": "teams.csv"}}
        objects["ConfigMap/more"] = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "more"},
            "data": {"teams.csv": "kind,id,name\nteam,a b,A\n"},
        }

    found = check(change)
    assert found[0][1] == "spec.source.configMapRef.key"
    assert 'teams.csv of the ConfigMap "more": line 2: id: must be an id of letters' in found[0][2]

    def wrong_key(objects: Objects) -> None:
        change(objects)
        objects["EntityMap/football"]["spec"]["source"]["configMapRef"]["key"] = "team.csv"

    assert 'the ConfigMap "more" has no team.csv; did you mean "teams.csv"?' in check(wrong_key)[0][2]


@pytest.mark.parametrize(
    ("name", "path", "value", "field", "told"),
    [
        (INPLAY, "spec/pricing", {"marginPercent": "5.0"}, "spec.pricing", "spec.pricing is not acted on"),
        (
            "SuspensionPolicy/football",
            "spec/triggers/0",
            {"name": "near", "type": "Liability", "liability": {"percentOfLimit": "80"}, "action": "Suspend"},
            "spec.triggers[0].type",
            "the trigger near (Liability) is not acted on",
        ),
    ],
)
def test_what_is_not_acted_on_is_warned_of_at_its_field(
    name: str, path: str, value: Any, field: str, told: str
) -> None:
    [(severity, where, message, line)] = check(setting(name, path, value))
    assert (severity, where) == (Severity.WARNING, field)
    assert message.startswith(told)
    assert "opens" in message, "and what follows from it"
    assert line > 1


def test_a_model_that_is_not_acted_on_is_warned_of() -> None:
    def change(objects: Objects) -> None:
        feeds = objects[INPLAY]["spec"]["feeds"]
        feeds["model"] = "Aggregated"

    found = [each for each in check(change) if each[1] == "spec.feeds.model"]
    assert [(severity, message.split(":")[0]) for severity, _, message, _ in found] == [
        (Severity.WARNING, "the model Aggregated is not acted on by this release")
    ]
