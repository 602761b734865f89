"""Asking a component's health port, as a kubelet and a monitoring system do."""

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
from prometheus_client.parser import text_string_to_metric_families

from support.waiting import until, until_found

ANY_PORT = ("--health-port", "0")


class HealthClient:
    """Asks one process; `log` is what it has written so far, where it names its port."""

    def __init__(self, log: Callable[[], str]) -> None:
        self._log = log

    async def start(self) -> "HealthClient":
        await until(lambda: bool(self._port()), within=30, what=self._log)
        return self

    async def ask(self, path: str) -> httpx.Response:
        async with httpx.AsyncClient(timeout=3) as client:
            return await client.get(f"http://127.0.0.1:{self._port()}{path}")

    async def reasons(self) -> list[str]:
        """Why it is not ready; checks that status and document agree."""
        answer = await self.ask("/readyz")
        said = answer.json()
        assert answer.status_code == (200 if said["ready"] else 503)
        assert said["ready"] is not bool(said["reasons"])
        return list(said["reasons"])

    async def until_ready(self, *, within: float = 30.0) -> None:
        await self._until(lambda reasons: not reasons, within)

    async def until_unready(self, reason: str, *, within: float = 30.0) -> None:
        await self._until(lambda reasons: any(reason in each for each in reasons), within)

    async def alive(self) -> bool:
        return (await self.ask("/healthz")).status_code == 200

    async def figures(self) -> dict[str, float]:
        """Every sample by its name and labels, as Prometheus reads them."""
        answer = await self.ask("/metrics")
        assert answer.status_code == 200
        return {
            sample.name + "".join(f"{{{name}={value}}}" for name, value in sorted(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
        }

    async def _until(self, condition: Callable[[list[str]], bool], within: float) -> None:
        async def holds() -> bool:
            return condition(await self.reasons())

        await until_found(holds, within=within)

    def _port(self) -> str:
        found = re.search(r"health and metrics on [\d.]+:(\d+)", self._log())
        return found[1] if found else ""


@contextmanager
def taken_port() -> Iterator[int]:
    """A port that somebody else listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])
