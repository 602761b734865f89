"""Three real brokers on loopback as one cluster, each to be stopped and started by number."""

import json
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.waiting import wait_until
from touchline.local.servers import free_port, nats_binary
from touchline_operator.plan.nats import readiness

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

    def stop(self, number: int, how: int = signal.SIGTERM) -> None:
        """End one in order, or with SIGKILL."""
        self.processes[number].send_signal(how)
        self.processes[number].wait(15)

    def url(self, *without: int) -> str:
        """Servers to connect to, separated by commas."""
        return ",".join(f"nats://127.0.0.1:{port}" for number, port in enumerate(self.clients) if number not in without)

    def answer(self, number: int) -> int:
        """HTTP status of what the probe of one of three asks; 0 while nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.monitors[number]}{readiness(3)}", timeout=2) as found:
                return int(found.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0


@contextmanager
def three_brokers(folder: Path) -> Iterator[Brokers]:
    """A cluster whose members are all ready."""
    found = Brokers(folder)
    try:
        for number in range(3):
            found.start(number)
        wait_until(lambda: [found.answer(number) for number in range(3)] == [200] * 3, within=STARTS_S)
        yield found
    finally:
        for process in found.processes.values():
            process.kill()
            process.wait(15)
