"""Providers that the built-in simulator serves: which processes that takes, and what the engine is told instead.

Providers of one group are served by one process, so that they show the same matches in their own words. A simulated provider's
resource is written to the engine with the simulator's address and certificate authority in place of the real ones; everything
else in it stays as declared, so the engine speaks the real protocol over TLS to somebody who is not the provider.
"""

import copy
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace

from touchline.local import processes
from touchline.local.declared import Declared, Document, Simulated
from touchline.local.probe import status_of
from touchline.local.servers import free_port
from touchline.local.state_dir import StateDir
from touchline.local.supervisor import ProcessSpec

CA_KEY = "ca.crt"
_HOST = "127.0.0.1"


@dataclass(frozen=True)
class Simulator:
    """One process. `ports` by provider, sorted; `control` is its HTTP port for faults."""

    name: str
    what: str
    ports: tuple[tuple[str, int], ...]
    control: int

    @property
    def secret(self) -> str:
        """The Secret (a folder that the process itself writes) with its certificate authority."""
        return self.name


class Simulators:
    """Plans for one engine; a provider keeps its port for as long as the engine runs."""

    def __init__(self, state: StateDir, *, port: Callable[[], int] = free_port) -> None:
        self._state = state
        self._port = port
        self._ports: dict[str, int] = {}

    def plan(self, declared: Declared) -> list[Simulator]:
        """The processes that serve a declaration's simulated providers, by name.

        That one group asks for one content was checked when the files were loaded (touchline.api.simulated).
        """
        groups: dict[tuple[str, str], list[str]] = {}
        for provider, how in sorted(declared.simulated.items()):
            groups.setdefault(_process(provider, how), []).append(provider)
        return [
            Simulator(
                name,
                what,
                tuple((provider, self._port_of(provider)) for provider in providers),
                self._port_of(f"{name} control"),
            )
            for (name, what), providers in sorted(groups.items())
        ]

    def told(self, declared: Declared) -> Declared:
        """The declaration as the engine is told it."""
        config = dict(declared.config)
        for simulator in self.plan(declared):
            for provider, port in simulator.ports:
                key = f"FeedProvider.{provider}"
                config[key] = _redirected(config[key], port, simulator.secret)
        return replace(declared, config=config)

    def spec(self, simulator: Simulator) -> ProcessSpec:
        """How a simulator is run."""
        argv = [sys.executable, "-m", "touchline.sim"]
        for provider, port in simulator.ports:
            argv += ["--serve", f"{provider}={port}"]
        if simulator.what.startswith("recording:"):
            argv += ["--recording", simulator.what.partition(":")[2].strip()]
        argv += ["--control", str(simulator.control), "--ca-out", str(self._state.secrets / simulator.secret)]

        async def ready(_born: float) -> bool:
            return await status_of(f"http://{_HOST}:{simulator.control}/faults") == 200

        env = {key: value for key, value in os.environ.items() if not key.startswith("TOUCHLINE_")}
        return ProcessSpec(
            simulator.name, tuple(argv), env | {"PYTHONUNBUFFERED": "1"}, processes.SIMULATORS, ready, "WARNING"
        )

    def _port_of(self, name: str) -> int:
        if name not in self._ports:
            self._ports[name] = self._port()
        return self._ports[name]


def _process(provider: str, how: Simulated) -> tuple[str, str]:
    """Name of the process that serves a provider, and what it serves."""
    return f"sim-{how.group or provider}", how.what


def _redirected(document: Document, port: int, secret: str) -> Document:
    changed = copy.deepcopy(document)
    block = changed["spec"]["betfairStream"]
    block["endpoint"] = f"{_HOST}:{port}"
    block["tls"] = {"mode": "Verify", "caSecretRef": {"name": secret, "key": CA_KEY}}
    return changed
