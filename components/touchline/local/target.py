"""Which engine a command talks to: options that several commands share, and where an engine is found without them."""

import asyncio
import getpass
import os
import secrets
import ssl
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import click

from touchline.local.errors import NotRunning, StateDirError
from touchline.local.state_dir import DEFAULT, RunRecord, StateDir, read_run
from touchline.local.trust import trust_in

Decorated = TypeVar("Decorated", bound=Callable[..., Any])
Result = TypeVar("Result")

DEFAULT_URL = "http://127.0.0.1:8080"


def state_dir_option(command: Decorated) -> Decorated:
    """`--state-dir DIR`."""
    return click.option(
        "--state-dir",
        type=click.Path(path_type=Path, file_okay=False),
        default=DEFAULT,
        envvar="TOUCHLINE_STATE_DIR",
        show_default=True,
        show_envvar=True,
        help="Where the engine keeps its state.",
    )(command)


def url_option(command: Decorated) -> Decorated:
    """`--url URL` and `--token TOKEN`."""
    command = click.option(
        "--token",
        default="",
        envvar="TOUCHLINE_TOKEN",
        show_envvar=True,
        help="Bearer token, where the gateway asks for one.",
    )(command)
    return click.option(
        "--url",
        default="",
        envvar="TOUCHLINE_URL",
        show_envvar=True,
        help="The gateway. Default: that of the engine on --state-dir, else http://127.0.0.1:8080.",
    )(command)


def json_option(command: Decorated) -> Decorated:
    """`--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text for people.")(command)


class Gateway(NamedTuple):
    """Where it is, and how its certificate is judged (None: by this machine's authorities, or it is plain)."""

    url: str
    trust: ssl.SSLContext | None = None


def gateway_of(url: str, state_dir: Path) -> Gateway:
    """The gateway: at the URL given, else the running engine's, else the default.

    Raises:
        StateDirError: the running engine's certificate cannot be read.
    """
    if url:
        return Gateway(url.rstrip("/") if "://" in url else f"http://{url.rstrip('/')}")
    try:
        return gateway_here(read_run(state_dir))
    except NotRunning:
        return Gateway(DEFAULT_URL)


def gateway_here(record: RunRecord) -> Gateway:
    """The gateway of an engine that runs on this machine.

    Raises:
        StateDirError: its certificate cannot be read.
    """
    if not record.certificate:
        return Gateway(record.gateway)
    try:
        return Gateway(record.gateway, trust_in(Path(record.certificate)))
    except (OSError, ValueError) as error:
        raise StateDirError(f"the running engine's certificate {record.certificate} cannot be read: {error}") from error


def customer_of(state_dir: Path) -> str:
    """Who an anonymous bettor at this terminal is: the same from command to command, so that a repeated key finds its bet."""
    file = StateDir(state_dir).root / "customer"
    try:
        return file.read_text().strip()
    except FileNotFoundError:
        name = f"cli-{secrets.token_hex(8)}"
        try:
            StateDir(state_dir).write_private(file, name.encode())
        except StateDirError:
            return name  # no state directory here: the identity lasts for this command
        return name


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a command's coroutine. Ctrl-C ends it quietly with exit code 130, as shells expect."""
    try:
        return asyncio.run(work)
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def person() -> str:
    """Who sits at this terminal, for the record."""
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):  # a user id without a name
        return f"user {os.getuid()}"
