"""How the components of one engine find broker and cache, and with which credentials.

The environment's names are those of `touchline.bus.settings`; each pod is given its own user and nobody else's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from touchline.api import OddsEngine
from touchline_operator.plan.child import fingerprint
from touchline_operator.plan.names import child_name
from touchline_operator.plan.network import DNS, Rule, anywhere, pods_of, tcp
from touchline_operator.plan.pods import SECRETS_DIR, env_field, env_secret, env_value, mount, secret_volume
from touchline_operator.world.custom import Custom
from touchline_operator.world.material import Material

NATS_PORT, ROUTES_PORT, MONITOR_PORT = 4222, 6222, 8222
VALKEY_PORT = 6379
CA_DIR, CA_FILE = "/etc/touchline/nats-ca", "ca.crt"
CREDS_DIR = "/etc/touchline/nats-credentials"


@dataclass(frozen=True)
class Wiring:
    """The connections of one engine's pods."""

    engine: Custom
    spec: OddsEngine
    material: Material

    @property
    def name(self) -> str:
        return self.engine.key.name

    @property
    def pull_secrets(self) -> tuple[str, ...]:
        """Names of the Secrets with which every pod's image is pulled."""
        return tuple(each.name for each in self.spec.spec.image_pull_secrets)

    @property
    def nats_name(self) -> str:
        return child_name(self.name, "nats")

    @property
    def valkey_name(self) -> str:
        return child_name(self.name, "valkey")

    @property
    def ca_name(self) -> str:
        return child_name(self.name, "nats-ca")

    def server_names(self) -> tuple[str, ...]:
        """Every name under which the managed brokers are reached, for their certificate."""
        service, namespace = self.nats_name, self.engine.key.namespace
        hosts = (service, f"{service}.{namespace}.svc", f"{service}.{namespace}.svc.cluster.local")
        return (*hosts, *(f"*.{host}" for host in hosts), "localhost")

    def nats_url(self) -> str:
        """Servers to connect to, separated by commas."""
        nats = self.spec.spec.nats
        if nats.external is not None:
            return ",".join(nats.external.urls)
        assert nats.managed is not None
        host = f"{self.nats_name}.{self.engine.key.namespace}.svc"
        return ",".join(f"tls://{self.nats_name}-{n}.{host}:{NATS_PORT}" for n in range(nats.managed.replicas))

    def env(self, user: str, credentials: str) -> list[dict[str, Any]]:
        """The environment of one component: broker user `user`, whose password is in the Secret `credentials`."""
        spec = self.spec.spec
        entries = [env_value("TOUCHLINE_NATS_URL", self.nats_url())]
        if spec.nats.managed is not None:
            entries += [
                env_secret("TOUCHLINE_NATS_USER", credentials, "user"),
                env_secret("TOUCHLINE_NATS_PASSWORD", credentials, "password"),
                env_value("TOUCHLINE_NATS_CA", f"{CA_DIR}/{CA_FILE}"),
            ]
        elif spec.nats.external is not None:
            if spec.nats.external.credentials_secret_ref is not None:
                entries.append(env_value("TOUCHLINE_NATS_CREDENTIALS", f"{CREDS_DIR}/{user.partition('-')[0]}.creds"))
            if self._external_ca() is not None:
                entries.append(env_value("TOUCHLINE_NATS_CA", f"{CA_DIR}/{CA_FILE}"))
        return [
            *entries,
            env_value("TOUCHLINE_SECRETS_DIR", SECRETS_DIR),
            env_value("TOUCHLINE_LOG_LEVEL", spec.log_level.value),
            env_field("TOUCHLINE_NODE", "metadata.name"),
        ]

    def cache_env(self) -> list[dict[str, Any]]:
        """The last-value cache, for those that use it. Kubernetes puts the values of earlier variables in."""
        redis = self.spec.spec.redis
        if redis.managed is not None:
            host = f"{self.valkey_name}-0.{self.valkey_name}.{self.engine.key.namespace}.svc"
            return [
                env_secret("VALKEY_PASSWORD", self.valkey_name, "password"),
                env_value("TOUCHLINE_REDIS_URL", f"redis://:$(VALKEY_PASSWORD)@{host}:{VALKEY_PORT}/0"),
            ]
        assert redis.external is not None
        scheme, _, rest = redis.external.url.partition("://")
        if redis.external.credentials_secret_ref is None:
            return [env_value("TOUCHLINE_REDIS_URL", redis.external.url)]
        secret = redis.external.credentials_secret_ref.name
        return [
            env_secret("VALKEY_USERNAME", secret, "username"),
            env_secret("VALKEY_PASSWORD", secret, "password"),
            env_value("TOUCHLINE_REDIS_URL", f"{scheme}://$(VALKEY_USERNAME):$(VALKEY_PASSWORD)@{rest}"),
        ]

    def volumes(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Volumes and mounts of every component that talks to the broker."""
        volumes: list[dict[str, Any]] = []
        mounts: list[dict[str, Any]] = []
        external = self.spec.spec.nats.external
        if external is None:
            volumes.append({"name": "nats-ca", "configMap": {"name": self.ca_name, "defaultMode": 0o444}})
            mounts.append(mount("nats-ca", CA_DIR))
            return volumes, mounts
        authority = self._external_ca()
        if authority is not None:
            items = [{"key": authority.key or CA_FILE, "path": CA_FILE}]
            volumes.append(
                {"name": "nats-ca", "secret": {"secretName": authority.name, "defaultMode": 0o440, "items": items}}
            )
            mounts.append(mount("nats-ca", CA_DIR))
        if external.credentials_secret_ref is not None:
            volumes.append(secret_volume("nats-credentials", external.credentials_secret_ref.name))
            mounts.append(mount("nats-credentials", CREDS_DIR))
        return volumes, mounts

    def restarts_with(self, user: str) -> dict[str, str]:
        """Annotations that change when a pod of this user must read its environment again."""
        authority = self.material.authority.certificate if self.material.authority is not None else ""
        parts = (self.material.passwords.get(user, ""), authority, self.material.valkey_password)
        return {"touchline.dev/credentials": fingerprint(*parts)}

    def egress(self, *, cache: bool) -> list[Rule]:
        """What every component must reach: names, broker and, with `cache`, the cache."""
        spec = self.spec.spec
        rules: list[Rule] = [DNS]
        if spec.nats.managed is not None:
            rules.append({"to": [pods_of(self.name, "nats")], "ports": tcp(NATS_PORT)})
        elif spec.nats.external is not None:
            rules.append(anywhere(sorted({port_of(url, NATS_PORT): None for url in spec.nats.external.urls})))
        if cache and spec.redis.managed is not None:
            rules.append({"to": [pods_of(self.name, "valkey")], "ports": tcp(VALKEY_PORT)})
        elif cache and spec.redis.external is not None:
            rules.append(anywhere([port_of(spec.redis.external.url, VALKEY_PORT)]))
        return rules

    def _external_ca(self) -> Any:
        external = self.spec.spec.nats.external
        return external.tls.ca_secret_ref if external is not None and external.tls is not None else None


def port_of(url: str, default: int) -> int:
    """The port of an URL or of host:port."""
    place = url.partition("://")[2] or url
    port = place.partition("/")[0].rpartition(":")[2]
    return int(port) if port.isdigit() else default
