"""Simulators on free loopback ports, and adapters that connect to them."""

from pathlib import Path
from typing import Any

from touchline.domain.status import ProviderStatus
from touchline.feeds.backoff import Backoff
from touchline.feeds.betfair.adapter import BetfairAdapter
from touchline.feeds.betfair.options import BetfairOptions, Credentials, Endpoint, Subscription
from touchline.sim.server import Simulator, SimulatorOptions

MEANS = {"OPEN": ProviderStatus.OPEN, "SUSPENDED": ProviderStatus.SUSPENDED, "CLOSED": ProviderStatus.SETTLED}
Books = dict[str, tuple[ProviderStatus, dict[str, int]]]


def simulator(*names: str, recording: Path | None = None, **more: Any) -> Simulator:
    options = {"fixtures": 3, "seed": 7, "tempo": 60.0} | more
    return Simulator(SimulatorOptions(serve=dict.fromkeys(names or ("betfair-a",), 0), recording=recording, **options))


def adapter(
    sim: Simulator, name: str = "betfair-a", *, session: str = "token", ca_pem: str | None = None, **criteria: Any
) -> BetfairAdapter:
    """An adapter of one of a simulator's providers; it trusts the simulator's authority."""
    trusted = sim.certificates.ca_pem if ca_pem is None else ca_pem
    return BetfairAdapter(
        BetfairOptions(
            Endpoint("127.0.0.1", sim.ports[name], tls=sim.options.tls, ca_pem=trusted),
            Credentials("key", session, "test-secret"),
            Subscription(**{"heartbeat_ms": 500, **criteria}),
        ),
        backoff=Backoff(first_us=20_000, cap_us=200_000),
    )


def truth(sim: Simulator, name: str = "betfair-a") -> Books:
    """What a simulated provider says now, in the shape of `feed_outputs.Reader.books`."""
    markets = sim.state()["providers"][name]["markets"]
    return {
        market: (MEANS[said["status"]], {runner: round(price * 1e6) for runner, price in said["best"].items()})
        for market, said in markets.items()
    }
