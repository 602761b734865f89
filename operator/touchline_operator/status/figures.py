"""Figures of a status, rounded and held steady so that a quiet engine's status does not change all the time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from touchline.api import Duration

Figures = dict[str, Any]


def significant(value: int, digits: int = 2) -> int:
    """A count to so many significant digits."""
    size = len(str(abs(value)))
    step = int(10 ** max(0, size - digits))
    return value // step * step


def duration(micros: Any) -> str | None:
    """Microseconds as a duration of two significant digits and at least a millisecond; None where there is no figure."""
    if not isinstance(micros, int) or micros < 0:
        return None
    return Duration.of(significant(micros) // 1000 * 1000).text


def steady_duration(before: Any, micros: Any, *, within_us: int = 5_000) -> str | None:
    """A measured time that wavers: as it was told before while it is within a quarter, or `within_us` microseconds, of that."""
    now = duration(micros)
    if now is None or not isinstance(before, str):
        return now
    try:
        told = Duration(before).micros
    except ValueError:
        return now
    return before if abs(micros - told) <= max(within_us, told // 4) else now


def steady(before: Any, value: int | None, *, within: int = 2) -> int | None:
    """A rate that wavers, with two significant digits: as it was told before while it is within a quarter, or `within`, of that."""
    if value is None:
        return None
    close = isinstance(before, int) and abs(value - before) <= max(within, before // 4)
    return before if close else significant(value)


def kept(before: Mapping[str, Any], names: Iterable[str]) -> Figures:
    """Figures as they were told before: what still holds while it is not known yet whether it does."""
    return {name: before[name] for name in names if before.get(name) is not None}


def percent(ppm: Any) -> str | None:
    """Parts per million as percent with two decimals."""
    if not isinstance(ppm, int) or ppm < 0:
        return None
    hundredths = min(ppm, 1_000_000) // 100
    return f"{hundredths // 100}.{hundredths % 100:02d}"


def whole(document: Mapping[str, Any], *path: str) -> int | None:
    """A count somewhere in a document; None where it is absent."""
    value: Any = document
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def present(figures: Figures) -> Figures:
    """Figures without those that are not known."""
    return {name: value for name, value in figures.items() if value is not None}
