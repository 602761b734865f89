"""What the data plane is told, and what has to be written for it; what is random is made once and kept."""

import ssl
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from support.observed_world import (
    FAR,
    NAMESPACE,
    NOW,
    complete,
    engine,
    market,
    observe,
    policy,
    provider,
    resource,
    world_of,
)
from touchline.api import PAUSED, RECORDINGS, SIMULATE, SIMULATE_GROUP
from touchline_operator.bus.mirror import Mirror
from touchline_operator.plan.capture import captures
from touchline_operator.plan.documents import Table, document, documents, simulated
from touchline_operator.plan.engine import engine_children, wiring_of
from touchline_operator.plan.names import LONGEST, child_name
from touchline_operator.plan.provider import provider_children
from touchline_operator.plan.wants import wants
from touchline_operator.run.mint import minted
from touchline_operator.world.index import World
from touchline_operator.world.keys import Key
from touchline_operator.world.material import Material, read_material

documents_by_key = st.dictionaries(
    st.sampled_from(["Market.a", "Market.b", "FeedProvider.c", "Halt.all.00", "Resume.x.00"]),
    st.dictionaries(st.text(max_size=2), st.integers(), max_size=2),
)


@given(documents_by_key, documents_by_key)
def test_a_mirrors_steps_bring_the_bucket_to_what_is_wanted_and_leave_traders_orders(
    stored: dict[str, Any], wanted: dict[str, Any]
) -> None:
    wanted = {key: value for key, value in wanted.items() if not key.startswith(("Halt.", "Resume."))}
    mirror, bucket = Mirror(), dict(stored)
    for key, value in stored.items():
        mirror.saw(key, value)
    mirror.complete(stored)
    for key, value in mirror.steps(wanted):
        mirror.saw(key, value)
        if value is None:
            del bucket[key]
        else:
            assert bucket.get(key) != value, "a write that changes nothing"
            bucket[key] = value
    halts = {key: value for key, value in stored.items() if key.startswith(("Halt.", "Resume."))}
    assert bucket == wanted | halts
    assert mirror.steps(wanted) == []


def test_a_document_that_cannot_be_made_keeps_the_last_one() -> None:
    mirror = Mirror()
    mirror.saw("EntityMap.football", {"old": 1})
    mirror.complete(["EntityMap.football"])
    assert mirror.steps({"EntityMap.football": None}) == []


def told(world: World, kind: str, name: str, tables: Mapping[str, Table] | None = None) -> dict[str, Any] | None:
    """What the data plane is told of one object."""
    custom = world.custom(Key(kind, NAMESPACE, name))
    assert custom is not None
    return document(custom, simulated(world, NAMESPACE), tables or {})


def test_the_data_plane_is_told_specs_without_status_and_kubernetes_own_metadata() -> None:
    said = told(world_of([engine(), policy(), market("m")]), "Market", "m")
    assert said is not None
    assert said["metadata"] == {"name": "m", "namespace": "bets"}
    assert "status" not in said
    assert said["spec"]["freshness"] == {"maxAge": "1s"}, "defaults are filled in"


def test_the_engine_tells_itself_and_knows_of_the_others_that_they_are_told() -> None:
    ours = documents(world_of([engine(), policy(), market("m"), provider("real")]), NAMESPACE)
    assert sorted(ours) == ["FeedProvider.real", "Market.m", "OddsEngine.main", "SuspensionPolicy.strict"]
    assert [key for key, value in ours.items() if value is not None] == ["OddsEngine.main"]
    assert documents(world_of([engine()]), "elsewhere") == {}


def test_what_is_paused_keeps_its_last_document() -> None:
    declared = provider("a")
    declared["metadata"]["annotations"] = {SIMULATE: "fixtures", PAUSED: "true"}
    assert documents(world_of([engine(), declared]), NAMESPACE)["FeedProvider.a"] is None


def test_an_object_that_cannot_be_read_keeps_its_last_document() -> None:
    bad = resource("Market", "bad", {"feeds": {"providers": []}, "suspensionPolicyRef": {"name": "strict"}})
    world = world_of([engine(), bad])
    assert told(world, "Market", "bad") is None
    assert "Market.bad" in documents(world, NAMESPACE)


def test_a_table_is_put_into_its_entity_map() -> None:
    spec = {"sport": "Football", "source": {"configMapRef": {"name": "teams", "key": "teams.csv"}}}
    world = world_of([engine(), resource("EntityMap", "football", spec)])
    table = {"teams": {"teams.csv": "kind,id,name\nteam,ajax,Ajax\n"}}
    said = told(world, "EntityMap", "football", table)
    assert said is not None
    assert "source" not in said["spec"]
    assert [team["id"] for team in said["spec"]["teams"]] == ["ajax"]
    assert told(world, "EntityMap", "football", {"teams": None}) is None


def test_simulated_providers_of_one_group_are_served_by_one_pod_at_addresses_of_their_own() -> None:
    group = {SIMULATE: "fixtures", SIMULATE_GROUP: "demo"}
    providers = [provider(name) for name in ("b", "a")]
    for each in providers:
        each["metadata"]["annotations"] = group
    world = world_of([engine(), *providers, provider("real")])
    said = {name: told(world, "FeedProvider", name) for name in ("a", "b", "real")}
    endpoints = {name: value["spec"]["betfairStream"]["endpoint"] for name, value in said.items() if value}
    assert endpoints == {
        "a": "demo-simulator.bets.svc:7101",
        "b": "demo-simulator.bets.svc:7102",
        "real": "stream-api.betfair.com:443",
    }
    by_engine = documents(world, NAMESPACE)
    assert (by_engine["FeedProvider.a"], by_engine["FeedProvider.b"]) == (said["a"], said["b"])


