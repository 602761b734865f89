"""What an ingest answers to those who run it: probes and figures, with a broker and a provider that come and go."""

import subprocess
import sys
from pathlib import Path

import pytest
from nats.aio.client import Client

from support.health_port import ANY_PORT, HealthClient, taken_port
from support.ingest_process import ingest_process, log_of
from support.ingest_scene import declare_provider
from support.ingest_service import simulator
from support.returning_broker import nats_server
from support.waiting import until_found
from touchline.ingest.refusals import QuarantineReason
from touchline.local.servers import NatsServer, free_port

__all__ = ["nats_server"]

pytestmark = pytest.mark.servers


async def test_a_provider_that_is_away_does_not_make_its_ingest_unready(
    nats_server: NatsServer, nats: Client, tmp_path: Path
) -> None:
    await declare_provider(nats, free_port())
    with ingest_process(nats_server.url, tmp_path, *ANY_PORT):
        health = await HealthClient(lambda: log_of(tmp_path)).start()
        await health.until_ready()
        assert (await health.figures())["touchline_ingest_connected"] == 0


async def test_a_provider_that_is_not_declared_yet_does_not_either(
    nats_server: NatsServer, nats: Client, tmp_path: Path
) -> None:
    with ingest_process(nats_server.url, tmp_path, *ANY_PORT):
        health = await HealthClient(lambda: log_of(tmp_path)).start()
        await health.until_ready()


async def test_a_broker_that_is_away_makes_an_ingest_unready_and_never_unhealthy(
    nats_server: NatsServer, nats: Client, tmp_path: Path
) -> None:
    await declare_provider(nats, free_port())
    with ingest_process(nats_server.url, tmp_path, *ANY_PORT) as child:
        health = await HealthClient(lambda: log_of(tmp_path)).start()
        await health.until_ready()
        nats_server.stop()
        await health.until_unready("the broker is not connected")
        assert await health.alive()
        nats_server.start()
        await health.until_ready()
        assert child.poll() is None


async def test_the_figures_tell_what_came_and_what_became_of_it(
    nats_server: NatsServer, nats: Client, tmp_path: Path
) -> None:
    async with simulator() as served:
        await declare_provider(nats, served.ports["betfair-a"])
        with ingest_process(nats_server.url, tmp_path, *ANY_PORT):
            health = await HealthClient(lambda: log_of(tmp_path)).start()

            async def receiving() -> bool:
                found = await health.figures()
                return (
                    found["touchline_ingest_connected"] == 1
                    and found.get("touchline_ingest_messages_total{disposition=Accepted}", 0) > 5
                    and found["touchline_ingest_updates_total{result=accepted}"] > 5
                    and found["touchline_ingest_published_batches_total"] > 0
                    and found["touchline_ingest_captured_frames_total"] > 5
                    and 0 <= found.get("touchline_ingest_delay_p99_seconds", -1) < 60
                )

            await until_found(receiving, within=30)
            found = await health.figures()
            refused = {name for name in found if name.startswith("touchline_ingest_refused")}
            assert refused == {f"touchline_ingest_refused_total{{reason={each.value}}}" for each in QuarantineReason}
            assert found["touchline_ingest_gaps_total"] == 0


def test_a_health_port_that_is_taken_is_told_in_one_line(nats_server: NatsServer, tmp_path: Path) -> None:
    with taken_port() as port, ingest_process(nats_server.url, tmp_path, "--health-port", str(port)) as child:
        assert child.wait(30) == 1
        (line,) = log_of(tmp_path).splitlines()
        assert f"cannot listen on 127.0.0.1:{port}" in line
        assert "choose another --health-port" in line


@pytest.mark.parametrize("component", ["ingest", "book"])
def test_the_help_says_how_to_ask(component: str) -> None:
    answer = subprocess.run(
        [sys.executable, "-m", f"touchline.{component}", "--help"], capture_output=True, text=True, check=True
    )
    for word in ("--health-port", "--health-host", "/healthz", "/readyz", "/metrics", "off by default"):
        assert word in answer.stdout
