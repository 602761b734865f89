"""The Lease on the API server: asks what the machine wants to know, and keeps `Authority` as long as the machine says."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from touchline_operator.errors import OperatorError
from touchline_operator.kube.api import Api
from touchline_operator.kube.authority import Authority, Unlimited
from touchline_operator.run.lease import Lease, Read, Write
from touchline_operator.world.keys import Place

log = logging.getLogger(__name__)

LEASES = Place("coordination.k8s.io", "v1", "leases")
DURATION_S, RENEW_S, MARGIN_S = 15, 2, 5
REQUEST_S = 3.0
TURN_S = 0.1


class Elector:
    """Competes for one Lease. `clock` is monotonic and `wall` epoch microseconds, both integers."""

    def __init__(
        self,
        api: Api,
        *,
        namespace: str,
        name: str,
        identity: str,
        authority: Authority,
        clock: Callable[[], int],
        wall: Callable[[], int],
    ) -> None:
        self._api = api
        self._namespace = namespace
        self._name = name
        self._identity = identity
        self._authority = authority
        self._clock = clock
        self._wall = wall
        self._lease = Lease(
            identity,
            duration_us=DURATION_S * 1_000_000,
            renew_us=RENEW_S * 1_000_000,
            margin_us=MARGIN_S * 1_000_000,
        )
        self._since = ""
        self.reached_at = clock()
        """When the API server last answered."""

    @property
    def leading(self) -> bool:
        """Whether this replica writes."""
        return self._lease.holds(self._clock())

    async def win(self) -> None:
        """Return once the Lease is ours."""
        log.info("%s asks for the Lease %s/%s", self._identity, self._namespace, self._name)
        while not self.leading:
            await self._turn()
        log.info("%s holds the Lease", self._identity)

    async def hold(self) -> None:
        """Keep it; return once it is lost. From the moment of the loss nothing can be written any more."""
        while self.leading:
            await self._turn()
        log.error("the Lease was lost")

    async def release(self) -> None:
        """Give it up, so that the other replica need not wait. Nothing may be written from here on."""
        self._authority.until = 0
        # A renewal may have been cut off: only the Lease itself says what it is now.
        self._lease.failed(self._clock())
        await self._ask(Read())
        question = self._lease.release()
        if question is not None:
            await self._ask(question)
            log.info("the Lease is given up")

    async def _turn(self) -> None:
        question = self._lease.tick(self._clock())
        if question is None:
            await asyncio.sleep(TURN_S)
            return
        await self._ask(question)

    async def _ask(self, question: Read | Write) -> None:
        try:
            if isinstance(question, Read):
                await self._read()
            else:
                await self._write(question)
            self.reached_at = self._clock()
        except OperatorError as error:
            log.warning("the Lease %s/%s: %s", self._namespace, self._name, error)
            self._lease.failed(self._clock())
        self._authority.until = self._lease.until

    async def _read(self) -> None:
        found = await self._api.get(LEASES, self._namespace, self._name, timeout_s=REQUEST_S)
        spec = (found or {}).get("spec") or {}
        version = str(found["metadata"]["resourceVersion"]) if found is not None else ""
        self._since = str(spec.get("acquireTime") or "")
        self._lease.read(
            self._clock(), version, str(spec.get("holderIdentity") or ""), int(spec.get("leaseTransitions") or 0)
        )

    async def _write(self, write: Write) -> None:
        now = _micro_time(self._wall())
        if write.taken:
            self._since = now
        body: dict[str, Any] = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": self._name, "namespace": self._namespace},
            "spec": {
                "holderIdentity": write.holder,
                "leaseDurationSeconds": DURATION_S,
                "acquireTime": self._since or now,
                "renewTime": now,
                "leaseTransitions": write.transitions,
            },
        }
        if write.version:
            body["metadata"]["resourceVersion"] = write.version
        verb = "PUT" if write.version else "POST"
        status, answer = await self._api.send(
            verb, LEASES, self._namespace, self._name, body, Unlimited(), timeout_s=REQUEST_S
        )
        stored = str(answer["metadata"]["resourceVersion"]) if status < 300 else None
        if status >= 300 and status not in (404, 409):
            log.warning("the Lease is refused: HTTP %d: %s", status, answer.get("message"))
        self._lease.written(self._clock(), stored)


def _micro_time(micros: int) -> str:
    moment = datetime.fromtimestamp(micros // 1_000_000, UTC)
    return f"{moment.strftime('%Y-%m-%dT%H:%M:%S')}.{micros % 1_000_000:06d}Z"
