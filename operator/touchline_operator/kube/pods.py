"""The pods of one workload: found by label when something is to be done with them, never watched and never indexed.

Where the role does not allow that (it came with a later chart), nothing else suffers: callers are told, and the log says it once.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from touchline_operator.errors import Forbidden
from touchline_operator.kube.api import Api
from touchline_operator.kube.authority import Authority
from touchline_operator.world.index import Raw
from touchline_operator.world.keys import POD, Key, Manifest

log = logging.getLogger(__name__)


class Pods:
    """What the operator does to pods: list, annotate, delete."""

    def __init__(self, api: Api, authority: Authority) -> None:
        self._api = api
        self._authority = authority
        self._said: dict[str, None] = {}

    async def of(self, namespace: str, labels: Mapping[str, str]) -> list[Manifest]:
        """Pods with these labels as the API server has them now, by name. Raises Transient, Forbidden."""
        selector = ",".join(f"{name}={value}" for name, value in labels.items())
        try:
            found = [pod async for pod in self._api.list(POD, namespace, labels=selector)]
        except Forbidden as error:
            self._say(namespace, error)
            raise
        self._said.pop(namespace, None)
        return sorted(found, key=lambda pod: str(pod["metadata"]["name"]))

    async def annotate(self, pod: Raw, name: str, value: str) -> None:
        """Set one annotation; a pod that is gone or was replaced meanwhile is left alone. Raises Transient, Forbidden."""
        about = pod["metadata"]
        body = {"metadata": {"uid": about["uid"], "annotations": {name: value}}}
        try:
            await self._api.send("PATCH", POD, about["namespace"], about["name"], body, self._authority)
        except Forbidden as error:
            self._say(about["namespace"], error)
            raise

    async def delete(self, namespace: str, name: str, uid: str) -> None:
        """Delete a pod in order (its grace period is its own), and only the one with that uid. Raises Transient, Forbidden."""
        log.info("delete Pod %s/%s", namespace, name)
        try:
            await self._api.delete(Key("Pod", namespace, name), uid, self._authority)
        except Forbidden as error:
            self._say(namespace, error)
            raise

    def _say(self, namespace: str, error: Forbidden) -> None:
        if namespace not in self._said:
            log.warning(
                "pods in %s: %s: new broker users get in a minute later, and the book is not rolled", namespace, error
            )
            self._said[namespace] = None
