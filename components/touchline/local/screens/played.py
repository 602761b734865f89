"""The end of `touchline replay`: what became of every message and every market."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from touchline.local.replaying import Played

SHOWN_MARKETS = 20


def summary(played: Played) -> RenderableType:
    """Counts, then the markets with their last prices (the first of them, where there are many)."""
    frames, updates = played.frames, played.updates
    counts = Table(box=None, pad_edge=False, show_header=False)
    counts.add_column(style="bold")
    counts.add_column(justify="right")
    counts.add_column(style="dim")
    rate = frames.get("captured", 0) / played.seconds if played.seconds else 0
    counts.add_row("messages", str(frames.get("captured", 0)), f"in {played.seconds:.1f} s, {rate:,.0f} a second")
    for key, table in (("accepted", ""), ("quarantined", "quarantined_by_rule"), ("ignored", "ignored_by_rule")):
        counts.add_row(f"  {key}", str(frames.get(key, 0)), _by(frames.get(table)))
    counts.add_row("updates", str(updates.get("received", 0)), _by(updates.get("refusals")))
    counts.add_row("markets", str(len(played.markets)), _by(played.by_status))
    return Group(counts, Text(), _markets(played))


def _by(table: object) -> str:
    return ", ".join(f"{key} {number}" for key, number in table.items()) if isinstance(table, dict) else ""


def _markets(played: Played) -> RenderableType:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("market", "event", "status", "last prices"):
        table.add_column(column, overflow="fold")
    for market, entry in list(played.markets.items())[:SHOWN_MARKETS]:
        names = entry.get("names") or {}
        prices = "  ".join(f"{names.get(key, key)} {price or '–'}" for key, price in entry["sel"].items())
        status = entry["status"] + (f" ({', '.join(entry['holds'])})" if entry["holds"] else "")
        table.add_row(market, str(entry.get("event") or ""), status, prices)
    more = len(played.markets) - SHOWN_MARKETS
    return Group(table, Text(f"… and {more} more; --json has them all", "dim")) if more > 0 else table
