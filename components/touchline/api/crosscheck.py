"""Rules over several objects: what no object can say of itself alone.

On Kubernetes each of these becomes a condition on the object that is wrong; here, before anything runs, it is a `Problem`
at the line that caused it. Objects only see others of their own namespace: a namespace is a tenant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TypeVar

from touchline.api.aliases_check import ambiguous_names
from touchline.api.core_objects import ConfigMap, Secret
from touchline.api.entity_source import expand_source
from touchline.api.errors import FieldPath, InvalidSource
from touchline.api.faults import did_you_mean
from touchline.api.kinds import Resource
from touchline.api.problems import Problem, Severity
from touchline.api.references_check import references_in
from touchline.api.selectors import overlap, specificity
from touchline.api.simulated import simulated_groups
from touchline.api.types.durations import Duration
from touchline.api.types.resource import RECORDINGS, RECORDINGS_PATTERN, SIMULATE
from touchline.api.unsupported import unsupported
from touchline.api.v1alpha1.entity_map import EntityMap
from touchline.api.v1alpha1.feed_provider import FeedProvider
from touchline.api.v1alpha1.market import Market
from touchline.api.v1alpha1.odds_engine import OddsEngine
from touchline.api.v1alpha1.protocols import Protocol
from touchline.api.v1alpha1.region import Region
from touchline.api.yaml_documents import YamlDocument

BEAT = Duration("100ms")
"""Ingest proves each provider to the book at least this often (DESIGN, freshness)."""
SHORTEST_PROVABLE_AGE = Duration("300ms")
"""Two beats may be late or lost before the third proves a price: a shorter age would suspend healthy markets."""

SECRET_KEYS: dict[Protocol, tuple[str, ...]] = {
    Protocol.BETFAIR_STREAM: ("appKey", "sessionToken"),
    Protocol.SPORTRADAR_UOF: ("token",),
    Protocol.GENIUS_SPORTS: ("user", "password", "apiKey"),
    Protocol.SPORTS_DATA_IO: ("apiKey",),
    Protocol.THE_ODDS_API: ("apiKey",),
    Protocol.PINNACLE: ("user", "password"),
    Protocol.OPTIC_ODDS: ("apiKey",),
}
"""Keys that the credentials Secret of each protocol must have."""

Kind = TypeVar("Kind")


@dataclass(frozen=True, slots=True)
class Loaded:
    """An object and the document it was read from."""

    object: Resource | Secret | ConfigMap
    document: YamlDocument

    @property
    def name(self) -> str:
        """The object's name."""
        return self.object.name

    @property
    def kind(self) -> str:
        """The object's kind."""
        return self.object.kind

    def where(self, path: FieldPath = ()) -> str:
        """File and line of a field, for messages about two places."""
        return f"{self.document.file}:{self.document.place(path).line}"

    def error(self, path: FieldPath, message: str, fix: str = "") -> Problem:
        """An error at a field."""
        return self.document.problem(path, message, fix)

    def warning(self, path: FieldPath, message: str, fix: str = "") -> Problem:
        """A warning at a field."""
        error = self.document.problem(path, message, fix)
        return Problem(error.file, error.line, error.column, error.path, message, fix, Severity.WARNING)


@dataclass(frozen=True, slots=True)
class Tenant:
    """The objects of one namespace."""

    items: tuple[Loaded, ...]

    def of(self, kind: type[Kind]) -> Iterator[tuple[Loaded, Kind]]:
        """The objects of one kind, each with where it was read."""
        for item in self.items:
            if isinstance(item.object, kind):
                yield item, item.object

    def names(self, kind: str) -> list[str]:
        """Names of the objects of one kind."""
        return [item.name for item in self.items if item.kind == kind]


def crosscheck(loaded: Sequence[Loaded]) -> list[Problem]:
    """Everything that is wrong between the objects, in the order of the rules below."""
    namespaces = dict.fromkeys(item.object.namespace for item in loaded)
    tenants = [Tenant(tuple(item for item in loaded if item.object.namespace == name)) for name in namespaces]
    return [problem for tenant in tenants for rule in RULES for problem in rule(tenant)]


def _duplicates(tenant: Tenant) -> Iterator[Problem]:
    first: dict[tuple[str, str], Loaded] = {}
    for item in tenant.items:
        earlier = first.setdefault((item.kind, item.name), item)
        if earlier is not item:
            message = f'there is already a {item.kind} named "{item.name}" at {earlier.where()}'
            yield item.error(("metadata", "name"), message, "rename or remove one of them")


