"""The simulator as a process, and its control port."""

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.feed_runner import FeedRunner
from support.simulated import adapter, simulator
from support.waiting import until
from touchline.domain.status import ProviderState
from touchline.feeds.betfair.connection import connect
from touchline.feeds.betfair.options import Endpoint
from touchline.sim.control import Control

pytestmark = pytest.mark.servers


async def test_the_truth_is_told_with_the_moments_of_its_changes() -> None:
    async with simulator("betfair-a", "betfair-b") as sim, Control(sim, 0) as control, httpx.AsyncClient() as http:
        url = f"http://127.0.0.1:{control.port}/state"

        async def markets() -> dict[str, Any]:
            state = (await http.get(url)).json()
            assert set(state["providers"]) == {"betfair-a", "betfair-b"}
            told: dict[str, Any] = state["providers"]["betfair-a"]["markets"]
            return told

        first = await markets()
        market = next(iter(first.values()))
        assert {"event", "type", "status", "inPlay", "best", "at_us", "history"} <= set(market)
        longest = 0
        async with asyncio.timeout(10):
            while longest < 4:
                longest = max(len(told["history"]) for told in (await markets()).values())
        for told in (await markets()).values():
            moments = [entry["at_us"] for entry in told["history"]]
            assert moments == sorted(moments)
            assert told["history"][-1]["best"] == told["best"]


async def test_faults_are_set_listed_and_cleared_over_http() -> None:
    async with simulator("betfair-a", "betfair-b") as sim, Control(sim, 0) as control, httpx.AsyncClient() as http:
        url = f"http://127.0.0.1:{control.port}/faults"
        posted = await http.post(url, json={"kind": "Silence", "for": "1h", "provider": "betfair-a"})
        assert posted.status_code == 200
        (fault,) = (await http.get(url)).json()["faults"]
        assert (fault["kind"], fault["provider"]) == ("Silence", "betfair-a")
        await http.post(url, json={"kind": "ClockSkew", "by": "2s", "behind": True})
        assert [entry["by_us"] for entry in (await http.get(url)).json()["faults"]] == [0, -2_000_000]
        assert (await http.request("DELETE", url, params={"provider": "betfair-b"})).json()["faults"] != []
        assert (await http.delete(url)).json() == {"faults": []}


async def test_a_fault_set_over_http_is_felt() -> None:
    async with (
        simulator() as sim,
        Control(sim, 0) as control,
        FeedRunner(adapter(sim)) as feed,
        httpx.AsyncClient() as http,
    ):
        await until(lambda: feed.state is ProviderState.CONNECTED)
        await http.post(f"http://127.0.0.1:{control.port}/faults", json={"kind": "Status503", "for": "300ms"})
        await until(lambda: feed.state is ProviderState.UNRELIABLE)
        await until(lambda: feed.state is ProviderState.CONNECTED)


async def test_a_session_ended_over_http_is_felt() -> None:
    async with (
        simulator() as sim,
        Control(sim, 0) as control,
        FeedRunner(adapter(sim)) as feed,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{control.port}") as http,
    ):
        await until(lambda: feed.state is ProviderState.CONNECTED)
        for body, says in ((b"{}", "token"), (b'{"token": ""}', "token is empty")):
            refused = await http.put("/session", content=body)
            assert (refused.status_code, says in refused.json()["error"]) == (400, True)
        assert (await http.put("/session", json={"token": "new"})).json() == {"ended": 1}
        await until(lambda: any("INVALID_SESSION_INFORMATION" in one.detail for one in feed.reconnects()))


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"{", "truncated"),
        (b'{"kind": "Flood"}', "kinds are Delay, Gap"),
        (b'{"kind": "Gap", "for": "soon"}', "soon"),
        (b'{"kind": "Gap", "provider": "nobody"}', "there are betfair-a"),
        (b'{"kind": "Gap", "colour": "red"}', "colour"),
    ],
)
async def test_a_wrong_fault_is_refused_in_one_sentence(body: bytes, says: str) -> None:
    async with simulator() as sim, Control(sim, 0) as control, httpx.AsyncClient() as http:
        answer = await http.post(f"http://127.0.0.1:{control.port}/faults", content=body)
        assert answer.status_code == 400
        assert says in answer.json()["error"]
        assert sim.faults.all(sim.now()) == []


async def test_unknown_paths_and_junk_are_answered_and_do_not_stop_the_server() -> None:
    async with simulator() as sim, Control(sim, 0) as control, httpx.AsyncClient() as http:
        assert (await http.get(f"http://127.0.0.1:{control.port}/nowhere")).status_code == 400
        reader, writer = await asyncio.open_connection("127.0.0.1", control.port)
        writer.write(b"junk\r\n\r\n")
        assert b"400" in await reader.read()
        writer.close()
        await writer.wait_closed()
        assert (await http.get(f"http://127.0.0.1:{control.port}/state")).status_code == 200


def started(*arguments: str) -> "tuple[subprocess.Popen[str], dict[str, Any]]":
    command = [sys.executable, "-m", "touchline.sim", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, process.communicate()[1]
    return process, json.loads(line)


def stopped(process: "subprocess.Popen[str]") -> int:
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=10)
    return process.returncode


def test_the_process_says_where_it_serves_and_stops_cleanly(tmp_path: Path) -> None:
    process, ready = started("--serve", "a=0", "--serve", "b=0", "--control", "0", "--ca-out", str(tmp_path))
    try:
        assert set(ready["ports"]) == {"a", "b"}
        assert (
            httpx.get(f"http://127.0.0.1:{ready['control']}/state").json()["providers"]["b"]["port"]
            == ready["ports"]["b"]
        )
        assert Path(ready["ca"]).read_text().startswith("-----BEGIN CERTIFICATE-----")
    finally:
        assert stopped(process) == 0


def test_a_next_run_serves_with_the_same_certificate(tmp_path: Path) -> None:
    async def reach(port: int, ca_pem: str) -> None:
        connection = await connect(Endpoint("127.0.0.1", port, True, ca_pem))
        await connection.close()

    process, ready = started("--serve", "a=0", "--ca-out", str(tmp_path))
    ca_pem = Path(ready["ca"]).read_text()
    assert stopped(process) == 0
    process, ready = started("--serve", "a=0", "--ca-out", str(tmp_path))
    try:
        asyncio.run(reach(ready["ports"]["a"], ca_pem))
    finally:
        assert stopped(process) == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--serve", "a"], "write NAME=PORT"),
        (["--serve", "a=0", "--serve", "a=0"], "named twice"),
        (["--serve", "a=0", "--recording", "/nowhere/at-all"], "/nowhere/at-all: cannot be read: No such file"),
        (["--serve", "a=0", "--speed", "fast"], "write a factor above 0"),
        ([], "Missing option '--serve'"),
    ],
)
def test_a_wrong_command_line_says_what_to_write(arguments: list[str], says: str) -> None:
    command = [sys.executable, "-m", "touchline.sim", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode != 0
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_in_use_is_said_plainly() -> None:
    process, ready = started("--serve", "a=0", "--plain")
    try:
        command = [sys.executable, "-m", "touchline.sim", "--serve", f"b={ready['ports']['a']}", "--plain"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 1
        assert "address already in use" in done.stderr.lower()
        assert "choose another port" in done.stderr
    finally:
        assert stopped(process) == 0


def test_help_teaches_by_examples() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "touchline.sim", "--help"], capture_output=True, text=True, timeout=30, check=True
    )
    for word in ("--serve", "--recording", "--control", "--ca-out", "curl", "Examples:"):
        assert word in done.stdout
