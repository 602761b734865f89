"""One measured figure, and how a set of runs becomes one."""

import statistics
from collections.abc import Sequence
from typing import TypedDict


class Row(TypedDict):
    """`ratio` is median / reference where there is a reference; `bar` is what the ratio (or else the median) must keep, as text."""

    name: str
    median: float
    spread: float
    unit: str
    reference: str
    ratio: float | None
    bar: str
    holds: bool | None


def row(
    name: str,
    values: Sequence[float],
    unit: str,
    *,
    reference: str = "",
    ratio: float | None = None,
    at_most: float | None = None,
    at_least: float | None = None,
) -> Row:
    """A row from the values of several runs: their median, and half the distance between the outer two as spread.

    A bar is put on the ratio where there is one, else on the median.
    """
    median = statistics.median(values)
    judged = median if ratio is None else ratio
    bar, holds = "", None
    if at_most is not None:
        bar, holds = f"<= {at_most:g}", judged <= at_most
    if at_least is not None:
        bar, holds = f">= {at_least:g}", judged >= at_least
    return Row(
        name=name,
        median=round(median, 4),
        spread=round((max(values) - min(values)) / 2, 4),
        unit=unit,
        reference=reference,
        ratio=None if ratio is None else round(ratio, 3),
        bar=bar,
        holds=holds,
    )


def skipped(name: str, why: str) -> Row:
    """A figure that could not be taken on this machine, and why."""
    return Row(name=name, median=0.0, spread=0.0, unit="skipped", reference=why, ratio=None, bar="", holds=None)
