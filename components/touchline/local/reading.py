"""From the user's files to what they declare, or to a refusal that names every mistake with file, line, field and fix."""

from collections.abc import Sequence
from pathlib import Path

from touchline.api.load import LoadResult, load_files
from touchline.api.render import render_all
from touchline.api.types.resource import SIMULATE, SIMULATE_GROUP
from touchline.api.v1alpha1.feed_provider import FeedProvider
from touchline.api.v1alpha1.odds_engine import OddsEngine
from touchline.bus import subjects
from touchline.local.declared import Declared, Simulated
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
        raise InvalidFiles(
            "these resources cannot be used:\n" + render_all(result.problems),
            fix="correct the lines above; `touchline validate` checks them without starting anything",
        )
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
    simulated = {}
    for provider in mine:
        if isinstance(provider, FeedProvider) and simulate and (what := provider.metadata.annotations.get(SIMULATE)):
            simulated[provider.name] = Simulated(what, provider.metadata.annotations.get(SIMULATE_GROUP, ""))
    return Declared(
        shards=engine.spec.shards,
        config={subjects.config_key(resource.kind, resource.name): resource.to_wire() for resource in mine},
        secrets={secret.name: secret.values for secret in result.secrets if secret.namespace == engine.namespace},
        simulated=simulated,
    )
