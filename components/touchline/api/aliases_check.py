"""Names in an EntityMap that stand for more than one thing: such a name is never guessed, so its author should know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from touchline.api.errors import FieldPath
from touchline.api.v1alpha1.aliases import Scoped
from touchline.api.v1alpha1.entity_map import EntityMapSpec, League, Player, Team


class _Said(NamedTuple):
    """Somebody's word for one entry. `context` is what tells two entries of one name apart."""

    path: FieldPath
    owner: str
    context: str
    text: str
    scope: tuple[str | None, str | None]


def ambiguous_names(spec: EntityMapSpec) -> Iterator[tuple[FieldPath, str]]:
    """Path and explanation of every name or id that a later entry shares with an earlier one in the same context."""
    kinds: tuple[tuple[str, Sequence[League | Team | Player]], ...] = (
        ("leagues", spec.leagues),
        ("teams", spec.teams),
        ("players", spec.players),
    )
    for field, entries in kinds:
        earlier: dict[tuple[str, str], list[_Said]] = {}
        for index, entry in enumerate(entries):
            for said in _words(entry, ("spec", field, index)):
                others = earlier.setdefault((said.context, said.text), [])
                rival = next((one for one in others if one.owner != said.owner and _meet(one.scope, said.scope)), None)
                if rival is not None:
                    yield said.path, f"{said.text.split(':', 1)[1]!r} stands for both {rival.owner} and {said.owner}"
                others.append(said)


def _words(entry: League | Team | Player, path: FieldPath) -> Iterator[_Said]:
    context = ""
    if isinstance(entry, Team):
        context = entry.league or ""
    elif isinstance(entry, Player):
        context = entry.team or ""
    yield _Said((*path, "name"), entry.id, context, f"name:{entry.name.casefold()}", (None, None))
    for index, alias in enumerate(entry.aliases):
        at, scope = (*path, "aliases", index), _scope(alias)
        if alias.name is not None:
            yield _Said((*at, "name"), entry.id, context, f"name:{alias.name.casefold()}", scope)
        if alias.id is not None:
            # A provider's id is unique without any context.
            yield _Said((*at, "id"), entry.id, "", f"id:{alias.id}", scope)


def _scope(alias: Scoped) -> tuple[str | None, str | None]:
    return alias.provider, alias.protocol


def _meet(one: tuple[str | None, str | None], other: tuple[str | None, str | None]) -> bool:
    """Whether one provider can say both: only different providers, or different protocols, keep them apart."""
    return all(a is None or b is None or a == b for a, b in zip(one, other, strict=True))
