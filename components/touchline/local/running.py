"""An engine for the length of a `async with` block: signals, start, and a stop that always happens.

Ctrl-C (or SIGTERM, or a closed terminal) asks for an orderly stop; a second one ends everything at once.
"""

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from touchline.bus import ending
from touchline.local.declared import Declared
from touchline.local.engine import Engine, Options
from touchline.local.log_sink import LogSink, OwnRecords
from touchline.local.state_dir import StateDir

END_S = 2.0
LAST_S = 3.0
"""After a second Ctrl-C and its kills, this long until the program ends whatever it is doing."""
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(Exception):
    """The user asked for a stop while the engine was starting."""


@asynccontextmanager
async def running(
    state: StateDir, sink: LogSink, options: Options, declared: Declared, stop: asyncio.Event
) -> AsyncIterator[Engine]:
    """Start an engine, yield it once it works, and stop it whatever happens. `stop` is set by the first signal.

    Raises:
        Refused: it cannot be started.
        Stopped: a signal came before it was ready.
    """
    engine = Engine(state, sink, options)
    loop = asyncio.get_running_loop()

    def asked() -> None:
        if stop.is_set():
            sink.say("stopping at once", style="yellow")
            engine.supervisor.kill_all()
            loop.call_later(LAST_S, os._exit, 1)
            return
        sink.say("stopping (once more Ctrl-C: at once)")
        stop.set()

    for number in _SIGNALS:
        loop.add_signal_handler(number, asked)
    records = OwnRecords(sink)
    logger = logging.getLogger("touchline")
    logger.addHandler(records)
    try:
        starting = asyncio.create_task(engine.start(declared), name="start")
        stopped = asyncio.create_task(stop.wait(), name="stop")
        try:
            await first_of(starting, stopped)
            if not starting.done():
                raise Stopped
            starting.result()
        finally:
            await end(starting, stopped)
        yield engine
    finally:
        logger.removeHandler(records)
        await engine.stop()
        for number in _SIGNALS:
            loop.remove_signal_handler(number)


async def until_stopped(engine: Engine, stop: asyncio.Event, *work: asyncio.Task[Any]) -> None:
    """Wait until a stop is asked for, one of `work` ends, or a process cannot be started at all.

    Raises:
        StartFailed: a process cannot be started.
    """
    stopped = asyncio.create_task(stop.wait(), name="stop")
    try:
        await first_of(stopped, engine.supervisor.failed, *work)
        if engine.supervisor.failed.done():
            raise engine.supervisor.failed.result()
        for task in work:
            if task.done():
                task.result()
    finally:
        await end(stopped, *work)


async def first_of(*futures: asyncio.Future[Any]) -> None:
    """Wait until one of them is done."""
    await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)


async def end(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks and wait for them, but not for ever: nothing may keep the children from being stopped."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(END_S):
            await ending.end(tasks)
