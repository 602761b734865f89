"""`python -m touchline.ingest` as a user starts it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def ingest_process(
    url: str,
    folder: Path,
    *options: str,
    provider: str = "betfair-a",
    working_dir: Path | None = None,
    **environment: str,
) -> Iterator[subprocess.Popen[bytes]]:
    """The ingest of one provider, with the Secret `betfair`; killed in the end if it still runs. Its log is `folder/log`."""
    secret = folder / "secrets" / "betfair"
    secret.mkdir(parents=True, exist_ok=True)
    (secret / "appKey").write_text("key")
    (secret / "sessionToken").write_text("token")
    env = os.environ | {"TOUCHLINE_NATS_URL": url, "TOUCHLINE_SECRETS_DIR": str(folder / "secrets")} | environment
    command = [
        sys.executable,
        "-m",
        "touchline.ingest",
        *(options if "--provider" in options else ("--provider", provider, *options)),
    ]
    with (folder / "log").open("ab") as log:
        child = subprocess.Popen(command, env=env, stderr=log, stdout=log, cwd=working_dir)
        try:
            yield child
        finally:
            if child.poll() is None:
                child.kill()
            child.wait(10)


def log_of(folder: Path) -> str:
    """What the process has written so far."""
    return (folder / "log").read_text()
