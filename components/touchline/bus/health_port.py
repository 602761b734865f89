"""Where a component answers those who run it: `/healthz`, `/readyz` and `/metrics` over HTTP, off unless a port is named.

The server itself (`touchline.bus.operations`) is imported only where it is on: an engine on one machine asks nobody over HTTP, and its
processes start faster and stay smaller without it.
"""

import logging
import socket
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from touchline.bus.process import Fatal

if TYPE_CHECKING:
    from prometheus_client.core import Metric

log = logging.getLogger(__name__)

Unready = Callable[[], list[str]]
"""Why this process is of no use at present, in words; empty: it is."""
Figures = Callable[[], "Iterable[Metric]"]
"""Its figures at this moment; called at each scrape."""


class HealthPort(NamedTuple):
    """An address to listen on; port 0 is any free one, which the log names."""

    host: str
    port: int


def health_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The two options of every command that can answer: `health_host` and `health_port` (None: it does not)."""
    host = click.option(
        "--health-host", default="127.0.0.1", show_default=True, help="Address for --health-port to listen on."
    )
    port = click.option(
        "--health-port",
        type=click.IntRange(0, 65535),
        metavar="PORT",
        help="Answer /healthz, /readyz and /metrics here, without authentication; off by default, 0 is any free port.",
    )
    return port(host(command))


def bind(host: str, port: int, *, option: str) -> socket.socket:
    """A bound socket, before anything else is started: a port in use is told at once. `option` is what chooses another.

    Raises:
        Fatal: the address cannot be had.
    """
    try:
        infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = infos[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise Fatal(f"cannot listen on {host}:{port}: {error}; choose another {option} or stop what uses it") from error
    return listener


@asynccontextmanager
async def answering(at: HealthPort | None, unready: Unready, figures: Figures) -> AsyncIterator[None]:
    """Answer while the block runs; with None nothing is listened on and nothing imported.

    Raises:
        Fatal: the address cannot be had.
    """
    if at is None:
        yield
        return
    with bind(at.host, at.port, option="--health-port") as listener:
        from touchline.bus.operations import serve_operations

        stop = await serve_operations(listener, unready, figures)
        log.info("health and metrics on %s:%d", *listener.getsockname()[:2])
        try:
            yield
        finally:
            await stop()
