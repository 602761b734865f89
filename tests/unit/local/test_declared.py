"""From files to what is run: reading, differences, and what the engine is told of simulated providers."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from touchline.api.load import load_files, load_text
from touchline.local.declared import Declared, Simulated, difference
from touchline.local.reading import InvalidFiles, declared, read
from touchline.local.replay_resources import PROVIDER, replay_of
from touchline.local.simulators import Simulators
from touchline.local.state_dir import StateDir

REPOSITORY = Path(__file__).parents[3]
QUICKSTART = REPOSITORY / "examples" / "quickstart"
ENGINE = """
apiVersion: touchline.dev/v1alpha1
kind: OddsEngine
metadata: {name: main, namespace: NAMESPACE}
spec: {currency: GBP, shards: 2, gateway: {auth: {anonymous: {}}}, nats: {managed: {replicas: 1}}, bets: {durability: Fsync}}
"""


@pytest.fixture
def quickstart() -> Declared:
    return read([QUICKSTART])


def test_every_resource_has_its_key_and_every_secret_its_values(quickstart: Declared) -> None:
    assert quickstart.providers == ("betfair-a", "betfair-b")
    assert {"OddsEngine.main", "EntityMap.football", "SuspensionPolicy.football"} <= set(quickstart.config)
    assert quickstart.secrets == {"betfair": {"appKey": b"simulated", "sessionToken": b"simulated"}}
    assert quickstart.simulated["betfair-a"] == Simulated("fixtures", "demo")


def test_what_is_written_reads_back_as_the_same_resource(quickstart: Declared) -> None:
    from touchline.api import parse_resource

    for key, document in quickstart.config.items():
        resource = parse_resource(document)
        assert f"{resource.kind}.{resource.name}" == key
        assert resource.to_wire() == document


def test_files_without_an_engine_are_refused() -> None:
    with pytest.raises(InvalidFiles, match="no OddsEngine"):
        declared(load_text("apiVersion: v1\nkind: Secret\nmetadata: {name: x}\n"))


def test_two_engines_are_two_tenants() -> None:
    both = "---".join(ENGINE.replace("NAMESPACE", name) for name in ("one", "two"))
    with pytest.raises(InvalidFiles, match="declare 2 engines: one/main, two/main"):
        declared(load_text(both))


def test_resources_of_another_namespace_stay_out() -> None:
    other = "\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: theirs, namespace: two}\n"
    assert declared(load_text(ENGINE.replace("NAMESPACE", "one") + other)).secrets == {}


def test_a_broken_file_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "engine.yaml").write_text(ENGINE.replace("shards: 2", "shards: many"))
    with pytest.raises(InvalidFiles, match=r"engine.yaml:5:\d+: spec.shards: must be a whole number"):
        read([tmp_path])


def test_equal_declarations_differ_in_nothing(quickstart: Declared) -> None:
    assert not difference(quickstart, read([QUICKSTART]))


def test_a_difference_names_what_to_write_and_what_to_remove(quickstart: Declared) -> None:
    config = dict(quickstart.config)
    del config["FeedProvider.betfair-b"]
    config["Market.new"] = {"kind": "Market"}
    step = difference(quickstart, replace(quickstart, config=config, secrets={}))
    assert step.changed == ("Market.new",)
    assert step.removed == ("FeedProvider.betfair-b",)
    assert step.providers
    assert step.secrets == ("betfair",)


@pytest.fixture
def simulators(tmp_path: Path) -> Simulators:
    ports: Iterator[int] = count(7001)
    return Simulators(StateDir(tmp_path), port=lambda: next(ports))


def test_providers_of_one_group_are_served_by_one_process(simulators: Simulators, quickstart: Declared) -> None:
    (one,) = simulators.plan(quickstart)
    assert one.name == "sim-demo"
    assert [name for name, _ in one.ports] == ["betfair-a", "betfair-b"]
    words = " ".join(simulators.spec(one).argv)
    assert "--serve betfair-a=7001 --serve betfair-b=7002 --control 7003" in words


def test_a_simulated_provider_is_told_with_the_simulators_address_and_authority(
    simulators: Simulators, quickstart: Declared
) -> None:
    told = simulators.told(quickstart).config["FeedProvider.betfair-b"]["spec"]
    declared_spec = quickstart.config["FeedProvider.betfair-b"]["spec"]
    assert told["betfairStream"]["endpoint"] == "127.0.0.1:7002"
    assert told["betfairStream"]["tls"] == {"mode": "Verify", "caSecretRef": {"name": "sim-demo", "key": "ca.crt"}}
    assert {key: value for key, value in told.items() if key != "betfairStream"} == {
        key: value for key, value in declared_spec.items() if key != "betfairStream"
    }


def test_ports_stay_when_another_provider_comes(simulators: Simulators, quickstart: Declared) -> None:
    (before,) = simulators.plan(quickstart)
    third = {**quickstart.simulated, "betfair-c": Simulated("recording:a.bz2")}
    after = {one.name: one for one in simulators.plan(replace(quickstart, simulated=third))}
    assert after["sim-demo"] == before
    assert "--recording a.bz2" in " ".join(simulators.spec(after["sim-betfair-c"]).argv)


def test_without_simulation_providers_are_told_as_they_are(simulators: Simulators) -> None:
    plain = read([QUICKSTART], simulate=False)
    assert simulators.plan(plain) == []
    assert simulators.told(plain) == plain


def test_replay_runs_the_example_with_one_file_in_place(tmp_path: Path) -> None:
    played = replay_of(tmp_path / "a.bz2", "10")
    example = declared(load_files([REPOSITORY / "examples" / "replay"]))
    block = played.config[f"FeedProvider.{PROVIDER}"]["spec"]["replay"]
    assert (block["file"], block["speed"]) == (str(tmp_path / "a.bz2"), "10")
    assert difference(example, played).changed == (f"FeedProvider.{PROVIDER}",)
    assert difference(example, played).removed == ()


def test_warnings_of_the_files_are_told_with_their_lines_and_are_no_difference(tmp_path: Path) -> None:
    before = read([QUICKSTART])
    assert before.warnings == ()
    for file in QUICKSTART.glob("*.yaml"):
        text = file.read_text(encoding="utf-8")
        if "kind: SuspensionPolicy" in text:
            liability = (
                '  triggers:\n    - {name: near, type: Liability, liability: {percentOfLimit: "80"}, action: Suspend}'
            )
            text = text.replace("  triggers:", liability, 1)
        (tmp_path / file.name).write_text(text, encoding="utf-8")
    after = read([tmp_path])
    [warning] = after.warnings
    assert "warning: spec.triggers[0].type: the trigger near (Liability) is not acted on" in warning
    assert after == replace(after, warnings=())
    assert difference(before, after).changed == ("SuspensionPolicy.football",)


FROM_TABLE = """
apiVersion: touchline.dev/v1alpha1
kind: EntityMap
metadata: {name: football, namespace: one}
spec: {sport: Football, version: "1", source: {configMapRef: {name: clubs, key: teams.csv}}}
"""
TABLE = """
apiVersion: v1
kind: ConfigMap
metadata: {name: clubs, namespace: one}
data:
  teams.csv: |
    kind,id,name,parent,alias_name
    league,epl,Premier League,,EPL
    team,ars,Arsenal,epl,AFC
