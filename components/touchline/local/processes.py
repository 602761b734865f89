"""What to run for one engine: command lines, environments and order, from plain values. No I/O."""

import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from touchline.local import credentials
from touchline.local.supervisor import ProcessSpec

SERVERS, SIMULATORS, ENGINE, DOOR = range(4)
"""Stages: stops go from the door inwards."""

_UNWANTED = frozenset({"PYTHONDONTWRITEBYTECODE"})
"""With it every process would compile every module at every start."""

Ready = Callable[[float], Awaitable[bool]]


@dataclass(frozen=True)
class Wiring:
    """What every component process is told (the names of `touchline.bus.settings`)."""

    nats_url: str
    redis_url: str
    secrets_dir: Path
    passwords: Mapping[str, str]
    log_level: str
    base_env: Mapping[str, str]

    def env(self, user: str, node: str) -> dict[str, str]:
        """The environment of one process: the caller's without `TOUCHLINE_*`, then ours."""
        inherited = {
            key: value
            for key, value in self.base_env.items()
            if not key.startswith("TOUCHLINE_") and key not in _UNWANTED
        }
        return inherited | {
            "PYTHONUNBUFFERED": "1",
            "TOUCHLINE_NATS_URL": self.nats_url,
            "TOUCHLINE_NATS_USER": user,
            "TOUCHLINE_NATS_PASSWORD": self.passwords[user],
            "TOUCHLINE_REDIS_URL": self.redis_url,
            "TOUCHLINE_SECRETS_DIR": str(self.secrets_dir),
            "TOUCHLINE_NODE": node,
            "TOUCHLINE_LOG_LEVEL": self.log_level,
            "TOUCHLINE_BETS_SYNC": "always",
        }


def ingest(wiring: Wiring, provider: str, ready: Ready) -> ProcessSpec:
    """The reception of one provider."""
    return ProcessSpec(
        name=ingest_name(provider),
        argv=(sys.executable, "-m", "touchline.ingest", "--provider", provider),
        env=wiring.env(credentials.ingest_user(provider), provider),
        stage=ENGINE,
        ready=ready,
    )


def ingest_name(provider: str) -> str:
    return f"ingest-{provider}"


def book(wiring: Wiring, node: str, ready: Ready) -> ProcessSpec:
    """One candidate for every shard."""
    return ProcessSpec(
        name=node,
        argv=(sys.executable, "-m", "touchline.book", "--node", node),
        env=wiring.env(credentials.BOOK, node),
        stage=ENGINE,
        ready=ready,
    )


RECORDER = "recorder"


def recorder(wiring: Wiring, shards: int, ready: Ready) -> ProcessSpec:
    """The audit log's writer."""
    return ProcessSpec(
        name=RECORDER,
        argv=(sys.executable, "-m", "touchline.recorder", "--shards", str(shards)),
        env=wiring.env(credentials.RECORDER, RECORDER),
        stage=ENGINE,
        ready=ready,
    )


DRAIN_S = 1.0
"""What the gateway gives its clients at the end: on one machine there is no other gateway that they would have to spread over."""


def gateway(wiring: Wiring, node: str, host: str, port: int, tls_secret: str, ready: Ready) -> ProcessSpec:
    """The door for bettors; plain where no Secret with its certificate is named."""
    tls = ("--tls-secret", tls_secret) if tls_secret else ()
    where = ("--host", host, "--port", str(port), "--drain-at-most", str(DRAIN_S))
    return ProcessSpec(
        name=node,
        argv=(sys.executable, "-m", "touchline.gateway", "--node", node, *where, *tls),
        env=wiring.env(credentials.GATEWAY, node),
        stage=DOOR,
        ready=ready,
    )
