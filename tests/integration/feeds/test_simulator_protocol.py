"""betfairlightweight, which knows nothing of us, consumes the simulator over TLS and ends with the simulator's books.

Only where it connects to is changed (host, port and trust are fixed in its code); its protocol code runs as it is.
"""

import asyncio
import queue
import socket
import ssl
import threading
from typing import Any

import pytest
from betfairlightweight import StreamListener
from betfairlightweight.exceptions import SocketError
from betfairlightweight.streaming import BetfairStream

from support.simulated import simulator
from support.waiting import until
from touchline.sim.faults import FaultKind
from touchline.sim.server import Simulator
from touchline.sim.subscriber import Account

pytestmark = pytest.mark.servers


class LocalStream(BetfairStream):  # type: ignore[misc]
    """Their stream, connected to a simulator."""

    def __init__(
        self, sim: Simulator, listener: StreamListener, *, name: str = "betfair-a", session: str = "token"
    ) -> None:
        super().__init__(0, listener, app_key="key", session_token=session, timeout=10, buffer_size=16_384, host=None)
        self._sim = sim
        self._name = name

    def _create_socket(self) -> socket.socket:
        context = ssl.create_default_context(cadata=self._sim.certificates.ca_pem)
        wrapped = context.wrap_socket(
            socket.create_connection(("127.0.0.1", self._sim.ports[self._name])), server_hostname="localhost"
        )
        wrapped.settimeout(self.timeout)
        return wrapped


class Reading:
    """Their client on a thread of its own, as it is meant to be used."""

    def __init__(self, sim: Simulator, **more: Any) -> None:
        self.listener = StreamListener(output_queue=queue.Queue(), max_latency=None, lightweight=True)
        self.stream = LocalStream(sim, self.listener, **more)
        self.error: Exception | None = None
        self._thread: threading.Thread | None = None

    def subscribe(self, **more: Any) -> int:
        wanted: dict[str, Any] = {"market_filter": {}, "market_data_filter": {}, "heartbeat_ms": 500, "conflate_ms": 0}
        identity: int = self.stream.subscribe_to_markets(**wanted | more)
        return identity

    def run(self) -> None:
        def read() -> None:
            try:
                self.stream.start()
            except SocketError as error:
                self.error = error

        self._thread = threading.Thread(target=read)
        self._thread.start()

    def stop(self) -> None:
        self.stream.stop()
        if self._thread is not None:
            self._thread.join(10)
            assert not self._thread.is_alive()

    def books(self) -> dict[str, tuple[str, bool, dict[str, float]]]:
        return {
            market["marketId"]: (
                market["status"],
                market["inplay"],
                {
                    str(part["selectionId"]): part["ex"]["availableToBack"][0]["price"]
                    for part in market["runners"]
                    if part["ex"]["availableToBack"]
                },
            )
            for market in self.listener.snap()
        }


def said(sim: Simulator, name: str = "betfair-a") -> dict[str, tuple[str, bool, dict[str, float]]]:
    markets = sim.state()["providers"][name]["markets"]
    return {market: (state["status"], state["inPlay"], state["best"]) for market, state in markets.items()}


def shown(reading: Reading, sim: Simulator) -> bool:
    """Whether the client's books are the simulator's; it keeps markets that are shown no longer."""
    books = reading.books()
    expected = said(sim)
    return bool(expected) and {market: books.get(market) for market in expected} == expected


@pytest.mark.parametrize(
    "fields",
    [["EX_MARKET_DEF", "EX_ALL_OFFERS"], ["EX_MARKET_DEF", "EX_BEST_OFFERS"]],
    ids=["full ladders", "best offers"],
)
@pytest.mark.parametrize("segmented", [True, False], ids=["segmented", "whole"])
async def test_betfairlightweight_ends_with_the_books_of_the_simulator(fields: list[str], segmented: bool) -> None:
    async with simulator(fixtures=8, tempo=120.0) as sim:
        reading = Reading(sim)
        await asyncio.to_thread(
            reading.subscribe, market_data_filter={"fields": fields}, segmentation_enabled=segmented
        )
        reading.run()
        try:
            await until(lambda: (reading.listener.updates_processed or 0) > 150, within=30)
            await until(lambda: shown(reading, sim), within=10)
        finally:
            await asyncio.to_thread(reading.stop)
        assert reading.error is None
        statuses = {status for status, _, _ in reading.books().values()}
        assert "OPEN" in statuses


async def test_betfairlightweight_resumes_where_it_was_disconnected() -> None:
    async with simulator() as sim:
        first = Reading(sim)
        await asyncio.to_thread(first.subscribe)
        first.run()
        await until(lambda: shown(first, sim))
        sim.inject(FaultKind.DISCONNECT, for_us=100_000)
        await until(lambda: first.error is not None)
        await asyncio.to_thread(first.stop)
        await until(lambda: not sim.faults.all(sim.now()))
        before = first.listener.updates_processed
        stream = LocalStream(sim, first.listener)
        first.stream = stream
        first.error = None
        clocks = {"initial_clk": first.listener.initial_clk, "clk": first.listener.clk}
        await asyncio.to_thread(first.subscribe, **clocks)
        first.run()
        try:
            await until(lambda: (first.listener.updates_processed or 0) > (before or 0))
            await until(lambda: shown(first, sim))
        finally:
            await asyncio.to_thread(first.stop)
        assert first.listener.status is None


async def test_betfairlightweight_is_refused_with_a_wrong_session() -> None:
    async with simulator(account=Account("key", "right")) as sim:
        reading = Reading(sim, session="wrong")
        with pytest.raises(Exception, match="INVALID_SESSION_INFORMATION"):
            await asyncio.to_thread(reading.subscribe)
        await asyncio.to_thread(reading.stop)


async def test_betfairlightweight_sees_a_503_and_goes_on() -> None:
    async with simulator() as sim:
        reading = Reading(sim)
        await asyncio.to_thread(reading.subscribe)
        reading.run()
        try:
            await until(lambda: shown(reading, sim))
            sim.inject(FaultKind.STATUS_503, for_us=300_000)
            await until(lambda: reading.listener.status == 503)
            await until(lambda: reading.listener.status is None)
            await until(lambda: shown(reading, sim))
        finally:
            await asyncio.to_thread(reading.stop)
        assert reading.error is None
