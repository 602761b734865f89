"""From the user's files to what they declare, or to a refusal that names every mistake with file, line, field and fix."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from touchline.api.entity_source import expand_source
from touchline.api.kinds import Resource
from touchline.api.load import LoadResult, load_files
from touchline.api.problems import Problem
from touchline.api.render import render, render_all
from touchline.api.types.resource import SIMULATE, SIMULATE_GROUP
from touchline.api.v1alpha1.entity_map import EntityMap
from touchline.api.v1alpha1.feed_provider import FeedProvider
from touchline.api.v1alpha1.odds_engine import OddsEngine
from touchline.bus import subjects
from touchline.local.declared import Declared, Document, Simulated
from touchline.local.errors import Refused


class InvalidFiles(Refused):
    """The files cannot be used; the message has a line for each mistake."""


def read(paths: Sequence[Path], *, simulate: bool = True) -> Declared:
    """Read and validate files and folders.

    Raises:
        InvalidFiles: something in them is wrong.
    """
    return declared(load_files(paths), simulate=simulate)


def declared(result: LoadResult, *, simulate: bool = True) -> Declared:
    """What loaded files declare. With `simulate` off, providers are never served by the simulator.

    Raises:
        InvalidFiles: something in them is wrong, or they are not one engine.
    """
    if not result.ok:
        raise _unusable(result.problems)
    engines = result.of(OddsEngine)
    if not engines:
        raise InvalidFiles("there is no OddsEngine in these files", fix="add one, as in examples/quickstart")
    if len(engines) > 1:
        names = ", ".join(f"{engine.namespace}/{engine.name}" for engine in engines)
        raise InvalidFiles(
            f"these files declare {len(engines)} engines: {names}",
            fix="a namespace is a tenant: start each with its own `touchline up` and --state-dir",
        )
    engine = engines[0]
    mine = [resource for resource in result.resources if resource.namespace == engine.namespace]
    missing = [*_missing_tables(result, engine.namespace)]
    if missing:
        raise _unusable(missing)
    tables = {one.name: one.data for one in result.config_maps if one.namespace == engine.namespace}
    simulated = {}
    for provider in mine:
        if isinstance(provider, FeedProvider) and simulate and (what := provider.metadata.annotations.get(SIMULATE)):
            simulated[provider.name] = Simulated(what, provider.metadata.annotations.get(SIMULATE_GROUP, ""))
    return Declared(
        shards=engine.spec.shards,
        config={subjects.config_key(resource.kind, resource.name): _told(resource, tables) for resource in mine},
        secrets={secret.name: secret.values for secret in result.secrets if secret.namespace == engine.namespace},
        simulated=simulated,
        warnings=tuple(render(problem) for problem in result.warnings),
    )


def _unusable(problems: Sequence[Problem]) -> InvalidFiles:
    return InvalidFiles(
        "these resources cannot be used:\n" + render_all(problems),
        fix="correct the lines above; `touchline validate` checks them without starting anything",
    )


def _missing_tables(result: LoadResult, namespace: str) -> Iterator[Problem]:
    """References to ConfigMaps that the files do not hold.

    Files without any may be meant for a cluster that has them, so loading them finds no fault; here there is no such place.
    """
    there = {one.name for one in result.config_maps if one.namespace == namespace}
    for item in result.loaded:
        resource = item.object
        if not isinstance(resource, EntityMap) or resource.namespace != namespace or resource.spec.source is None:
            continue
        name = resource.spec.source.config_map_ref.name
        if name not in there:
            yield item.error(
                ("spec", "source", "configMapRef", "name"),
                f'no ConfigMap is named "{name}"',
                "add the ConfigMap to the files given here: there is no cluster to have it",
            )


def _told(resource: Resource, tables: Mapping[str, Mapping[str, str]]) -> Document:
    """A resource as the engine is told it: an EntityMap with the lines of its ConfigMap in it, as in a cluster.

    That the ConfigMap, its key and its lines are there and right was checked when the files were loaded.
    """
    wire = resource.to_wire()
    if isinstance(resource, EntityMap) and resource.spec.source is not None:
        reference = resource.spec.source.config_map_ref
        wire["spec"] = expand_source(resource.spec, tables[reference.name][reference.key]).to_wire()
    return wire
