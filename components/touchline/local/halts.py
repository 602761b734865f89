"""Traders' halts: keys of the `config` bucket, written with the command line's own broker user (docs/architecture.md)."""

import time
from typing import Any

from nats.aio.client import Client
from nats.errors import Error as NatsError

from touchline.bus import subjects
from touchline.bus.config import Change, put_config, watch_config
from touchline.bus.connection import BrokerUnreachable, connect
from touchline.bus.settings import Settings
from touchline.domain.keys import MalformedKey, MarketKey, is_token
from touchline.local.errors import NotRunning, Refused
from touchline.local.state_dir import RunRecord

SCOPES = ("market", "event", "provider", "all")
EVERYTHING = "all"
"""The id of a halt of everything."""


def check(scope: str, name: str) -> str:
    """The id of a halt, verified.

    Raises:
        Refused: it is missing, or cannot be the id of anything of this scope.
    """
    if scope == "all":
        if name not in {"", EVERYTHING, "everything"}:
            raise Refused(f"`all` needs no id, but {name!r} was given", fix="leave it out")
        return EVERYTHING
    if not name:
        raise Refused(f"the id of the {scope} is missing", fix=f"write `{scope} ID`")
    if scope == "market":
        try:
            return str(MarketKey.parse(name))
        except MalformedKey as error:
            raise Refused(str(error), fix="`touchline watch` shows the ids") from error
    if not is_token(name):
        raise Refused(f"{name!r} cannot be the id of {'an' if scope == 'event' else 'a'} {scope}")
    return name


async def halt(nc: Client, scope: str, name: str, *, by: str, note: str) -> str:
    """Write a halt; returns its key.

    Raises:
        Refused: the broker did not take it.
    """
    key = subjects.halt_key(scope, name)
    document = {"scope": scope, "id": name, "by": by, "note": note, "at": time.time_ns() // 1000}
    await _put(nc, key, document)
    return key


async def resume(nc: Client, scope: str, name: str, *, by: str, note: str) -> bool:
    """Take a halt away, and end the review that a policy may have asked for; true if there was a halt.

    Raises:
        Refused: the broker did not take it.
    """
    key = subjects.halt_key(scope, name)
    was = key in await standing(nc)
    if was:
        await _put(nc, key, None)
    document = {"scope": scope, "id": name, "by": by, "note": note, "at": time.time_ns() // 1000}
    await _put(nc, key.replace("Halt.", "Resume.", 1), document)
    return was


async def standing(nc: Client) -> dict[str, dict[str, Any]]:
    """Every halt that stands, by key."""
    found: dict[str, dict[str, Any]] = {}
    watch = watch_config(nc)
    try:
        async for change in watch:
            if not isinstance(change, Change):
                break
            if change.key.startswith("Halt.") and change.value is not None:
                found[change.key] = change.value
    finally:
        await watch.aclose()  # type: ignore[attr-defined]
    return found


async def broker_of(record: RunRecord) -> Client:
    """A connection to a local engine's broker as its command-line user.

    Raises:
        NotRunning: its broker does not answer.
    """
    settings = Settings(nats_url=record.nats_url, nats_user=record.user, nats_password=record.password)
    try:
        return await connect(settings, name="touchline cli", first_connect_s=5)
    except BrokerUnreachable as error:
        raise NotRunning(str(error), fix="look at the output of `touchline up`") from error


async def _put(nc: Client, key: str, document: dict[str, Any] | None) -> None:
    try:
        await put_config(nc, key, document)
    except (NatsError, TimeoutError) as error:
        raise Refused(f"the broker did not take {key}: {error!r}") from error
