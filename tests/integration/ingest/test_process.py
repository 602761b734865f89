"""`python -m touchline.ingest` as a process: start, stop, crash, and with the permissions of its own broker user."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from nats.aio.client import Client

from support.ingest_process import ingest_process, log_of
from support.ingest_scene import Reader, declare_provider, raw_frames
from support.ingest_service import simulator
from support.servers import SHARDS
from support.waiting import until
from touchline.bus.connection import connect
from touchline.bus.provision import provision
from touchline.bus.settings import Settings
from touchline.bus.status import read_status
from touchline.local.credentials import ADMIN, ingest_user, users
from touchline.local.servers import NatsServer
from touchline.sim.server import Simulator

pytestmark = pytest.mark.servers


async def declared(nc: Client, served: Simulator) -> Reader:
    await declare_provider(nc, served.ports["betfair-a"])
    reader = Reader("betfair-a")
    await reader.start(nc)
    return reader


async def test_sigterm_ends_it_with_code_0_a_last_beat_and_everything_stored(
    nats_server: NatsServer, nats: Client, tmp_path: Path
) -> None:
    async with simulator() as served:
        reader = await declared(nats, served)
        with ingest_process(nats_server.url, tmp_path) as child:
            await until(lambda: reader.state == "Connected", within=30)
            child.send_signal(signal.SIGTERM)
            await until(lambda: child.poll() is not None, within=15)
            assert child.returncode == 0, log_of(tmp_path)
        await until(lambda: reader.detail == "ingest is stopping")
        status = (await read_status(nats))["ingest.betfair-a"]
        assert status["capture"]["waiting"] == 0
        assert status["frames"]["captured"] == status["capture"]["stored"] == len(await raw_frames(nats, "betfair-a"))


async def test_a_killed_process_comes_back_as_a_new_incarnation_with_the_same_event_ids(
    nats_server: NatsServer, nats: Client, tmp_path: Path
) -> None:
    async with simulator() as served:
        reader = await declared(nats, served)
        with ingest_process(nats_server.url, tmp_path) as child:
            await until(lambda: reader.state == "Connected", within=30)
            first, before = reader.inc, set(reader.markets)
            child.kill()
            child.wait(10)
        with ingest_process(nats_server.url, tmp_path):
            await until(lambda: reader.inc != first and reader.state == "Connected", within=30)
            await until(lambda: len(reader.sets) >= 2 * SHARDS)
        assert before & set(reader.markets)
        assert reader.holes == []


async def test_its_own_broker_user_may_do_all_that_it_does(tmp_path: Path) -> None:
    accounts = users(shards=SHARDS, providers=["betfair-a"], password=lambda name: f"pw-{name}")
    with NatsServer(users=[user.entry() for user in accounts]) as server:
        admin = await connect(Settings(nats_url=server.url, nats_user=ADMIN, nats_password=f"pw-{ADMIN}"), name="test")
        await provision(admin, shards=SHARDS, providers=["betfair-a"])
        name = ingest_user("betfair-a")
        async with simulator() as served:
            reader = await declared(admin, served)
            with ingest_process(
                server.url, tmp_path, TOUCHLINE_NATS_USER=name, TOUCHLINE_NATS_PASSWORD=f"pw-{name}"
            ) as child:
                await until(lambda: reader.state == "Connected" and len(reader.markets) > 5, within=30)
                child.terminate()
                await until(lambda: child.poll() is not None, within=15)
        await admin.close()
    assert "refused a subject" not in log_of(tmp_path)
    assert reader.holes == []


def test_help_teaches() -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "touchline.ingest", "--help"], capture_output=True, text=True, check=True
    )
    for word in ("Examples:", "raw.NAME", "quarantine.NAME.REASON", "TOUCHLINE_NATS_URL", "Exit codes"):
        assert word in answer.stdout


def test_a_malformed_environment_is_named() -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "touchline.ingest", "--provider", "x"],
        env=os.environ | {"TOUCHLINE_NODE": "no spaces please"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 1
    assert "TOUCHLINE_NODE" in answer.stderr


async def test_a_process_that_waits_for_its_broker_stops_when_it_is_asked_to(tmp_path: Path) -> None:
    came = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.set()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        with ingest_process(f"nats://127.0.0.1:{port}", tmp_path) as child:
            async with asyncio.timeout(30):
                await came.wait()
            child.send_signal(signal.SIGTERM)
            await until(lambda: child.poll() is not None, within=15)
            assert child.returncode == 0, log_of(tmp_path)
