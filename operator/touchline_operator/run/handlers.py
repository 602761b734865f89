"""Kopf's side: which objects are watched. Each handler hands on what it is given; nothing is decided here.

Kopf is not asked to remember anything: no finalizers, no annotations, no peering, no events of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import kopf
from kopf._cogs.structs.references import Selector

from touchline_operator.kube.access import Access
from touchline_operator.run.sweep import LABELS
from touchline_operator.world.keys import CHILD_PLACES, CUSTOM_PLACES, Manifest, Place
from touchline_operator.world.observed import Capabilities

Take = Callable[[str, Manifest, bool], None]
"""Kind, the object, and whether it was deleted."""


def settings() -> kopf.OperatorSettings:
    """Kopf as quiet and as quick to come back as it can be."""
    chosen = kopf.OperatorSettings()
    chosen.posting.enabled = False
    chosen.peering.standalone = True
    chosen.scanning.disabled = True
    chosen.watching.server_timeout = 300
    chosen.watching.client_timeout = 330
    chosen.watching.connect_timeout = 5
    chosen.watching.reconnect_backoff = 0.1
    chosen.networking.connect_timeout = 5
    chosen.networking.request_timeout = 30
    # After a restart of the API server the watches must be back in seconds, not minutes; an outage that is longer costs the Lease first.
    chosen.networking.error_backoffs = (0.1, 0.2, 0.5, *(1 for _ in range(300)))
    chosen.queueing.error_delays = (0.2, 0.5, 1, 1, 2, 2, 5)
    chosen.queueing.exit_timeout = 0.5
    return chosen


def registry(
    *, access: Access, chosen: kopf.OperatorSettings, capabilities: Capabilities, take: Take
) -> kopf.OperatorRegistry:
    """The watches: all custom resources whole, children by our label; Secrets never."""
    handlers = kopf.OperatorRegistry()

    @kopf.on.login(registry=handlers)
    def _login(**_: Any) -> kopf.ConnectionInfo:
        return kopf.ConnectionInfo(
            server=access.server,
            ca_path=access.authority_file,
            insecure=access.insecure or None,
            certificate_path=access.certificate_file,
            private_key_path=access.key_file,
            token=access.headers().get("Authorization", "").removeprefix("Bearer ") or None,
        )

    def watch(kind: str, place: Place) -> None:
        names = (place.group, place.version, place.plural) if place.group else (place.version, place.plural)

        @kopf.on.event(*names, registry=handlers, id=f"{kind}-seen")
        async def _seen(type: str | None, body: kopf.Body, **_: Any) -> None:
            take(kind, {"apiVersion": place.api_version, "kind": kind, **dict(body)}, type == "DELETED")

    for kind, place in CUSTOM_PLACES.items():
        watch(kind, place)
    for kind, place in CHILD_PLACES.items():
        if kind == "Secret" or (kind == "PodMonitor" and not capabilities.pod_monitors):
            continue
        watch(kind, place)
        named = Selector(group=place.group, version=place.version, plural=place.plural)
        chosen.watching.label_selectors[named] = LABELS
    return handlers
