"""Which Secrets and ConfigMaps an object needs, and which keys in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from touchline.api import EntityMap, FeedProvider, OddsEngine, Resource
from touchline.api.crosscheck import SECRET_KEYS
from touchline.api.errors import FieldPath
from touchline.api.types.references import SecretKeyRef
from touchline_operator.world.custom import Custom

JWKS_KEY, CA_KEY = "jwks.json", "ca.crt"
TLS_KEYS = ("tls.crt", "tls.key")
LOGIN_KEYS = ("username", "password")
BROKER_ROLES = ("admin", "book", "gateway", "ingest", "recorder")


class Need(NamedTuple):
    """A Secret (or ConfigMap), the keys that it must have, and the field that asks for it."""

    name: str
    keys: tuple[str, ...]
    path: FieldPath


def secrets_needed(custom: Custom) -> list[Need]:
    """Every Secret that the object refers to, with the keys that are wanted of it."""
    resource = custom.resource
    if isinstance(resource, FeedProvider):
        return list(_of_provider(resource))
    if isinstance(resource, OddsEngine):
        return list(_of_engine(resource))
    return [Need(each.name, (), each.path) for each in custom.references if each.kind == "Secret"]


def config_maps_needed(resource: Resource | None) -> list[Need]:
    """Every ConfigMap that the object refers to."""
    if isinstance(resource, EntityMap) and resource.spec.source is not None:
        reference = resource.spec.source.config_map_ref
        return [Need(reference.name, (reference.key,), ("spec", "source", "configMapRef"))]
    return []


def _of_provider(provider: FeedProvider) -> Iterator[Need]:
    spec = provider.spec
    if spec.credentials_secret_ref is not None:
        keys = SECRET_KEYS.get(spec.protocol, ())
        yield Need(spec.credentials_secret_ref.name, keys, ("spec", "credentialsSecretRef"))
    if spec.betfair_stream is not None and spec.betfair_stream.tls.ca_secret_ref is not None:
        yield _key(spec.betfair_stream.tls.ca_secret_ref, CA_KEY, ("spec", "betfairStream", "tls", "caSecretRef"))


def _of_engine(engine: OddsEngine) -> Iterator[Need]:
    spec = engine.spec
    for place, secret in enumerate(spec.image_pull_secrets):
        yield Need(secret.name, (), ("spec", "imagePullSecrets", place))
    nats, redis, kafka = spec.nats.external, spec.redis.external, spec.recorder.kafka
    if nats is not None:
        if nats.credentials_secret_ref is not None:
            keys = tuple(f"{role}.creds" for role in BROKER_ROLES)
            yield Need(nats.credentials_secret_ref.name, keys, ("spec", "nats", "external", "credentialsSecretRef"))
        if nats.tls is not None and nats.tls.ca_secret_ref is not None:
            yield _key(nats.tls.ca_secret_ref, CA_KEY, ("spec", "nats", "external", "tls", "caSecretRef"))
    if redis is not None:
        if redis.credentials_secret_ref is not None:
            path = ("spec", "redis", "external", "credentialsSecretRef")
            yield Need(redis.credentials_secret_ref.name, LOGIN_KEYS, path)
        if redis.tls is not None and redis.tls.ca_secret_ref is not None:
            yield _key(redis.tls.ca_secret_ref, CA_KEY, ("spec", "redis", "external", "tls", "caSecretRef"))
    if spec.gateway.auth.jwt is not None:
        yield _key(spec.gateway.auth.jwt.jwks_secret_ref, JWKS_KEY, ("spec", "gateway", "auth", "jwt", "jwksSecretRef"))
    if spec.gateway.tls is not None:
        yield Need(spec.gateway.tls.secret_ref.name, TLS_KEYS, ("spec", "gateway", "tls", "secretRef"))
    if kafka is not None and kafka.credentials_secret_ref is not None:
        path = ("spec", "recorder", "kafka", "credentialsSecretRef")
        yield Need(kafka.credentials_secret_ref.name, LOGIN_KEYS, path)


def _key(reference: SecretKeyRef, default: str, path: FieldPath) -> Need:
    return Need(reference.name, (reference.key or default,), path)
