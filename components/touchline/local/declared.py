"""What the user's files declare, as local mode needs it, and what differs between two readings of them. No I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from touchline.api import Duration
from touchline.bus import subjects

Document = dict[str, Any]


class Simulated(NamedTuple):
    """How the built-in simulator serves a provider: `fixtures` or `recording:PATH`; providers of one group share fixtures."""

    what: str
    group: str = ""


@dataclass(frozen=True)
class Declared:
    """The resources of one engine.

    `config` has each resource by its key in the config bucket, as it will be written; `secrets` each Secret's keys in clear;
    `simulated` the FeedProviders that the built-in simulator serves; `warnings` what is to be known of the files, a line each.
    """

    shards: int
    config: Mapping[str, Document]
    secrets: Mapping[str, Mapping[str, bytes]] = field(default_factory=dict)
    simulated: Mapping[str, Simulated] = field(default_factory=dict)
    warnings: tuple[str, ...] = field(default=(), compare=False)

    @property
    def providers(self) -> tuple[str, ...]:
        """Names of all FeedProviders, in order."""
        prefix = subjects.config_key("FeedProvider", "")
        return tuple(sorted(key.removeprefix(prefix) for key in self.config if key.startswith(prefix)))

    @property
    def engine(self) -> Document:
        """The OddsEngine's spec."""
        prefix = subjects.config_key("OddsEngine", "")
        spec: Document = next(value["spec"] for key, value in self.config.items() if key.startswith(prefix))
        return spec

    @property
    def log_kept_s(self) -> float:
        """How long the audit log is kept, in seconds."""
        return Duration(self.engine["recorder"]["retention"]).micros / 1e6

    @property
    def tls_secret(self) -> str:
        """Name of the Secret with the gateway's certificate; empty where it is plain."""
        tls = self.engine.get("gateway", {}).get("tls") or {}
        return str(tls.get("secretRef", {}).get("name", ""))


@dataclass(frozen=True)
class Difference:
    """From one declaration to the next: keys of the config bucket, whether the providers are others, names of Secrets."""

    changed: tuple[str, ...]
    removed: tuple[str, ...]
    providers: bool
    secrets: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.changed or self.removed or self.secrets)


def difference(old: Declared, new: Declared) -> Difference:
    """What has to be written to come from `old` to `new`."""
    names = sorted({*old.secrets, *new.secrets})
    return Difference(
        changed=tuple(sorted(key for key, value in new.config.items() if old.config.get(key) != value)),
        removed=tuple(sorted(key for key in old.config if key not in new.config)),
        providers=old.providers != new.providers,
        secrets=tuple(name for name in names if old.secrets.get(name) != new.secrets.get(name)),
    )
