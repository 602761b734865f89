"""A whole engine on a broker that somebody else runs, whose users may do what docs/external-nats.md says and nothing else."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from support.bettors import bettors
from support.external_broker import ROLES, documented
from support.manifests import EXAMPLES
from support.nats_accounts import TheirNats
from support.waiting import until, until_found
from touchline.bus.config import put_config
from touchline.bus.connection import connect
from touchline.bus.provision import provision
from touchline.bus.settings import Settings
from touchline.local.reading import read
from touchline.local.servers import ValkeyServer, free_port

pytestmark = pytest.mark.servers
PROVIDERS = ("betfair-a", "betfair-b")
QUICKSTART = read([EXAMPLES / "quickstart"])
Start = Callable[..., None]


@pytest.fixture
def theirs(tmp_path: Path) -> Iterator[TheirNats]:
    """The broker, with the files of its users; the administrator may do everything."""
    with TheirNats(tmp_path) as server:
        server.credentials("admin")
        for role in ROLES:
            may = documented(role).filled(shards=QUICKSTART.shards, providers=[*PROVIDERS])
            server.credentials(role, publish=may.publish, subscribe=may.subscribe)
        yield server


@pytest.fixture
def start(theirs: TheirNats, valkey_server: ValkeyServer, tmp_path: Path) -> Iterator[Start]:
    """Start `python -m touchline.<module>` with the file of its role; its log is `<module>-<number>.log`."""
    secret = tmp_path / "secrets" / "betfair"
    secret.mkdir(parents=True)
    for key, value in QUICKSTART.secrets["betfair"].items():
        (secret / key).write_bytes(value)
    common = {
        "TOUCHLINE_NATS_URL": theirs.url,
        "TOUCHLINE_REDIS_URL": valkey_server.url,
        "TOUCHLINE_BETS_SYNC": "always",
        "TOUCHLINE_SECRETS_DIR": str(secret.parent),
    }
    with ExitStack() as running:

        def begin(module: str, *options: str, role: str = "") -> None:
            name = f"{module}-{len(logs_of(tmp_path))}"
            env = os.environ | common | {"TOUCHLINE_NODE": name}
            env |= {"TOUCHLINE_NATS_CREDENTIALS": str(tmp_path / f"{role}.creds")} if role else {}
            log = running.enter_context((tmp_path / f"{name}.log").open("wb"))
            child = subprocess.Popen(
                [sys.executable, "-m", f"touchline.{module}", *options], env=env, stdout=log, stderr=log
            )
            running.callback(child.wait, 30)
            running.callback(child.terminate)

        yield begin


async def test_every_component_does_its_work_with_the_users_of_the_page(
    theirs: TheirNats, start: Start, tmp_path: Path
) -> None:
    feeds, port = {provider: free_port() for provider in PROVIDERS}, free_port()
    start("sim", "--plain", *(word for name, at in feeds.items() for word in ("--serve", f"{name}={at}")))
    admin = await connect(Settings(nats_url=theirs.url, nats_credentials=str(tmp_path / "admin.creds")), name="test")
    await provision(admin, shards=QUICKSTART.shards, providers=PROVIDERS)
    for key, document in QUICKSTART.config.items():
        if key.startswith("FeedProvider."):
            at = f"127.0.0.1:{feeds[document['metadata']['name']]}"
            document["spec"]["betfairStream"] |= {"endpoint": at, "tls": {"mode": "Disabled"}}
        await put_config(admin, key, document)
    await admin.close()

    for provider in (*PROVIDERS, PROVIDERS[0]):  # the first has a standby
        start("ingest", "--provider", provider, role="ingest")
    for node in ("one", "two"):
        start("book", "--node", node, role="book")
    start("gateway", "--port", str(port), role="gateway")
    url = f"http://127.0.0.1:{port}"
    await until_found(lambda: ready(url), within=60)
    async with bettors(url, count=2) as answers:
        await until(lambda: answers.taken_since(0.0), within=60, what=answers.tally)
    logs = logs_of(tmp_path)
    assert len(logs) == 7
    assert not {name: text for name, text in logs.items() if "ermissions" in text}


async def ready(url: str) -> bool:
    async with httpx.AsyncClient(base_url=url) as http:
        try:
            return (await http.get("/readyz")).status_code == 200
        except httpx.HTTPError:
            return False


def logs_of(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.glob("*.log")}
