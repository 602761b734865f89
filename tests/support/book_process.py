"""Book nodes as real processes, an engine's configuration for them, and bets over the broker."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from nats.aio.client import Client
from nats.errors import Error as NatsError

from touchline.bus import subjects
from touchline.bus.config import put_config
from touchline.bus.messages import BetLeg, BetLookup, BetReply, BetRequest, decode_bet_reply, encode
from touchline.bus.status import read_status
from touchline.domain.keys import MarketKey, shard_of

API = "touchline.dev/v1alpha1"


def engine(*, shards: int, durability: str = "Fsync", **bets: Any) -> dict[str, Any]:
    return {
        "apiVersion": API,
        "kind": "OddsEngine",
        "metadata": {"name": "main"},
        "spec": {
            "currency": "USD",
            "shards": shards,
            "nats": {"managed": {"replicas": 1}},
            "gateway": {"auth": {"anonymous": {}}},
            "bets": {"durability": durability} | bets,
        },
    }


def provider(name: str = "betfair-a") -> dict[str, Any]:
    return {
        "apiVersion": API,
        "kind": "FeedProvider",
        "metadata": {"name": name},
        "spec": {
            "protocol": "BetfairStream",
            "betfairStream": {"endpoint": "127.0.0.1:9999", "heartbeat": "500ms"},
            "credentialsSecretRef": {"name": "betfair"},
            "health": {"maxSilence": "3s", "maxDelay": "500ms"},
        },
    }


def football(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": API,
        "kind": "Market",
        "metadata": {"name": "football"},
        "spec": {
            "selector": {"sports": ["Football"]},
            "feeds": {"model": "ActivePassive", "providers": [{"name": "betfair-a", "priority": 1}]},
            "freshness": {"maxAge": "800ms"},
            "suspensionPolicyRef": {"name": "calm"},
        }
        | spec,
    }


def policy() -> dict[str, Any]:
    reopening = {"coolDown": "0s", "checks": ["FreshPrice"]}
    return {
        "apiVersion": API,
        "kind": "SuspensionPolicy",
        "metadata": {"name": "calm"},
        "spec": {"triggers": [], "reopening": reopening},
    }


async def configure(nc: Client, *documents: dict[str, Any]) -> None:
    for document in documents:
        await put_config(nc, subjects.config_key(document["kind"], document["metadata"]["name"]), document)


class BookProcess:
    """One `python -m touchline.book`."""

    def __init__(self, node: str, env: dict[str, str], *options: str) -> None:
        self.node = node
        self._log = tempfile.NamedTemporaryFile(prefix=f"book-{node}-", suffix=".log")  # noqa: SIM115 - closed by end()
        # Compiled modules may be kept: a process that compiles everything anew starts twice as slowly.
        left_out = ("TOUCHLINE_", "PYTHONDONTWRITEBYTECODE")
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(left_out)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "touchline.book", "--node", node, *options],
            env=inherited | env,
            stdout=self._log,
            stderr=self._log,
        )

    @property
    def output(self) -> str:
        return Path(self._log.name).read_text(errors="replace")

    def signal(self, number: int) -> None:
        os.kill(self.process.pid, number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self.process.wait(5)

    def terminate(self) -> int:
        """SIGTERM; returns the exit code."""
        self.signal(signal.SIGTERM)
        return self.process.wait(5)

    def end(self) -> None:
        if self.process.poll() is None:
            self.signal(signal.SIGCONT)
            self.kill()
        self._log.close()


@contextmanager
def book_nodes(*nodes: str, nats_url: str, redis_url: str = "", **env: str) -> Iterator[dict[str, BookProcess]]:
    """Processes by node name, killed at the end; their output is printed if the test fails."""
    settings = {"TOUCHLINE_NATS_URL": nats_url, "TOUCHLINE_REDIS_URL": redis_url, "TOUCHLINE_LOG_LEVEL": "INFO"} | env
    running = {node: BookProcess(node, settings) for node in nodes}
    try:
        yield running
    except BaseException:
        for node, process in running.items():
            print(f"--- output of {node} (exit {process.process.poll()})\n{process.output}")
        raise
    finally:
        for process in running.values():
            process.end()


async def leader_of(nc: Client, shard: int) -> tuple[str, int]:
    """The lease's present holder and epoch; ("", 0) before the first."""
    body = json.dumps({"last_by_subj": f"$KV.lease.shard.{shard}"}).encode()
    reply = await nc.request("$JS.API.STREAM.MSG.GET.KV_lease", body, timeout=1)
    message = json.loads(reply.data).get("message")
    if message is None:
        return "", 0
    value = json.loads(msgspec.json.decode(b'"' + message["data"].encode() + b'"', type=bytes))
    return value["holder"], value["epoch"]


