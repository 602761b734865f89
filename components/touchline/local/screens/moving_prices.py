"""The board of `touchline watch`: markets with their prices, coloured for a moment when they move."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from touchline.local.replica import Change, MarketView

FLASH_S = 1.5
WIDE = 130
"""Columns from which on the names of events and selections fit in, too."""
SHORT = 6
"""Length up to which a selection's id (`home`, `over`) stands for its name where there is little room."""
_STATUS = {"Open": "green", "Suspended": "yellow", "Closed": "dim", "Settled": "dim", "Cancelled": "dim"}


class MovingPrices:
    """Feed it changes; ask it for the board of a moment. `now` is any clock in seconds, the same for both."""

    def __init__(self, *, rows: int, width: int = WIDE) -> None:
        self.rows = rows
        self.width = width
        self.updates = 0
        self._views: dict[str, MarketView] = {}
        self._moved: dict[tuple[str, str], tuple[float, bool]] = {}
        self._touched: dict[str, float] = {}

    def take(self, change: Change, now: float) -> None:
        """One change of the replica."""
        view = change.view
        if change.kind == "gone":
            self._views.pop(view.id, None)
            self._touched.pop(view.id, None)
            return
        self.updates += 1
        fresh = view.id not in self._views
        self._views[view.id] = view
        self._touched[view.id] = 0.0 if fresh and change.kind == "state" else now
        for selection, (old, new) in change.moved.items():
            if old is not None and new is not None:
                self._moved[view.id, selection] = (now, float(new) > float(old))

    def board(self, now: float, *, connected: bool, url: str, error: str = "") -> RenderableType:
        """The table as of now: the markets that moved last, in the order of their ids."""
        self._moved = {key: moved for key, moved in self._moved.items() if now - moved[0] < FLASH_S}
        latest = sorted(self._touched, key=lambda market: (-self._touched[market], market))[: self.rows]
        rows = [(market, _status(self._views[market]), self._views[market]) for market in sorted(latest)]
        table = Table(box=None, pad_edge=False, header_style="bold")
        # Ids and status stay whole as long as they can: the prices give way.
        table.add_column("market", no_wrap=True, min_width=max((len(row[0]) for row in rows), default=6))
        if self.width >= WIDE:
            table.add_column("event", no_wrap=True, overflow="ellipsis", max_width=32)
        status_width = max((len(row[1]) for row in rows), default=6)
        table.add_column("status", no_wrap=True, overflow="ellipsis", min_width=min(status_width, self.width // 3))
        table.add_column("prices", no_wrap=True, overflow="ellipsis")
        for market, status, view in rows:
            event = [str((view.meta.get("event") or {}).get("name", ""))] if self.width >= WIDE else []
            table.add_row(market, *event, status, self._prices(view, now))
        hidden = len(self._views) - len(latest)
        foot = Text(f"{len(self._views)} markets, {self.updates} updates from {url}", style="dim")
        if hidden > 0:
            foot.append(f"; the {len(latest)} that moved last are shown")
        if not connected:
            foot = Text(f"not connected to {url}{': ' + error if error else ''}; trying again", style="bold red")
        return Group(table, foot)

    def _prices(self, view: MarketView, now: float) -> Text:
        line = Text()
        for selection, price in view.sel.items():
            if line:
                line.append("  ")
            name = selection if self.width < WIDE and len(selection) <= SHORT else name_of(view, selection)
            line.append(f"{name} ", style="dim")
            moved = self._moved.get((view.id, selection))
            if price is None:
                line.append("–", style="dim")
            elif moved is not None and now - moved[0] < FLASH_S:
                line.append(f"{price}{'▲' if moved[1] else '▼'}", style="bold green" if moved[1] else "bold red")
            else:
                line.append(price, style="" if view.status == "Open" else "dim")
        return line


def _status(view: MarketView) -> Text:
    return Text.assemble(
        (view.status, _STATUS.get(view.status, "")), (f" {reasons(view)}" if view.holds else "", "yellow")
    )


def name_of(view: MarketView, selection: str) -> str:
    """How a person calls a selection."""
    names = view.meta.get("names") or {}
    return str(names.get(selection) or selection)


def reasons(view: MarketView) -> str:
    """Why a market is shut, in the words of the vocabulary."""
    return ", ".join(str(hold.get("reason", "")) for hold in view.holds)


def line_of(change: Change) -> str:
    """One change as one line, for pipes and files."""
    view = change.view
    if change.kind == "gone":
        return f"{view.id} gone"
    parts = [f"{view.id} {change.version} {change.status}"]
    if change.kind == "state" and not change.was:
        parts += [f"{name}={price or '-'}" for name, price in view.sel.items()]
    else:
        parts += [f"{name}={new or '-'}" for name, (_, new) in change.moved.items()]
    if change.status == "Suspended" and view.holds:
        parts.append(f"({reasons(view)})")
    return " ".join(parts)
