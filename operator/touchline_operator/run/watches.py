"""Kopf in a thread and a loop of its own.

At its end kopf waits for, and judges, every task in its loop, and in the main thread it takes the process' signals: neither is its
business here. What its handlers see comes over in their order.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import Any, cast

import kopf

from touchline_operator.errors import OperatorError
from touchline_operator.kube.access import Access
from touchline_operator.run import handlers
from touchline_operator.run.news import News
from touchline_operator.world.keys import Manifest
from touchline_operator.world.observed import Capabilities

log = logging.getLogger(__name__)

STOP_S = 5.0
IDENTITY = cast("Any", "touchline-operator")
"""For kopf's own peering, which is off: whoever leads is decided in `run/elector`."""


class WatchesEnded(OperatorError):
    """Kopf stopped by itself: without watches nothing can be seen."""


class Watches:
    """`run` until cancelled; `namespaces` empty: all."""

    def __init__(self, *, access: Access, capabilities: Capabilities, namespaces: tuple[str, ...], news: News) -> None:
        self._access = access
        self._capabilities = capabilities
        self._namespaces = namespaces
        self._news = news
        self._stop = threading.Event()

    async def run(self) -> None:
        """Watch.

        Raises:
            WatchesEnded: kopf ended; the reason is its cause.
        """
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[BaseException | None] = loop.create_future()
        thread = threading.Thread(target=self._watch, args=(loop, ended), name="watches", daemon=True)
        thread.start()
        try:
            error = await asyncio.shield(ended)
            raise WatchesEnded(f"the watches ended: {error!r}") from error
        finally:
            self._stop.set()
            await asyncio.wait([ended], timeout=STOP_S)

    def _watch(self, loop: asyncio.AbstractEventLoop, ended: asyncio.Future[BaseException | None]) -> None:
        def take(kind: str, raw: Manifest, deleted: bool) -> None:
            loop.call_soon_threadsafe(self._news.take, kind, raw, deleted)

        chosen = handlers.settings()
        error: BaseException | None = None
        try:
            kopf.run(
                registry=handlers.registry(
                    access=self._access, chosen=chosen, capabilities=self._capabilities, take=take
                ),
                settings=chosen,
                standalone=True,
                # Kopf would make one of the user's name, which a pod's user does not have.
                identity=IDENTITY,
                clusterwide=not self._namespaces,
                namespaces=self._namespaces,
                stop_flag=self._stop,
            )
        except BaseException as caught:  # noqa: BLE001 - handed to the loop that waits, whatever it is
            error = caught
        if not loop.is_closed():
            loop.call_soon_threadsafe(_settle, ended, error)


def _settle(ended: asyncio.Future[BaseException | None], error: BaseException | None) -> None:
    if not ended.done():
        ended.set_result(error)
