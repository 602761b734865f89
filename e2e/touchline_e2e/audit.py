"""Reading the API server's audit log: who asked for what, and what came of it.

The server appends a line of JSON once it has answered a request, so an event may appear a moment after its answer.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})


@dataclass(frozen=True)
class Request:
    """One answered request.

    Attributes:
        verb: get, list, watch, create, update, patch, delete, deletecollection.
        user: who asked (`system:serviceaccount:NAMESPACE:NAME` for a service account).
        resource: the plural, with its subresource: `markets`, `markets/status`.
        code: the HTTP status of the answer.
        event: the whole audit event (audit.k8s.io/v1).
    """

    verb: str
    user: str
    resource: str
    namespace: str
    name: str
    code: int
    event: dict[str, Any]

    @property
    def writes(self) -> bool:
        return self.verb in WRITES

    def __str__(self) -> str:
        where = f"{self.namespace}/{self.name}".strip("/")
        return f"{self.user} {self.verb} {self.resource} {where} -> {self.code}"


def parse(line: str) -> Request:
    """One line of the log."""
    event = json.loads(line)
    about = event.get("objectRef", {})
    resource = "/".join(part for part in (about.get("resource", ""), about.get("subresource", "")) if part)
    return Request(
        verb=event["verb"],
        user=event["user"].get("username", ""),
        resource=resource,
        namespace=about.get("namespace", ""),
        name=about.get("name", ""),
        code=event.get("responseStatus", {}).get("code", 0),
        event=event,
    )


class AuditLog:
    """A growing audit log; `mark` now and ask later for what came after."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def mark(self) -> int:
        """A place in the log: its end at this moment."""
        return self.path.stat().st_size if self.path.exists() else 0

    def requests(self, since: int = 0) -> Iterator[Request]:
        """What was answered after a mark, whole lines only, in the order of the answers."""
        if not self.path.exists():
            return
        with self.path.open("rb") as log:
            log.seek(since)
            for line in log:
                if line.endswith(b"\n"):
                    yield parse(line.decode())

    def writes(self, since: int = 0, *, user: str | None = None) -> list[Request]:
        """The requests that ask for a change; those of one user, where one is named."""
        return [request for request in self.requests(since) if request.writes and user in {None, request.user}]
