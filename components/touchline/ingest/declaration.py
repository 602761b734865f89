"""What the `config` bucket declares for one provider: its FeedProvider, the EntityMaps that it names, the engine's shards.

Pure: changes go in, `Declared` comes out, with every reason why the feed cannot run as declared.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from pydantic import ValidationError

from touchline.api.v1alpha1.entity_map import EntityMap
from touchline.api.v1alpha1.feed_provider import ClockTrust, FeedProvider, FeedProviderSpec
from touchline.ingest.entities import Entities
from touchline.ingest.entity_index import Scope, compile_maps
from touchline.ingest.health import Thresholds
from touchline.ingest.results import Coverage

PROVIDER, ENTITY_MAP, ENGINE = "FeedProvider", "EntityMap", "OddsEngine"


class Declared(NamedTuple):
    """A provider as declared. `connection` is equal for two declarations that are served by the same connection."""

    spec: FeedProviderSpec
    connection: str
    entities: Entities
    coverage: Coverage
    thresholds: Thresholds
    problems: tuple[str, ...]
    """What is missing without keeping the feed from running (an EntityMap that does not exist)."""


class Declarations:
    """The content of the `config` bucket as far as it concerns one provider."""

    def __init__(self, provider: str) -> None:
        self._provider = provider
        self._values: dict[str, dict[str, Any]] = {}
        self._maps: dict[str, EntityMap] = {}
        self._refused: dict[str, str] = {}

    def change(self, key: str, value: dict[str, Any] | None) -> bool:
        """Take one key's new value (`None`: deleted); true where it may concern this provider."""
        kind, _, name = key.partition(".")
        if kind not in {PROVIDER, ENTITY_MAP, ENGINE} or (kind == PROVIDER and name != self._provider):
            return False
        if value is None:
            self._values.pop(key, None)
            self._maps.pop(key, None)
            self._refused.pop(key, None)
            return True
        if self._values.get(key) == value:
            return False
        self._values[key] = value
        if kind == ENTITY_MAP:
            self._read_map(key, value)
        return True

    def keep(self, keys: frozenset[str]) -> None:
        """The bucket holds these keys and no others."""
        for key in [key for key in self._values if key not in keys]:
            self.change(key, None)

    @property
    def shards(self) -> int:
        """Shards of the engine; 0 where none is declared."""
        for key in sorted(self._values):
            if key.startswith(f"{ENGINE}."):
                shards = self._values[key].get("spec", {}).get("shards", 0)
                return shards if isinstance(shards, int) else 0
        return 0

    def read(self) -> Declared | str:
        """The provider as declared, or why there is none."""
        value = self._values.get(f"{PROVIDER}.{self._provider}")
        if value is None:
            return f"there is no FeedProvider {self._provider!r}; waiting for it to be applied"
        try:
            spec = FeedProvider.model_validate(value).spec
        except ValidationError as error:
            return f"FeedProvider {self._provider!r} is not valid: {_first(error)}"
        maps, problems = [], []
        for reference in spec.entity_map_refs:
            key = f"{ENTITY_MAP}.{reference.name}"
            if key in self._maps:
                maps.append(self._maps[key])
            else:
                problems.append(self._refused.get(key, f"EntityMap {reference.name!r} does not exist"))
        if not spec.entity_map_refs:
            problems.append("spec.entityMapRefs is empty: every market will be quarantined")
        scope = Scope(self._provider, str(spec.spoken))
        return Declared(
            spec=spec,
            connection=_connection(spec),
            entities=Entities(compile_maps(maps, scope)),
            coverage=Coverage(frozenset(spec.coverage.sports), frozenset(spec.coverage.leagues)),
            thresholds=_thresholds(spec),
            problems=tuple(problems),
        )

    def _read_map(self, key: str, value: dict[str, Any]) -> None:
        try:
            self._maps[key] = EntityMap.model_validate(value)
        except ValidationError as error:
            self._maps.pop(key, None)
            self._refused[key] = f"EntityMap {key.partition('.')[2]!r} is not valid: {_first(error)}"
        else:
            self._refused.pop(key, None)


def _connection(spec: FeedProviderSpec) -> str:
    """Everything that an adapter is made of, as text."""
    kept = spec.model_dump(
        mode="json", exclude={"coverage", "upstream", "clock", "entity_map_refs", "health", "capture", "sla"}
    )
    return repr(sorted(kept.items()))


def _thresholds(spec: FeedProviderSpec) -> Thresholds:
    health = spec.health
    return Thresholds(
        max_silence_us=health.max_silence.micros,
        max_delay_us=health.max_delay.micros,
        max_loss_ppm=_ppm(str(health.max_loss_percent)),
        max_disconnects=health.max_disconnects.count,
        disconnects_window_us=health.max_disconnects.within.micros,
        min_completeness_ppm=_ppm(str(health.min_completeness_percent)),
        synchronised=spec.clock == ClockTrust.SYNCHRONISED,
    )


def _ppm(percent: str) -> int:
    return int(Decimal(percent) * 10_000)


def _first(error: ValidationError) -> str:
    problem: Mapping[str, Any] = error.errors(include_url=False)[0]
    return f"{'.'.join(str(part) for part in problem['loc'])} {problem['msg']}"
