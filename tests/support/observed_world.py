"""Worlds for tests of the operator's pure rooms: examples or plain objects, as the API server would give them."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from touchline_operator.plan.engine import wiring_of
from touchline_operator.plan.wants import users_of, wants
from touchline_operator.world.index import World
from touchline_operator.world.keys import Key
from touchline_operator.world.material import Certificate, Material
from touchline_operator.world.observed import Observed

NAMESPACE = "bets"
NOW = 1_795_572_000_000_000
"""2026-11-25T02:00:00Z in epoch microseconds."""
FAR = NOW + 365 * 86_400_000_000


def documents(paths: Iterable[Path]) -> list[dict[str, Any]]:
    """Every document of YAML files, with dates as text."""
    found = [
        each for path in paths for file in sorted(path.rglob("*.yaml")) for each in yaml.safe_load_all(file.read_text())
    ]
    return [
        json.loads(json.dumps(each, default=lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%SZ"))) for each in found
    ]


def stored(manifest: Mapping[str, Any], number: int, **metadata: Any) -> dict[str, Any]:
    """An object as the API server stores it."""
    marks = {
        "namespace": NAMESPACE,
        "uid": f"uid-{manifest['kind']}-{manifest['metadata']['name']}".lower(),
        "generation": 1,
        "resourceVersion": str(number),
        "creationTimestamp": "2026-11-25T01:00:00Z",
    }
    return {**manifest, "metadata": {**manifest["metadata"], **marks, **metadata}}


def world_of(manifests: Iterable[Mapping[str, Any]]) -> World:
    """An index of these custom resources; other kinds are left out."""
    world = World()
    for number, manifest in enumerate(manifests, 1):
        if str(manifest["apiVersion"]).startswith("touchline.dev/"):
            world.put_custom(stored(manifest, number))
    return world


def observe(world: World, kind: str, name: str, **more: Any) -> Observed:
    """What a reconciliation of one object looks at."""
    target = world.custom(Key(kind, NAMESPACE, name))
    assert target is not None, f"the test's world has no {kind} {name}"
    return Observed(target=target, world=world, now=NOW, **more)


def complete(observed: Observed) -> Observed:
    """With material as it would have been made, but always the same."""
    wiring = wiring_of(observed)
    assert wiring is not None
    wanted = wants(observed, wiring)
    material = Material(
        passwords={user: f"password-of-{user}" for user in users_of(observed)},
        valkey_password="password-of-valkey" if wanted.valkey else "",
        routes_password="password-of-routes" if wanted.routes else "",
        authority=Certificate("AUTHORITY CERTIFICATE\n", "AUTHORITY KEY\n", FAR) if wanted.authority else None,
        server=Certificate("SERVER CERTIFICATE\n", "SERVER KEY\n", FAR, wanted.server_names)
        if wanted.server_names
        else None,
    )
    return replace(observed, material=material)


def engine(**spec: Any) -> dict[str, Any]:
    """A small engine."""
    body = {
        "currency": "GBP",
        "shards": 4,
        "nats": {"managed": {"replicas": 1}},
        "gateway": {"replicas": 1, "auth": {"anonymous": {}}},
        "bets": {"durability": "Fsync"},
    }
    return resource("OddsEngine", "main", {**body, **spec})


def provider(name: str, **spec: Any) -> dict[str, Any]:
    """A provider that speaks Betfair's protocol."""
    body = {
        "protocol": "BetfairStream",
        "betfairStream": {"endpoint": "stream-api.betfair.com:443"},
        "credentialsSecretRef": {"name": "betfair"},
    }
    return resource("FeedProvider", name, {**body, "upstream": name, **spec})


def market(
    name: str, *, providers: Iterable[str] = ("one", "two"), policy: str = "strict", **spec: Any
) -> dict[str, Any]:
    """A class of markets."""
    feeds = {"providers": [{"name": each, "priority": place} for place, each in enumerate(providers, 1)]}
    return resource("Market", name, {"feeds": feeds, "suspensionPolicyRef": {"name": policy}, **spec})


def policy(name: str = "strict") -> dict[str, Any]:
    """A policy with one trigger."""
    return resource("SuspensionPolicy", name, {"triggers": [{"name": "lost", "type": "ProviderDisconnect"}]})


def resource(kind: str, name: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    """A custom resource as its author writes it."""
    return {"apiVersion": "touchline.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": dict(spec)}
