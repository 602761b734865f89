"""Connecting to the broker, and staying connected.

A component outlives its broker: it reconnects for ever with a short back-off and goes on; what was missed in between
shows as a hole in a sequence and is asked for again (docs/architecture.md).
"""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

from nats.aio.client import Client
from nats.errors import Error as NatsError

from touchline.bus.ending import end
from touchline.bus.nkey_login import NkeyLogin
from touchline.bus.settings import Settings
from touchline.bus.trouble import Trouble

log = logging.getLogger(__name__)

RECONNECT_WAIT_S = 0.1
FIRST_CONNECT_S = 60.0
PENDING_BYTES = 64 * 1024 * 1024

Callback = Callable[[], Awaitable[None]]


class BrokerUnreachable(Exception):
    """No broker answered within the time allowed for the first connection."""


def inbox_prefix(user: str) -> str:
    """Where replies to a user's requests go: each user has inboxes of its own, so that permissions can keep others out."""
    return f"_INBOX_{user}"


async def connect(
    settings: Settings,
    *,
    name: str,
    on_disconnect: Callback | None = None,
    on_reconnect: Callback | None = None,
    first_connect_s: float = FIRST_CONNECT_S,
) -> Client:
    """Connect, waiting for a broker that is still starting.

    Raises:
        BrokerUnreachable: nobody answered within `first_connect_s` seconds, the credentials were refused, or their file is none.
    """

    client = Client()
    trouble = Trouble(log)

    async def error(exc: Exception) -> None:
        text = str(exc)
        if "ermissions" in text:
            log.error("the broker refused a subject to user %r: %s", settings.nats_user, text)
        elif text:
            trouble.tell(f"broker {settings.nats_url}: {text}", about=text)

    async def disconnected() -> None:
        if client.is_closed:
            return  # we hung up ourselves
        log.warning("lost the broker at %s; reconnecting", settings.nats_url)
        if on_disconnect:
            await on_disconnect()

    async def reconnected() -> None:
        trouble.over()
        log.info("the broker at %s is back", settings.nats_url)
        if on_reconnect:
            await on_reconnect()

    options: dict[str, Any] = {
        "servers": settings.nats_url.split(","),
        "name": name,
        "allow_reconnect": True,
        "max_reconnect_attempts": -1,
        "reconnect_time_wait": RECONNECT_WAIT_S,
        "connect_timeout": 2,
        "ping_interval": 2,
        "max_outstanding_pings": 2,
        "pending_size": PENDING_BYTES,
        "error_cb": error,
        "disconnected_cb": disconnected,
        "reconnected_cb": reconnected,
    }
    if settings.nats_user:
        options |= {"user": settings.nats_user, "password": settings.nats_password}
        options["inbox_prefix"] = inbox_prefix(settings.nats_user)
    if settings.nats_credentials:
        login = _login(settings.nats_credentials)
        options |= {"user_jwt_cb": login.jwt, "signature_cb": login.signature}
    if settings.nats_ca:
        options["tls"] = ssl.create_default_context(cafile=settings.nats_ca)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + first_connect_s
    # nats-py never gives up the first connection by itself when reconnecting is unlimited.
    try:
        async with asyncio.timeout_at(deadline):
            await client.connect(**options)
            return client
    except BaseException as error_:
        await hang_up(client)  # half a connection holds a socket
        if isinstance(error_, TimeoutError | OSError | NatsError):
            raise BrokerUnreachable(
                f"no broker at {settings.nats_url} accepted user {settings.nats_user!r} within {first_connect_s:.0f} s: {error_}"
            ) from error_
        raise


async def hang_up(client: Client) -> None:
    """Close a connection, also one whose broker is away: what waits to be sent to it is dropped.

    nats-py would write that to the closed socket, and raise: whoever hangs up at its end, cancelled, would not end.
    """
    if not client.is_connected:
        client._pending, client._pending_data_size = [], 0
    try:
        await client.close()
    except OSError as error:
        log.debug("hanging up on the broker: %r", error)  # it went away meanwhile


async def connect_unless_stopped(settings: Settings, stop: asyncio.Event, *, name: str) -> Client | None:
    """As `connect`; None, at once, when `stop` is set before there is a connection.

    Raises:
        BrokerUnreachable: as `connect`.
    """
    connecting = asyncio.create_task(connect(settings, name=name), name="connecting")
    stopped = asyncio.create_task(stop.wait(), name="stop")
    try:
        await asyncio.wait((connecting, stopped), return_when=asyncio.FIRST_COMPLETED)
        if connecting.done():
            return connecting.result()
        await end([connecting])
        return None
    finally:
        await end([stopped])


def _login(file: str) -> NkeyLogin:
    """A login whose file can be read now: while a connection is made, nobody would be told why it is not."""
    login = NkeyLogin(file)
    try:
        login.jwt()
        login.signature("")
    except (OSError, NatsError) as error:
        raise BrokerUnreachable(f"cannot log in to the broker: {error}") from error
    return login