def _one_engine(tenant: Tenant) -> Iterator[Problem]:
    engines = [item for item, _ in tenant.of(OddsEngine)]
    running = [item for item in tenant.items if isinstance(item.object, Market | FeedProvider)]
    if not engines and running:
        yield running[0].error((), "there is no OddsEngine to run this", "add one, as in examples/quickstart")
    for item in engines[1:]:
        message = f'there may be only one OddsEngine; "{engines[0].name}" is at {engines[0].where()}'
        yield item.error(("kind",), message, "remove one, or give them namespaces of their own")


def _references(tenant: Tenant) -> Iterator[Problem]:
    for item in tenant.items:
        if isinstance(item.object, Secret | ConfigMap):
            continue
        for reference in references_in(item.object.spec, ("spec",)):
            names = tenant.names(reference.kind)
            if reference.name in names or "imagePullSecrets" in reference.path:
                continue  # here nothing is pulled, and in a cluster such a Secret is seldom made from a file
            message = f'no {reference.kind} is named "{reference.name}"'
            if reference.kind in ("Secret", "ConfigMap") and not names:
                yield item.warning(
                    reference.path, f"{message} in these files", f"add the {reference.kind} to run this locally"
                )
            else:
                yield item.error(
                    reference.path, message, did_you_mean(reference.name, names) or f"add the {reference.kind}"
                )


def _engine_region(tenant: Tenant) -> Iterator[Problem]:
    regions = [region.name for _, region in tenant.of(Region)]
    for item, engine in tenant.of(OddsEngine):
        if regions and engine.spec.region is not None and engine.spec.region not in regions:
            fix = did_you_mean(engine.spec.region, regions) or f"there are: {', '.join(regions)}"
            yield item.error(("spec", "region"), f'no Region is named "{engine.spec.region}"', fix)


def _market_providers(tenant: Tenant) -> Iterator[Problem]:
    names = tenant.names("FeedProvider")
    for item, market in tenant.of(Market):
        for index, provider in enumerate(market.spec.feeds.providers):
            if provider.name not in names:
                path = ("spec", "feeds", "providers", index, "name")
                fix = did_you_mean(provider.name, names) or "add the FeedProvider"
                yield item.error(path, f'no FeedProvider is named "{provider.name}"', fix)


def _credentials(tenant: Tenant) -> Iterator[Problem]:
    secrets = {secret.name: secret for _, secret in tenant.of(Secret)}
    for item, provider in tenant.of(FeedProvider):
        reference = provider.spec.credentials_secret_ref
        secret = secrets.get(reference.name) if reference is not None else None
        if secret is None:
            continue
        for key in SECRET_KEYS.get(provider.spec.protocol, ()):
            if not secret.values.get(key):
                message = f'the Secret "{secret.name}" has no {key}, which {provider.spec.protocol} needs'
                yield item.error(("spec", "credentialsSecretRef", "name"), message, f"add {key} under its stringData")


def _conflicting_selectors(tenant: Tenant) -> Iterator[Problem]:
    for (one, market), (other, second) in combinations(tenant.of(Market), 2):
        selectors = market.spec.selector, second.spec.selector
        if specificity(selectors[0]) == specificity(selectors[1]) and overlap(*selectors):
            path = ("spec", "selector")
            message = f'"{second.name}" and "{market.name}" (at {one.where(path)}) are equally specific and can match the same market'
            yield other.error(path, message, "narrow one of them by sport, league, market type or phase")


def _provable_freshness(tenant: Tenant) -> Iterator[Problem]:
    for item, market in tenant.of(Market):
        age = market.spec.freshness.max_age
        if age < SHORTEST_PROVABLE_AGE:
            message = f"{age} can never be proved: proof of a price arrives every {BEAT}"
            yield item.error(("spec", "freshness", "maxAge"), message, f"write {SHORTEST_PROVABLE_AGE} or more")


def _shared_upstream(tenant: Tenant) -> Iterator[Problem]:
    upstreams = {provider.name: provider.spec.upstream for _, provider in tenant.of(FeedProvider)}
    for item, market in tenant.of(Market):
        seen: dict[str, str] = {}
        for index, choice in enumerate(market.spec.feeds.providers):
            upstream = upstreams.get(choice.name)
            if upstream is None:
                continue
            earlier = seen.setdefault(upstream.casefold(), choice.name)
            if earlier != choice.name:
                message = f'"{earlier}" and "{choice.name}" have one upstream, {upstream}: they fail together'
                fix = "add a provider that gets its data elsewhere"
                yield item.warning(("spec", "feeds", "providers", index), message, fix)


