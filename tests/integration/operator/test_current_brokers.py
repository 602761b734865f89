"""When one of several brokers counts as ready: a rolling update restarts the next only then."""

import json
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import nats
import pytest

from support.waiting import wait_until
from touchline.local.servers import free_port, nats_binary
from touchline_operator.plan.nats import readiness

pytestmark = pytest.mark.servers

STARTS_S = 30.0


class Brokers:
    """Three real servers with JetStream, as a cluster."""

    def __init__(self, folder: Path) -> None:
        self.clients = [free_port() for _ in range(3)]
        self.monitors = [free_port() for _ in range(3)]
        self.processes: dict[int, subprocess.Popen[bytes]] = {}
        self._folder = folder
        routes = [free_port() for _ in range(3)]
        for number, (client, monitor, route) in enumerate(zip(self.clients, self.monitors, routes, strict=True)):
            settings = {
                "port": client,
                "http_port": monitor,
                "jetstream": {"store_dir": str(folder / str(number)), "sync_interval": "always"},
                "cluster": {
                    "name": "main",
                    "listen": f"127.0.0.1:{route}",
                    "routes": [f"nats://127.0.0.1:{each}" for each in routes],
                },
            }
            lines = [f"server_name: n{number}", *(f"{key}: {json.dumps(value)}" for key, value in settings.items())]
            (folder / f"{number}.conf").write_text("\n".join(lines))

    def start(self, number: int) -> None:
        with (self._folder / f"{number}.log").open("ab") as log:
            self.processes[number] = subprocess.Popen(
                [nats_binary(), "-c", self._folder / f"{number}.conf"], stderr=log
            )

    def stop(self, number: int) -> None:
        self.processes[number].terminate()
        self.processes[number].wait(15)

    def answer(self, number: int) -> int:
        """HTTP status of what the probe of one of three asks; 0 while nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.monitors[number]}{readiness(3)}", timeout=2) as found:
                return int(found.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0


@pytest.fixture
def brokers(tmp_path: Path) -> Iterator[Brokers]:
    found = Brokers(tmp_path)
    try:
        for number in range(3):
            found.start(number)
        wait_until(lambda: [found.answer(number) for number in range(3)] == [200] * 3, within=STARTS_S)
        yield found
    finally:
        for process in found.processes.values():
            process.kill()
            process.wait(15)


async def test_a_broker_is_not_ready_before_its_copies_are_current_and_is_afterwards(brokers: Brokers) -> None:
    first = await nats.connect(f"nats://127.0.0.1:{brokers.clients[0]}")
    made = (await first.jetstream(timeout=10).add_stream(name="bets", subjects=["bets.>"], num_replicas=3)).cluster
    await first.close()
    # Not the stream's leader: what is written meanwhile must not have to wait for a new one.
    assert made is not None
    assert made.leader
    away = next(number for number in range(3) if made.leader != f"n{number}")
    others = [port for number, port in enumerate(brokers.clients) if number != away]
    client = await nats.connect([f"nats://127.0.0.1:{port}" for port in others])
    stream = client.jetstream(timeout=10)
    brokers.stop(away)
    for _ in range(200):
        await stream.publish("bets.0", b"x" * 20_000)
    answers: list[int] = []

    def ready() -> bool:
        answers.append(brokers.answer(away))
        return answers[-20:] == [200] * 20

    brokers.start(away)
    wait_until(ready, within=STARTS_S)
    assert 503 in answers, "it was ready at once, and would have let the next one be restarted"
    state = (await stream.stream_info("bets")).cluster
    assert state is not None
    assert state.replicas is not None
    assert all(each.current for each in state.replicas)
    await client.close()
