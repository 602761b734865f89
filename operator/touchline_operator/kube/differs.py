"""Whether a live object still says what was planned. Pure.

The API server fills in defaults and others add fields of their own, so a plan is kept as long as it is *contained* in what is live. Lists
of named things are compared by name, so that a container or port that somebody else added changes nothing; other lists are compared
whole. That something was in the last plan and is not in this one shows in the plan's hash, which is part of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

_NAMES = ("name", "containerPort", "mountPath", "uid", "port", "topologyKey", "key")
"""Fields that make an entry of a list itself, the first that all entries have."""


_AMOUNTS = frozenset({"cpu", "memory", "storage", "sizeLimit", "averageValue"})
_PARTS = re.compile(r"([0-9]+(?:\.[0-9]+)?)(m|k|M|G|T|Ki|Mi|Gi|Ti)?")
_UNITS = {
    "m": Decimal("0.001"),
    "": Decimal(1),
    **{unit: Decimal(1000) ** power for power, unit in enumerate(("k", "M", "G", "T"), 1)},
    **{unit: Decimal(1024) ** power for power, unit in enumerate(("Ki", "Mi", "Gi", "Ti"), 1)},
}


def difference(planned: Any, live: Any, path: str = "") -> str | None:
    """The path of the first planned value that is not live; None: all of them are."""
    if isinstance(planned, Mapping):
        if not isinstance(live, Mapping):
            return None if not planned and live is None else path or "."
        for name, value in planned.items():
            found = difference(value, live.get(name), f"{path}.{name}")
            if found is not None:
                return found
        return None
    if isinstance(planned, Sequence) and not isinstance(planned, str):
        return _in_list(planned, live, path)
    # An empty value and an absent one are one to the API server.
    if planned == live or _same_amount(planned, live, path) or (planned in ("", 0, False, None) and live is None):
        return None
    return path or "."


def _same_amount(planned: Any, live: Any, path: str) -> bool:
    """Whether two quantities are the same: the API server writes 10000 as 10k and 1024Mi as 1Gi."""
    if path.rpartition(".")[2] not in _AMOUNTS or not isinstance(planned, str) or not isinstance(live, str):
        return False
    amounts = [_PARTS.fullmatch(text) for text in (planned, live)]
    if None in amounts:
        return False
    one, other = (Decimal(parts[1]) * _UNITS[parts[2] or ""] for parts in amounts if parts is not None)
    return one == other


def _in_list(planned: Sequence[Any], live: Any, path: str) -> str | None:
    if live is None:
        return None if not planned else path
    if not isinstance(live, Sequence) or isinstance(live, str):
        return path
    naming = _naming(planned, live)
    if naming is None:
        if len(planned) != len(live):
            return path
        pairs = list(zip(planned, live, strict=True))
    else:
        by_name = {entry[naming]: entry for entry in live}
        pairs = [(entry, by_name.get(entry[naming])) for entry in planned]
    for number, (wanted, found) in enumerate(pairs):
        different = difference(wanted, found, f"{path}[{number}]")
        if different is not None:
            return different
    return None


def _naming(planned: Sequence[Any], live: Sequence[Any]) -> str | None:
    """The field by which entries of both lists are told apart."""
    entries = [*planned, *live]
    if not planned or not all(isinstance(entry, Mapping) for entry in entries):
        return None
    for name in _NAMES:
        if all(name in entry for entry in entries):
            for side in (planned, live):
                values = [entry[name] for entry in side]
                if any(values.count(value) > 1 for value in values):
                    break
            else:
                return name
    return None
