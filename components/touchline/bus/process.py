"""A component as a process: event loop, signals, logging and exit codes, the same for all.

Exit code 0: stopped as asked. 1: could not go on, with one line that says why. Anything else that ends a component is a bug and
shows its traceback.
"""

import asyncio
import gc
import logging
import signal
import sys
from collections.abc import Awaitable, Callable

import uvloop

from touchline.bus.connection import BrokerUnreachable
from touchline.bus.settings import SettingsError

Main = Callable[[asyncio.Event], Awaitable[None]]


class Fatal(Exception):
    """The component cannot go on; the message says what is wrong, where, and what to do."""


def configure_logging(level: str) -> None:
    """One line per record on standard error: time, level, logger, message."""
    logging.basicConfig(
        level=level,
        stream=sys.stderr,
        format="%(asctime)s.%(msecs)03d %(levelname)-7s %(name)s: %(message)s",
        datefmt="%H:%M:%S",
        force=True,
    )
    logging.getLogger("nats").setLevel(logging.CRITICAL)  # our error callback says it once, readably


def run(main: Main, *, log_level: str = "INFO") -> int:
    """Run `main(stop)` until it returns; SIGTERM and SIGINT set `stop`. Returns the exit code."""
    configure_logging(log_level)
    # Components allocate many long-lived structs: rarer collections keep the pauses off the hot path.
    gc.set_threshold(50_000, 20, 50)

    async def supervise() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await main(stop)

    try:
        uvloop.run(supervise())
    except (Fatal, BrokerUnreachable, SettingsError) as error:
        logging.getLogger("touchline").error("%s", error)
        return 1
    return 0
