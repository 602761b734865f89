"""`touchline status` for people: one line a process, with what matters of what it says of itself."""

from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from touchline.local.screens.explanation import duration

Json = dict[str, Any]


def standing(found: Json) -> RenderableType:
    """The whole engine: gateway, processes, traders' halts."""
    ready = ("ready", "bold green") if found["ready"] else ("not ready", "bold red")
    parts: list[RenderableType] = [
        Text.assemble(f"{found['gateway']} is ", ready, f", up for {duration(found['uptime'] * 1_000_000)}")
    ]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("process", "pid", "state", "says"):
        table.add_column(column, overflow="fold")
    components = found["components"]
    for name, pid in found["processes"].items():
        state, says = _said(name, components)
        table.add_row(name, str(pid), state, says)
    parts.append(table)
    for halt in found["halts"]:
        note = f": {halt['note']}" if halt.get("note") else ""
        what = "everything" if halt["scope"] == "all" else f"{halt['scope']} {halt['id']}"
        parts.append(Text(f"halted: {what}, by {halt['by']}{note}", "yellow"))
    return Group(*parts)


def _said(process: str, components: dict[str, Json]) -> tuple[Text, str]:
    role, _, rest = process.partition("-")
    match role:
        case "ingest" if f"ingest.{rest}" in components:
            return _ingest(components[f"ingest.{rest}"])
        case "book" if f"book.{process}" in components:
            return _book(components[f"book.{process}"])
        case "gateway" if f"gateway.{process}" in components:
            return _gateway(components[f"gateway.{process}"])
        case "recorder" if f"recorder.{process}" in components:
            return _recorder(components[f"recorder.{process}"])
        case _:
            return Text("runs"), ""


def _ingest(document: Json) -> tuple[Text, str]:
    state = str(document["state"])
    health, frames = document.get("health") or {}, document.get("frames") or {}
    says = [str(document.get("detail") or "")]
    if health:
        says.append(f"{health['messagesPerSecond']} messages/s")
        if health["delayP99Us"] >= 0:
            says.append(f"delay p99 {duration(health['delayP99Us'])}")
        says += [f"{health[key]} {key}" for key in ("gaps", "disconnects") if health[key]]
    if frames.get("quarantined"):
        says.append(f"{frames['quarantined']} quarantined")
    says += [f"beyond {name}" for name in health.get("breaches", [])]
    return Text(state, "green" if state == "Connected" else "yellow"), ", ".join(part for part in says if part)


def _book(document: Json) -> tuple[Text, str]:
    leads = document.get("leads") or []
    says = []
    if leads:
        markets = ", ".join(f"{number} {status}" for status, number in (document.get("markets") or {}).items())
        says.append(f"shards {', '.join(map(str, leads))}; markets: {markets or 'none'}")
    holds = ", ".join(f"{reason} {number}" for reason, number in (document.get("holds") or {}).items())
    if holds:
        says.append(f"holds: {holds}")
    if leads and (accepted := (document.get("bets") or {}).get("Accepted")):
        says.append(f"{accepted} bets accepted")
    waiting = document.get("waitingFor")
    if waiting:
        return Text("waits", "yellow"), str(waiting)
    return (Text("leads", "green") if leads else Text("stands by")), "; ".join(says)


def _gateway(document: Json) -> tuple[Text, str]:
    state = Text("serves", "green") if document.get("ready") else Text("not ready", "yellow")
    return state, f"{document.get('connections', 0)} connections, {document.get('markets', 0)} markets"


def _recorder(document: Json) -> tuple[Text, str]:
    if not document.get("recording"):
        return Text("waits", "yellow"), str(document.get("waitingFor") or "")
    says = f"{document.get('entries', 0)} prices and decisions since it began"
    lost = document.get("lastBreak")
    return Text("records", "green"), f"{says}; missed {lost}" if lost else says
