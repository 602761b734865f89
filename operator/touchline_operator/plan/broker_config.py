"""nats.conf of the managed brokers: users with the least that they need, JetStream that syncs before it answers, TLS everywhere.

The values are JSON, which the server's format includes. The same table of permissions holds in local mode (`touchline.local.credentials`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from touchline.api.v1alpha1.odds_engine import ManagedNats
from touchline.local.credentials import User, users
from touchline_operator.plan.wiring import MONITOR_PORT, NATS_PORT, ROUTES_PORT, Wiring

TLS_DIR = "/etc/nats/tls"
STORE_DIR = "/data/jetstream"
PID_FILE = "/run/nats/nats.pid"
NAME_VARIABLE = "POD_NAME"
USABLE = 90
"""Percent of the volume that streams may fill: the server writes blocks before it deletes old ones."""


def broker_users(wiring: Wiring, providers: Sequence[str]) -> list[User]:
    """Every user of the engine's brokers; who has no password yet is left out, so that nobody gets in without one."""
    passwords = wiring.material.passwords
    everybody = users(
        shards=wiring.spec.spec.shards, providers=providers, password=lambda name: passwords.get(name, "")
    )
    return [user for user in everybody if user.password]


def broker_config(wiring: Wiring, managed: ManagedNats, providers: Sequence[str]) -> str:
    """The text of nats.conf, the same for every server."""
    tls = {"cert_file": f"{TLS_DIR}/tls.crt", "key_file": f"{TLS_DIR}/tls.key", "ca_file": f"{TLS_DIR}/ca.crt"}
    settings: dict[str, Any] = {
        "host": "0.0.0.0",
        "port": NATS_PORT,
        "http_port": MONITOR_PORT,
        "pid_file": PID_FILE,
        "max_payload": 4 << 20,
        "write_deadline": "2s",
        "no_fast_producer_stall": True,
        "tls": tls,
        "jetstream": {
            "store_dir": STORE_DIR,
            "sync_interval": "always",
            "max_file_store": managed.storage.size.octets * USABLE // 100,
            "max_memory_store": 1 << 30,
        },
        "authorization": {"users": [user.entry() for user in broker_users(wiring, providers)]},
    }
    if managed.replicas > 1:
        namespace, name, password = wiring.engine.key.namespace, wiring.nats_name, wiring.material.routes_password
        settings["cluster"] = {
            "name": wiring.name,
            "host": "0.0.0.0",
            "port": ROUTES_PORT,
            "authorization": {"user": "routes", "password": password, "timeout": 2},
            "tls": {**tls, "verify": True},
            "routes": [
                f"nats://routes:{password}@{name}-{number}.{name}.{namespace}.svc:{ROUTES_PORT}"
                for number in range(managed.replicas)
            ],
        }
    lines = [f"{name}: {json.dumps(value, indent=1, sort_keys=True)}\n" for name, value in sorted(settings.items())]
    # The name comes from the environment: with one on the command line the server refuses to read its configuration again.
    return f"server_name: ${NAME_VARIABLE}\n" + "".join(lines)