"""


def with_table(map_text: str = FROM_TABLE, table: str = TABLE) -> str:
    return "---".join([ENGINE.replace("NAMESPACE", "one"), map_text, table])


def test_an_entity_map_is_told_with_the_lines_of_its_config_map() -> None:
    told = declared(load_text(with_table())).config["EntityMap.football"]["spec"]
    assert "source" not in told
    assert [league["id"] for league in told["leagues"]] == ["epl"]
    assert told["teams"] == [{"id": "ars", "name": "Arsenal", "league": "epl", "aliases": [{"name": "AFC"}]}]


def test_a_line_that_changes_is_a_change_of_the_entity_map() -> None:
    before, after = (
        declared(load_text(with_table())),
        declared(load_text(with_table(table=TABLE + "    team,che,Chelsea,epl,\n"))),
    )
    assert difference(before, after).changed == ("EntityMap.football",)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            with_table(table="\n"),
            r'map.yaml:10:\d+: spec.source.configMapRef.name: no ConfigMap is named "clubs"; add the ConfigMap to the files',
        ),
        (
            with_table(table=TABLE.replace("name: clubs", "name: club")),
            r'map.yaml:10:\d+: spec.source.configMapRef.name: no ConfigMap is named "clubs"; did you mean "club"',
        ),
        (
            with_table(table=TABLE.replace("teams.csv", "team.csv")),
            r"map.yaml:10:\d+: spec.source.configMapRef.key: .*has no teams.csv.*team.csv",
        ),
        (
            with_table(table=TABLE.replace("team,ars", "club,ars")),
            r"map.yaml:10:\d+: .*line 3.*kind must be league, team or player",
        ),
        (
            with_table(table=TABLE.replace("namespace: one", "namespace: two")),
            r'map.yaml:10:\d+: spec.source.configMapRef.name: no ConfigMap is named "clubs"; add the ConfigMap',
        ),
    ],
)
def test_a_wrong_source_is_told_with_file_line_field_and_fix(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "map.yaml").write_text(text)
    with pytest.raises(InvalidFiles, match=told):
        read([tmp_path])
