"""What every component process is told by its environment; the same names in local mode and in a pod."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


class SettingsError(ValueError):
    """An environment variable or a mounted secret is missing or malformed; the message names it and the fix."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Connections and identity of one process.

    `nats_ca` and `nats_credentials` are files: the authority's certificate, and a NATS credentials file in place of user and password.
    `bets_sync` is what the broker's `sync_interval` is declared to be (`always` or a duration): clients cannot read it
    from the server.
    """

    nats_url: str = "nats://127.0.0.1:4222"
    nats_user: str = ""
    nats_password: str = ""
    nats_ca: str = ""
    nats_credentials: str = ""
    redis_url: str = ""
    secrets_dir: Path = Path("secrets")
    node: str = "node"
    log_level: str = "INFO"
    bets_sync: str = "always"

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> "Settings":
        """Read `TOUCHLINE_*`; what is absent has the defaults above.

        Raises:
            SettingsError: a value is malformed.
        """
        env = os.environ if env is None else env
        node = env.get("TOUCHLINE_NODE", cls.node)
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,63}", node):
            raise SettingsError(f"TOUCHLINE_NODE={node!r}: write 1-63 letters, digits, '_' or '-'")
        level = env.get("TOUCHLINE_LOG_LEVEL", cls.log_level).upper()
        if level not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
            raise SettingsError(f"TOUCHLINE_LOG_LEVEL={level!r}: write DEBUG, INFO, WARNING or ERROR")
        return cls(
            nats_url=env.get("TOUCHLINE_NATS_URL", cls.nats_url),
            nats_user=env.get("TOUCHLINE_NATS_USER", ""),
            nats_password=env.get("TOUCHLINE_NATS_PASSWORD", ""),
            nats_ca=env.get("TOUCHLINE_NATS_CA", ""),
            nats_credentials=env.get("TOUCHLINE_NATS_CREDENTIALS", ""),
            redis_url=env.get("TOUCHLINE_REDIS_URL", ""),
            secrets_dir=Path(env.get("TOUCHLINE_SECRETS_DIR", "secrets")),
            node=node,
            log_level=level,
            bets_sync=env.get("TOUCHLINE_BETS_SYNC", cls.bets_sync),
        )


def read_secret(settings: Settings, name: str) -> dict[str, str]:
    """The keys of one Secret, mounted as a folder with one file for each key.

    Raises:
        SettingsError: the Secret is not mounted.
    """
    folder = settings.secrets_dir / name
    if not folder.is_dir():
        raise SettingsError(f"Secret {name!r} is not mounted at {folder}: create the Secret or correct the reference")
    files = (entry for entry in sorted(folder.iterdir()) if entry.is_file() and not entry.name.startswith("."))
    return {entry.name: entry.read_text(encoding="utf-8").strip() for entry in files}