def test_a_provider_that_asks_its_group_for_something_else_runs_with_nobodys_words() -> None:
    """Neither with the group's simulator, nor with the real provider, nor with an address that it was told before."""
    providers = [provider(name) for name in ("a", "b")]
    for each, what in zip(providers, ("fixtures", "recording:race.bz2"), strict=True):
        each["metadata"]["annotations"] = {SIMULATE: what, SIMULATE_GROUP: "demo"}
    world = world_of([engine(), *providers])
    assert told(world, "FeedProvider", "b") is None
    assert sorted(documents(world, NAMESPACE)) == ["FeedProvider.a", "OddsEngine.main"], "what was told before goes"
    assert provider_children(complete(observe(world, "FeedProvider", "b"))) == []
    planned = engine_children(complete(observe(world, "OddsEngine", "main")))
    names = [each["metadata"]["name"] for each in planned if each["kind"] == "Deployment"]
    assert names == ["main-gateway", "main-recorder", "demo-simulator"]


@pytest.mark.parametrize(
    ("where", "volume"),
    [
        ("ConfigMap/races", {"configMap": {"name": "races", "defaultMode": 0o444}}),
        ("PersistentVolumeClaim/races", {"persistentVolumeClaim": {"claimName": "races", "readOnly": True}}),
        ("nonsense", None),
    ],
)
def test_a_recording_is_played_from_the_volume_that_the_provider_names(where: str, volume: object) -> None:
    declared = provider("a")
    declared["metadata"]["annotations"] = {SIMULATE: "recording:race.bz2", RECORDINGS: where}
    world = world_of([engine(), declared])
    (deployment,) = (
        each
        for each in engine_children(complete(observe(world, "OddsEngine", "main")))
        if each["metadata"]["name"] == "a-simulator" and each["kind"] == "Deployment"
    )
    pod = deployment["spec"]["template"]["spec"]
    (server,) = pod["containers"]
    assert server["command"][-2:] == ["--recording", "race.bz2"]
    volumes = [each for each in pod["volumes"] if each["name"] == "recordings"]
    assert volumes == ([{"name": "recordings", **volume}] if isinstance(volume, dict) else [])
    assert (server.get("workingDir") == "/recordings") is bool(volumes)


def test_captures_never_ask_for_more_than_the_brokers_volume_can_hold() -> None:
    providers = [
        provider("a", capture={"maxBytes": "50Gi"}),
        provider("b", capture={"maxBytes": "1Mi", "retention": "1h"}),
    ]
    small = engine(nats={"managed": {"replicas": 1, "storage": {"size": "10Gi"}}})
    first, second = captures(observe(world_of([small, *providers]), "OddsEngine", "main"))
    assert first[1] < (10 << 30) * 6 // 10
    assert second == ("b", 1 << 20, 3600.0)


def test_material_is_made_once_survives_its_secret_and_serves_tls() -> None:
    observed = observe(world_of([engine(), provider("one")]), "OddsEngine", "main")
    wiring = wiring_of(observed)
    assert wiring is not None
    made = minted(Material(), wants(observed, wiring), name="main", now=NOW)
    assert read_material(made.data()) == made
    assert set(made.passwords) == {"admin", "book", "gateway", "cli", "recorder", "ingest-one"}
    assert not wants(replace(observed, material=made), wiring)
    context = ssl.create_default_context(cadata=made.authority.certificate if made.authority else "")
    assert context.get_ca_certs()
    certificate = x509.load_pem_x509_certificate(made.server.certificate.encode() if made.server else b"")
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(
        x509.DNSName
    )
    assert "*.main-nats.bets.svc" in names


def test_a_new_provider_needs_a_password_and_nobody_elses_changes() -> None:
    before = complete(observe(world_of([engine(), provider("one")]), "OddsEngine", "main"))
    after = replace(
        observe(world_of([engine(), provider("one"), provider("two")]), "OddsEngine", "main"), material=before.material
    )
    wiring = wiring_of(after)
    assert wiring is not None
    wanted = wants(after, wiring)
    assert (wanted.users, wanted.authority, wanted.server_names) == (("ingest-two",), False, ())
    made = minted(after.material, wanted, name="main", now=NOW)
    assert {user: made.passwords[user] for user in before.material.passwords} == before.material.passwords


def test_44_a_certificate_is_renewed_long_before_it_ends_under_the_same_authority() -> None:
    observed = complete(observe(world_of([engine()]), "OddsEngine", "main"))
    wiring = wiring_of(observed)
    assert wiring is not None
    day = 86_400_000_000
    assert not wants(replace(observed, now=FAR - 61 * day), wiring)
    late = replace(observed, now=FAR - 59 * day)
    long_lived = replace(
        late.material, authority=late.material.authority._replace(until=FAR * 2) if late.material.authority else None
    )
    wanted = wants(replace(late, material=long_lived), wiring)
    assert (wanted.authority, bool(wanted.server_names), wanted.users) == (False, True, ())


@given(
    st.from_regex(r"[a-z0-9][a-z0-9-]{0,61}[a-z0-9]", fullmatch=True),
    st.from_regex(r"[a-z0-9][a-z0-9-]{0,61}[a-z0-9]", fullmatch=True),
)
def test_names_of_children_fit_and_differ_for_different_owners(one: str, other: str) -> None:
    names = [child_name(owner, "ingest") for owner in (one, other)]
    assert all(len(name) <= LONGEST and name.endswith("-ingest") for name in names)
    assert (names[0] == names[1]) == (one == other)
