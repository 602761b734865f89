"""The recorder as a process: connect, record until it is asked to stop, say how it stands once a second."""

import asyncio
import time
from collections.abc import Iterator
from secrets import token_hex
from typing import TYPE_CHECKING

from touchline.bus.connection import connect_unless_stopped, hang_up
from touchline.bus.ending import end
from touchline.bus.health_port import HealthPort, answering
from touchline.bus.settings import Settings
from touchline.bus.status import StatusWriter
from touchline.recorder.recorder import STARTING, STOP_S, Recorder
from touchline.recorder.report import figures, report

if TYPE_CHECKING:
    from prometheus_client.core import Metric

STATUS_S = 1.0
NO_BROKER = "the broker is not connected"


async def serve(settings: Settings, shards: int, stop: asyncio.Event, *, health: HealthPort | None = None) -> None:
    """Record until `stop` is set.

    Raises:
        touchline.bus.connection.BrokerUnreachable: no broker.
        touchline.bus.process.Fatal: the health port is taken.
    """
    recorder: Recorder | None = None
    nc = None

    def unready() -> list[str]:
        # That nothing can be stored is told in the status: another pod could not store it either.
        return [] if nc is not None and nc.is_connected else [NO_BROKER]

    def figures_now() -> "Iterator[Metric]":
        return figures(recorder, ready=not unready(), broker=not unready())

    async with answering(health, unready, figures_now):
        nc = await connect_unless_stopped(settings, stop, name="recorder")
        if nc is None:
            return
        try:
            recorder = Recorder(
                nc,
                shards=shards,
                writer=f"{settings.node}/{token_hex(6)}",
                now=lambda: time.monotonic_ns() // 1_000,
                wall=lambda: time.time_ns() // 1_000,
            )
            await _until_stopped(recorder, StatusWriter(nc, f"recorder.{settings.node}"), settings.node, stop)
        finally:
            await hang_up(nc)


async def _until_stopped(recorder: Recorder, writer: StatusWriter, node: str, stop: asyncio.Event) -> None:
    recording = asyncio.create_task(recorder.run(), name="recording")
    stopping = asyncio.create_task(stop.wait(), name="stop")
    try:
        while not stopping.done() and not recording.done():
            if recorder.fault != STARTING:  # what it will do nobody knows yet
                await writer.put(report(recorder, node=node, wall=time.time_ns() // 1_000))
            await asyncio.wait((recording, stopping), timeout=STATUS_S, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await end([stopping])
        await end([recording], again_s=2 * STOP_S)
    if not recording.cancelled():
        recording.result()
