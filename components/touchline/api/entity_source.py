"""Entries of an EntityMap that come from CSV text, for maps that are kept as a table.

The first line names the columns: `kind` (league, team or player), `id`, `name`, `parent` (a team's league, a player's team),
`alias_name`, `alias_id`, `provider`, `protocol`; the last five may be missing. Several lines with one id are one entry with
several aliases; an id that the map has already gets the aliases too.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from touchline.api.errors import InvalidSource
from touchline.api.faults import faults_of
from touchline.api.v1alpha1.entity_map import EntityMapSpec, League, Player, Team

MAX_ROWS = 100_000
_REQUIRED = ("kind", "id", "name")
_OPTIONAL = ("parent", "alias_name", "alias_id", "provider", "protocol")
_PARENTS = {"league": None, "team": "league", "player": "team"}


def expand_source(spec: EntityMapSpec, text: str) -> EntityMapSpec:
    """The map with the entries of its CSV text and without its `source`. Raises InvalidSource.

    The result keeps to the bounds of any EntityMap: a component must be able to read it.
    """
    rows = list(_rows(text))
    expanded = spec.to_wire() | {
        "leagues": _merged(League, spec.leagues, rows, "league"),
        "teams": _merged(Team, spec.teams, rows, "team"),
        "players": _merged(Player, spec.players, rows, "player"),
    }
    expanded.pop("source", None)
    try:
        return EntityMapSpec.model_validate(expanded)
    except ValidationError as error:
        last = rows[-1][0] if rows else 1
        fault = faults_of(error, EntityMapSpec)[0]
        raise InvalidSource(last, f"{fault}; spread the lines over several EntityMaps") from None


def _rows(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    reader = csv.reader(text.splitlines(), strict=True)
    columns: list[str] = []
    try:
        for cells in reader:
            line = reader.line_num
            if not any(cell.strip() for cell in cells):
                continue
            if not columns:
                columns = _columns(line, cells)
                continue
            if line > MAX_ROWS:
                raise InvalidSource(line, f"there are more than {MAX_ROWS} lines; use several EntityMaps")
            if len(cells) != len(columns):
                raise InvalidSource(line, f"has {len(cells)} cells, but the first line names {len(columns)} columns")
            row = {column: cell.strip() for column, cell in zip(columns, cells, strict=True) if cell.strip()}
            if row.get("kind") not in _PARENTS:
                raise InvalidSource(line, f"kind must be league, team or player, not {row.get('kind', '')!r}")
            yield line, row
    except csv.Error as error:
        raise InvalidSource(reader.line_num, f"is not CSV: {error}") from None


def _columns(line: int, cells: Sequence[str]) -> list[str]:
    columns = [cell.strip() for cell in cells]
    missing = [name for name in _REQUIRED if name not in columns]
    unknown = [name for name in columns if name not in (*_REQUIRED, *_OPTIONAL)]
    if missing or unknown or len(set(columns)) != len(columns):
        wanted = ", ".join((*_REQUIRED, *_OPTIONAL))
        raise InvalidSource(line, f"the first line must name columns out of: {wanted}; kind, id and name must be there")
    return columns


def _merged(
    model: type[League | Team | Player],
    present: Sequence[League | Team | Player],
    rows: Sequence[tuple[int, Mapping[str, str]]],
    kind: str,
) -> list[dict[str, Any]]:
    entries: dict[str, dict[str, Any]] = {known.id: known.to_wire() for known in present}
    origin: dict[str, int] = {}
    for line, row in rows:
        if row["kind"] != kind:
            continue
        key = row.get("id", "")
        entry: dict[str, Any] = entries.setdefault(key, _entry(row, _PARENTS[kind]))
        origin[key] = line
        alias = _alias(row)
        if alias:
            entry["aliases"] = [*entry.get("aliases", []), alias]
    for key, line in origin.items():
        _refuse_invalid(model, entries[key], line)
    return list(entries.values())


def _entry(row: Mapping[str, str], parent: str | None) -> dict[str, Any]:
    entry: dict[str, Any] = {name: row[name] for name in ("id", "name") if name in row}
    if parent is not None and "parent" in row:
        entry[parent] = row["parent"]
    return entry


def _alias(row: Mapping[str, str]) -> dict[str, str]:
    names = {"alias_name": "name", "alias_id": "id", "provider": "provider", "protocol": "protocol"}
    alias = {field: row[column] for column, field in names.items() if column in row}
    return alias if "name" in alias or "id" in alias else {}


def _refuse_invalid(model: type[League | Team | Player], entry: dict[str, Any], line: int) -> None:
    try:
        model.model_validate(entry)
    except ValidationError as error:
        raise InvalidSource(line, str(faults_of(error, model)[0])) from None