def _never_covered(tenant: Tenant) -> Iterator[Problem]:
    coverage = {provider.name: provider.spec.coverage.sports for _, provider in tenant.of(FeedProvider)}
    for item, market in tenant.of(Market):
        wanted = market.spec.selector.sports
        for index, choice in enumerate(market.spec.feeds.providers):
            covered = coverage.get(choice.name, ("*",))
            if wanted and "*" not in (*wanted, *covered) and not set(wanted) & set(covered):
                message = f'"{choice.name}" covers {", ".join(covered)} and can never serve {", ".join(wanted)}'
                yield item.warning(("spec", "feeds", "providers", index), message, "look at its coverage.sports")


def _nameless_feeds(tenant: Tenant) -> Iterator[Problem]:
    for item, provider in tenant.of(FeedProvider):
        if not provider.spec.entity_map_refs:
            message = (
                "without an EntityMap none of the provider's names can be translated; all of it goes to quarantine"
            )
            yield item.warning(("spec",), message, "add entityMapRefs")


def _ambiguous_names(tenant: Tenant) -> Iterator[Problem]:
    for item, entity_map in tenant.of(EntityMap):
        for path, message in ambiguous_names(entity_map.spec):
            yield item.warning(path, message, "such names are quarantined; name the league, the provider, or drop one")


def _entity_sources(tenant: Tenant) -> Iterator[Problem]:
    config_maps = {config_map.name: config_map for _, config_map in tenant.of(ConfigMap)}
    for item, entity_map in tenant.of(EntityMap):
        source = entity_map.spec.source
        config_map = config_maps.get(source.config_map_ref.name) if source is not None else None
        if source is None or config_map is None:
            continue
        key, path = source.config_map_ref.key, ("spec", "source", "configMapRef", "key")
        if key not in config_map.data:
            yield item.error(
                path, f'the ConfigMap "{config_map.name}" has no {key}', did_you_mean(key, config_map.data)
            )
            continue
        try:
            expand_source(entity_map.spec, config_map.data[key])
        except InvalidSource as error:
            yield item.error(path, f'{key} of the ConfigMap "{config_map.name}": {error}')


def _simulated(tenant: Tenant) -> Iterator[Problem]:
    for item, provider in tenant.of(FeedProvider):
        wanted = provider.metadata.annotations.get(SIMULATE)
        path = ("metadata", "annotations", SIMULATE)
        if wanted is None:
            continue
        what, _, file = wanted.partition(":")
        if wanted != "fixtures" and (what != "recording" or not file.strip()):
            yield item.error(path, f"{wanted!r} is nothing that can be simulated", "write fixtures or recording:PATH")
        elif provider.spec.protocol != Protocol.BETFAIR_STREAM:
            yield item.error(path, f"there is no simulator of {provider.spec.protocol}", "BetfairStream has one")


def _simulated_groups(tenant: Tenant) -> Iterator[Problem]:
    _, faults = simulated_groups(provider for _, provider in tenant.of(FeedProvider))
    for item, provider in tenant.of(FeedProvider):
        if provider.name in faults:
            fault = faults[provider.name]
            yield item.error(fault.path, fault.message, fault.fix)


def _recordings(tenant: Tenant) -> Iterator[Problem]:
    for item, provider in tenant.of(FeedProvider):
        where = provider.metadata.annotations.get(RECORDINGS)
        if where is not None and not re.fullmatch(RECORDINGS_PATTERN, where):
            path = ("metadata", "annotations", RECORDINGS)
            yield item.error(path, f"{where!r} names no volume", "write ConfigMap/NAME or PersistentVolumeClaim/NAME")


def _not_acted_on(tenant: Tenant) -> Iterator[Problem]:
    for item in tenant.items:
        for each in unsupported(item.object):
            yield item.warning(each.path, each.message, each.fix)


RULES: tuple[Callable[[Tenant], Iterator[Problem]], ...] = (
    _duplicates,
    _one_engine,
    _references,
    _engine_region,
    _market_providers,
    _credentials,
    _conflicting_selectors,
    _provable_freshness,
    _shared_upstream,
    _never_covered,
    _nameless_feeds,
    _ambiguous_names,
    _entity_sources,
    _simulated,
    _simulated_groups,
    _recordings,
    _not_acted_on,
)
