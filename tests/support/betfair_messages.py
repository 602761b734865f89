"""Hand-made Betfair stream messages, written from the format's facts: what tests use where no recording is at hand."""

import json
from typing import Any

Part = dict[str, Any]


def line(**message: Any) -> bytes:
    return json.dumps(message).encode()


def mcm(
    *changes: Part, pt: int | None = 1_000_000, ct: str | None = None, clk: str | None = "c1", **more: Any
) -> bytes:
    """A change message; `ct` absent: a delta."""
    message: Part = {"op": "mcm", "clk": clk}
    if pt is not None:
        message["pt"] = pt
    if ct is not None:
        message["ct"] = ct
    if changes:
        message["mc"] = list(changes)
    return line(**message, **more)


def heartbeat(pt: int = 1_000_000, **more: Any) -> bytes:
    return mcm(pt=pt, ct="HEARTBEAT", **more)


def change(market: str, *runners: Part, definition: Part | None = None, **more: Any) -> Part:
    part: Part = {"id": market, **more}
    if definition is not None:
        part["marketDefinition"] = definition
    if runners:
        part["rc"] = list(runners)
    return part


def runner(selection: int, **ladders: Any) -> Part:
    return {"id": selection, **ladders}


def definition(
    *selections: int, status: str = "OPEN", in_play: bool = False, version: int = 1, event: str = "29", **more: Any
) -> Part:
    """A market definition of `selections` (1 and 2 if none are named), all active."""
    return {
        "bspMarket": False,
        "turnInPlayEnabled": True,
        "persistenceEnabled": True,
        "marketBaseRate": 5,
        "eventId": event,
        "eventTypeId": "1",
        "numberOfWinners": 1,
        "bettingType": "ODDS",
        "marketType": "MATCH_ODDS",
        "marketTime": "2026-03-01T15:00:00.000Z",
        "suspendTime": "2026-03-01T15:00:00.000Z",
        "bspReconciled": False,
        "complete": True,
        "inPlay": in_play,
        "crossMatching": True,
        "runnersVoidable": False,
        "numberOfActiveRunners": len(selections or (1, 2)),
        "betDelay": 5 if in_play else 0,
        "status": status,
        "runners": [
            {"status": "ACTIVE", "sortPriority": place, "id": selection}
            for place, selection in enumerate(selections or (1, 2), 1)
        ],
        "regulators": ["MR_INT"],
        "countryCode": "GB",
        "discountAllowed": True,
        "timezone": "GMT",
        "openDate": "2026-03-01T15:00:00.000Z",
        "version": version,
        **more,
    }


def image(
    market: str = "1.1", *, event: str = "29", version: int = 1, price: float = 2.0, status: str = "OPEN"
) -> Part:
    """A market of two runners, both at one price."""
    levels = [[price, 10], [round(price - 0.02, 2), 20]]
    lays = [[round(price + 0.02, 2), 10]]
    return change(
        market,
        runner(1, atb=levels, atl=lays),
        runner(2, atb=levels, atl=lays),
        definition=definition(event=event, version=version, status=status),
        img=True,
    )
