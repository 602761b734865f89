"""`touchline explain` for people: the document of a market (`GET /v1/markets/{id}`) as sentences and one table.

Its `detail` is the leader's own explanation (`touchline.book.explain`). Where no leader answers there is none: then what the
gateway was told last is shown, and that is said.
"""

from datetime import UTC, datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

Json = dict[str, Any]

_STATUS = {"Open": "bold green", "Suspended": "bold yellow"}
SHOWN_TRANSITIONS = 8


def explanation(market: Json) -> RenderableType:
    """Everything about one market: what it is, why, from whom, how fresh, and what happened last."""
    parts: list[RenderableType] = [_headline(market)]
    document = market.get("detail")
    causes = document.get("holds", []) if document else market.get("holds", [])
    parts += [_hold(hold) for hold in causes]
    if market.get("status") == "Suspended" and document:
        known = {hold["reason"] for hold in causes}
        parts += [_hold(hold) for hold in market.get("holds", []) if hold["reason"] not in known]
    if not document:
        parts.append(_prices({"prices": market.get("sel")}))
        parts.append(Text("no leader of the shard answers: this is what the gateway was told last", "yellow"))
        return Group(*parts)
    parts += [_review(entry) for entry in document.get("review", [])]
    if document.get("coolDownLeftUs"):
        parts.append(Text(f"  cool-down: {duration(document['coolDownLeftUs'])} left", "yellow"))
    parts.append(_source(document))
    parts.append(_class(document))
    parts += [Text(f"not acted on: {text}", "bold yellow") for text in document.get("notActedOn") or ()]
    parts.append(_prices(document))
    if document.get("providers"):
        parts.append(_providers(document))
    missing = document.get("notOfferedBy") or []
    if missing:
        parts.append(Text(f"not offered by: {', '.join(missing)}", "dim"))
    transitions = document.get("transitions", [])[-SHOWN_TRANSITIONS:]
    if transitions:
        parts.append(Text("what happened last", "bold"))
        parts += [Text(f"  {clock(entry['at'])}  {entry['what']}  ({entry['because']})") for entry in transitions]
    return Group(*parts)


def _headline(market: Json) -> Text:
    status = market.get("status", "?")
    meta = market.get("meta") or {}
    event = meta.get("event") or {}
    where = "  ".join(str(part) for part in (event.get("name"), meta.get("league")) if part)
    phase = "in play" if meta.get("phase") == "InPlay" else "before the start"
    return Text.assemble(
        (str(market.get("id")), "bold"),
        f"  {where}  ",
        (status, _STATUS.get(status, "bold")),
        f"  {phase}",
        (f"  version {market.get('version')}", "dim"),
    )


def _hold(hold: Json) -> Text:
    return Text.assemble(
        "  ",
        (hold["reason"], "yellow"),
        f"  {hold.get('detail') or ''}  ",
        (f"since {clock(hold['since'])}, {hold.get('cause', '')}", "dim"),
    )


def _review(entry: Json) -> Text:
    what = f" of {entry['selection']}" if entry.get("selection") else ""
    return Text(f"  waits for a trader{what}: {entry['detail']}; `touchline resume market …` ends it", "yellow")


def _source(document: Json) -> Text:
    serving = document.get("serving") or {}
    if not serving.get("provider"):
        return Text(f"price from nobody: {serving.get('why') or 'no provider is fit to serve'}", "yellow")
    return Text.assemble(
        "price from ", (serving["provider"], "bold"), f" since {clock(serving['since'])}: {serving.get('why') or ''}"
    )


def _class(document: Json) -> Text:
    found = document.get("class") or {}
    if not found.get("name"):
        return Text(f"in no Market class: {found.get('why') or 'none selects it'}", "yellow")
    policy = (document.get("policy") or {}).get("name") or "none"
    delay = document.get("betDelayUs") or 0
    wait = f", bets wait {duration(delay)}" if delay else ""
    return Text(f"class {found['name']} ({found['model']}, policy {policy}{wait})")


def _prices(document: Json) -> Text:
    line = Text("prices ")
    blocked = document.get("blockedSelections") or {}
    for selection, price in (document.get("prices") or {}).items():
        line.append(f" {selection} ", "dim")
        line.append(price or "–", "bold" if price else "dim")
        if selection in blocked:
            line.append(f" ({'; '.join(entry['detail'] for entry in blocked[selection])})", "yellow")
    return line


def _providers(document: Json) -> Table:
    serving = (document.get("serving") or {}).get("provider")
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("provider", "fit", "says", "age", "silence", "delay", "prices", "why"):
        table.add_column(column, overflow="fold")
    for provider in document["providers"]:
        fresh = provider.get("freshness") or {}
        prices = "  ".join(f"{key} {entry.get('text') or '–'}" for key, entry in (provider.get("prices") or {}).items())
        why = [] if provider.get("fit") else [provider.get("why")]
        why += [] if fresh.get("fresh") else [fresh.get("why"), fresh.get("stateDetail")]
        why += [(provider.get("sync") or {}).get("detail")]
        table.add_row(
            Text(provider["provider"], "bold" if provider["provider"] == serving else ""),
            Text("yes", "green") if provider.get("fit") else Text("no", "red"),
            str(provider.get("status", "")),
            _bounded(fresh, "ageUs", "maxAgeUs"),
            _bounded(fresh, "silenceUs", "maxSilenceUs"),
            _bounded(fresh, "delayUs", "maxDelayUs"),
            prices,
            "; ".join(dict.fromkeys(reason for reason in why if reason)),
        )
    return table


def _bounded(figures: Json, value: str, bound: str) -> Text:
    """`120ms of 800ms`, red where it is beyond."""
    figure, limit = figures.get(value), figures.get(bound)
    if figure is None:
        return Text("unknown", "dim")
    over = limit is not None and figure > limit
    return Text(f"{duration(figure)}{f' of {duration(limit)}' if limit is not None else ''}", "red" if over else "")


def duration(micros: int) -> str:
    """Microseconds for people: `850µs`, `120ms`, `3.2s`, `12m`."""
    if micros < 1000:
        return f"{micros}µs"
    if micros < 1_000_000:
        return f"{micros // 1000}ms"
    if micros < 120_000_000:
        return f"{micros / 1e6:.1f}s"
    return f"{micros // 60_000_000}m"


def clock(epoch_us: int) -> str:
    """A moment as local time with milliseconds."""
    moment = datetime.fromtimestamp(epoch_us / 1e6, UTC).astimezone()
    return moment.strftime("%H:%M:%S.") + f"{moment.microsecond // 1000:03}"
