"""Faults of an engine's simulated providers, through the simulators' control ports (`touchline.sim.control`)."""

from typing import Any

import httpx

from support.engine import Engine


async def inject(engine: Engine, kind: str, provider: str = "", **more: Any) -> None:
    """Begin a fault on one provider, or on all; it lasts until `clear` if no `for` is given."""
    async with httpx.AsyncClient(trust_env=False, timeout=10) as http:
        for port in engine.record.simulators.values():
            body = {"kind": kind, "provider": provider, **more}
            (await http.post(f"http://127.0.0.1:{port}/faults", json=body)).raise_for_status()


async def clear(engine: Engine) -> None:
    """End all faults."""
    async with httpx.AsyncClient(trust_env=False, timeout=10) as http:
        for port in engine.record.simulators.values():
            (await http.delete(f"http://127.0.0.1:{port}/faults")).raise_for_status()


async def hits(engine: Engine) -> int:
    """How many messages the faults in force have touched."""
    found = 0
    async with httpx.AsyncClient(trust_env=False, timeout=10) as http:
        for port in engine.record.simulators.values():
            faults = (await http.get(f"http://127.0.0.1:{port}/faults")).json()["faults"]
            found += sum(fault["hits"] for fault in faults)
    return found
