"""References that lead nowhere: objects, Secrets, ConfigMaps and their keys."""

from __future__ import annotations

from collections.abc import Iterator

from touchline.api import EntityMap, OddsEngine
from touchline.api.entity_source import expand_source
from touchline.api.errors import InvalidSource, show_path
from touchline.api.faults import did_you_mean
from touchline_operator.check.findings import Finding
from touchline_operator.check.secret_keys import Need, config_maps_needed, secrets_needed
from touchline_operator.world.observed import Observed

_CORE = ("Secret", "ConfigMap")


def unresolved(observed: Observed) -> tuple[Finding, ...]:
    """Every reference of the object whose target, or a key in it, is missing."""
    return (*_objects(observed), *_secrets(observed), *_config_maps(observed))


def unknown(observed: Observed) -> tuple[Finding, ...]:
    """Secrets and ConfigMaps that the operator's role does not let it read."""
    return tuple(
        Finding("NotPermitted", f"the operator may not read {name}: bind its role in this namespace")
        for name in observed.unreadable
    )


def _objects(observed: Observed) -> Iterator[Finding]:
    for reference in observed.target.references:
        if reference.kind in _CORE or observed.find(reference.kind, reference.name) is not None:
            continue
        names = [each.key.name for each in observed.world.customs(reference.kind, observed.namespace)]
        yield _missing(reference.kind, reference.name, show_path(reference.path), names)
    engine = observed.target.resource
    if isinstance(engine, OddsEngine) and engine.spec.region is not None:
        regions = [each.key.name for each in observed.world.customs("Region", observed.namespace)]
        if regions and engine.spec.region not in regions:
            yield _missing("Region", engine.spec.region, "spec.region", regions)


def _missing(kind: str, name: str, path: str, names: list[str]) -> Finding:
    fix = did_you_mean(name, names) or f"create the {kind}, or correct the name"
    return Finding(f"{kind}NotFound", f'{path}: no {kind} is named "{name}"; {fix}')


def _secrets(observed: Observed) -> Iterator[Finding]:
    for need in secrets_needed(observed.target):
        if need.name in observed.secrets:
            yield from _keys("Secret", need, observed.secrets[need.name])


def _config_maps(observed: Observed) -> Iterator[Finding]:
    for need in config_maps_needed(observed.target.resource):
        if need.name not in observed.config_maps:
            continue
        table = observed.config_maps[need.name]
        faults = list(_keys("ConfigMap", need, tuple(sorted(table)) if table is not None else None))
        yield from faults
        if not faults and table is not None and isinstance(observed.target.resource, EntityMap):
            try:
                expand_source(observed.target.resource.spec, table[need.keys[0]])
            except InvalidSource as error:
                yield Finding(
                    "TableInvalid", f'{show_path(need.path)}: {need.keys[0]} of the ConfigMap "{need.name}": {error}'
                )


def _keys(kind: str, need: Need, present: tuple[str, ...] | None) -> Iterator[Finding]:
    path = show_path((*need.path, "name"))
    if present is None:
        yield Finding(f"{kind}NotFound", f'{path}: no {kind} is named "{need.name}"; create it, or correct the name')
        return
    missing = [key for key in need.keys if key not in present]
    if missing:
        yield Finding(f"{kind}KeyMissing", f'{path}: the {kind} "{need.name}" has no {", ".join(missing)}; add it')
