"""Centrifugo 6.9.1 as a peer: built once as a Go module into a cache folder, run on one core without authentication."""

import asyncio
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import httpx

from touchline.local.servers import free_port

VERSION = "v6.9.1"
MODULE = f"github.com/centrifugal/centrifugo/v6@{VERSION}"
CHANNEL = "bench"
BUILD_WITHIN_S = 900
START_WITHIN_S = 20.0


class Unavailable(Exception):
    """It cannot be had on this machine; the message says why."""


def binary() -> Path:
    """The program, built if it is not in the cache yet (one to two minutes).

    Raises:
        Unavailable: there is no Go, or the build failed.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "touchline" / "bench" / f"centrifugo-{VERSION.removeprefix('v')}"
    program = folder / "centrifugo"
    if program.exists():
        return program
    go = shutil.which("go")
    if go is None:
        raise Unavailable("no go on the PATH to build Centrifugo with")
    folder.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "GOBIN": str(folder)}
    try:
        subprocess.run(
            [go, "install", MODULE],
            env=environment,
            cwd=folder,
            check=True,
            capture_output=True,
            timeout=BUILD_WITHIN_S,
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        said = (error.stderr or b"").decode(errors="replace").strip().splitlines()
        raise Unavailable(f"`go install {MODULE}` failed: {said[-1] if said else error}") from error
    return program


class Running(NamedTuple):
    """`publish` of one message to everybody, over its HTTP interface."""

    pid: int
    port: int
    http: httpx.AsyncClient

    async def publish(self, content: object) -> None:
        answer = await self.http.post("/api/publish", json={"channel": CHANNEL, "data": content})
        answer.raise_for_status()
        if "error" in answer.json():
            raise RuntimeError(f"Centrifugo refused to publish: {answer.text}")


@asynccontextmanager
async def centrifugo(program: Path, core: int) -> AsyncIterator[Running]:
    """Run it on one core.

    Raises:
        Unavailable: it does not start.
    """
    port = free_port()
    config = {
        "http_server": {"address": "127.0.0.1", "port": port},
        "client": {"insecure": True, "ping_interval": "3600s", "pong_timeout": "60s"},
        "http_api": {"insecure": True},
        "log": {"level": "error"},
    }
    with tempfile.TemporaryDirectory(prefix="touchline-bench-") as folder:
        path = Path(folder) / "config.json"
        path.write_text(json.dumps(config))
        process = await asyncio.create_subprocess_exec(
            program,
            "-c",
            path,
            env={**os.environ, "GOMAXPROCS": "1"},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        os.sched_setaffinity(process.pid, {core})
        try:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:
                running = Running(process.pid, port, http)
                await _until_it_answers(running, process)
                yield running
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def _until_it_answers(running: Running, process: asyncio.subprocess.Process) -> None:
    loop = asyncio.get_running_loop()
    end = loop.time() + START_WITHIN_S
    while process.returncode is None and loop.time() < end:
        try:
            await running.publish({})
        except httpx.TransportError:
            await asyncio.sleep(0.05)
        else:
            return
    raise Unavailable(f"Centrifugo did not start (exit code {process.returncode})")