async def wait_for_open(nc: Client, market: str, *, shards: int, within: float = 60.0) -> dict[str, Any]:
    """Wait until the leader explains the market as open; returns the explanation. Starting a process may take long on a busy machine."""
    return await wait_for_market(nc, market, lambda last: bool(last["status"] == "Open"), shards=shards, within=within)


async def wait_for_market(
    nc: Client, market: str, condition: Callable[[dict[str, Any]], bool], *, shards: int, within: float = 60.0
) -> dict[str, Any]:
    """Wait until the leader's explanation of a market is as wanted; returns it."""
    shard = shard_of(MarketKey.parse(market).event, shards)
    end = time.monotonic() + within
    last: Any = None
    while time.monotonic() < end:
        try:
            body = json.dumps({"market": market}).encode()
            reply = await nc.request(subjects.market_detail(shard), body, timeout=0.3)
            last = json.loads(reply.data)
            if last and condition(last):
                return dict(last)
        except (NatsError, TimeoutError):
            pass
        await asyncio.sleep(0.02)
    raise TimeoutError(f"{market} is not as wanted: {last}")


def bet_on(
    market: str,
    *,
    key: str,
    selection: str = "home",
    price: int = 2_000_000,
    version: str,
    stake: int = 10_000_000,
    customer: str = "c1",
    price_change: str = "AcceptBetter",
) -> BetRequest:
    return BetRequest(key, customer, "GB", stake, [BetLeg(market, selection, price, version)], price_change)


async def place(nc: Client, request: BetRequest, *, shards: int, timeout: float = 1.0) -> BetReply:
    """Ask the shard's leader, as a gateway does. Raises what nats-py raises for no answer."""
    shard = shard_of(MarketKey.parse(request.legs[0].market).event, shards)
    return decode_bet_reply((await nc.request(subjects.bet(shard), encode(request), timeout=timeout)).data)


async def place_until_answered(nc: Client, request: BetRequest, *, shards: int, within: float = 10.0) -> BetReply:
    """The same key again and again until somebody decides, as a bettor's app does."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        try:
            reply = await place(nc, request, shards=shards, timeout=0.3)
        except (NatsError, TimeoutError):
            await asyncio.sleep(0.02)
            continue
        if reply.status != 503:
            return reply
        await asyncio.sleep(0.02)
    raise TimeoutError(f"nobody decided {request.key}")


async def look_up(nc: Client, request: BetRequest, *, shards: int) -> BetReply:
    shard = shard_of(MarketKey.parse(request.legs[0].market).event, shards)
    question = encode(BetLookup(request.key, request.customer))
    return decode_bet_reply((await nc.request(subjects.bet_lookup(shard), question, timeout=1)).data)


async def decisions(nc: Client, shard: int) -> list[dict[str, Any]]:
    """Every record of a shard's stream, in order."""
    js = nc.jetstream(timeout=2)
    name = subjects.bets_stream(shard)
    last = (await js.stream_info(name)).state.last_seq
    return [json.loads((await js.get_msg(name, seq)).data or b"") for seq in range(1, last + 1)]


async def status_of(nc: Client, node: str) -> dict[str, Any]:
    return (await read_status(nc)).get(f"book.{node}", {})
