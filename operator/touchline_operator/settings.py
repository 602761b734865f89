"""What the operator's own process is told, by options or environment."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class OperatorSettings:
    """`namespaces` empty: all. `identity` is this replica's name in the Lease, different for each process.

    `lease_namespace` is where the operator itself lives; `port` serves probes and metrics, 0 is any free one.
    """

    namespaces: tuple[str, ...] = ()
    lease_namespace: str = "touchline-system"
    lease_name: str = "touchline-operator"
    identity: str
    image: str = "touchline:dev"
    kubeconfig: str | None = None
    host: str = "0.0.0.0"
    port: int = 8081
    workers: int = 8
