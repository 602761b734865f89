"""A provider's session token expires while the engine runs, and somebody puts a new one into the Secret."""

from pathlib import Path

import httpx
import pytest

from support.engine import QUICKSTART, Engine

pytestmark = pytest.mark.servers


def test_an_expired_token_is_told_and_a_new_one_in_the_file_connects_at_once(tmp_path: Path) -> None:
    files = tmp_path / "files"
    files.mkdir()
    for source in QUICKSTART.glob("*.yaml"):
        (files / source.name).write_text(source.read_text())
    with Engine([files], tmp_path) as engine:
        engine.ready()
        engine.says("Connected: streaming")
        [control] = engine.record.simulators.values()
        before = len(engine.output)
        ended = httpx.put(f"http://127.0.0.1:{control}/session", json={"token": "renewed"}, trust_env=False)
        assert ended.json() == {"ended": 2}
        engine.says("INVALID_SESSION_INFORMATION", after=before)
        engine.says("Secret betfair: its session token is wrong or has expired", after=before)
        [providers] = [file for file in files.iterdir() if "sessionToken: simulated" in file.read_text()]
        before = len(engine.output)
        providers.write_text(providers.read_text().replace("sessionToken: simulated", "sessionToken: renewed"))
        engine.says("applied Secret.betfair", after=before)
        engine.says("Connected: streaming", after=before, within=15)
