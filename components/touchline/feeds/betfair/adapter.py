"""One FeedProvider with protocol BetfairStream, made into a session and a way to connect."""

from collections.abc import Callable, Mapping

from touchline.api.v1alpha1.feed_provider import FeedProviderSpec
from touchline.api.v1alpha1.protocols import BetfairMarketFilter, BetfairStream, ClientTls, TlsMode
from touchline.feeds.backoff import Backoff, Spread
from touchline.feeds.betfair.connection import connect
from touchline.feeds.betfair.options import BetfairOptions, Credentials, Endpoint, Subscription
from touchline.feeds.betfair.session import BetfairSession
from touchline.feeds.errors import BadCredentials, FeedSetupError
from touchline.feeds.interface import Session, Transport

Secrets = Callable[[str], Mapping[str, str]]
"""Reads a Secret by name; raises whatever its source raises where it is missing."""

APP_KEY, SESSION_TOKEN = "appKey", "sessionToken"
BASIC_AUTH = {APP_KEY: "username", SESSION_TOKEN: "password"}
"""The keys under which a Secret of type kubernetes.io/basic-auth holds the same two values."""
CA_KEY = "ca.crt"


class BetfairAdapter:
    """Implements `touchline.feeds.interface.Adapter`."""

    def __init__(self, options: BetfairOptions, *, backoff: Backoff | None = None) -> None:
        self.options = options
        self.session: Session = BetfairSession(
            options.credentials, options.subscription, backoff=backoff, endpoint=str(options.endpoint)
        )

    async def connect(self) -> Transport:
        return await connect(self.options.endpoint)


def betfair_adapter(spec: FeedProviderSpec, secrets: Secrets, rng: Spread | None = None) -> BetfairAdapter:
    """The adapter of a FeedProvider.

    Raises:
        FeedSetupError: the block or the Secret is missing or incomplete.
    """
    block = spec.betfair_stream
    if block is None:
        raise FeedSetupError("spec.betfairStream is missing")
    if spec.credentials_secret_ref is None:
        raise BadCredentials(
            "spec.credentialsSecretRef is missing: name a Secret with the keys appKey and sessionToken"
        )
    name = spec.credentials_secret_ref.name
    options = BetfairOptions(
        endpoint=read_endpoint(block, secrets),
        credentials=read_credentials(secrets(name), name),
        subscription=Subscription(
            market_filter=stream_filter(block.market_filter),
            heartbeat_ms=block.heartbeat.micros // 1000,
            conflate_ms=block.conflate.micros // 1000,
            segmentation=block.segmentation,
        ),
    )
    backoff = Backoff(first_us=spec.reconnect.initial.micros, cap_us=spec.reconnect.longest.micros, rng=rng)
    return BetfairAdapter(options, backoff=backoff)


def read_credentials(secret: Mapping[str, str], name: str) -> Credentials:
    """The application key and session token of a Secret.

    Raises:
        BadCredentials: one of them is missing or empty.
    """
    values = {key: (secret.get(key) or secret.get(BASIC_AUTH[key]) or "").strip() for key in BASIC_AUTH}
    for key, value in values.items():
        if not value:
            raise BadCredentials(f"Secret {name}: key {key} (or {BASIC_AUTH[key]}) is missing or empty")
    return Credentials(values[APP_KEY], values[SESSION_TOKEN], name)


def read_endpoint(block: BetfairStream, secrets: Secrets) -> Endpoint:
    """Where to connect, with the certificate authority of the block's Secret where it names one.

    Raises:
        FeedSetupError: the endpoint's port is out of range, or the Secret lacks the certificate.
    """
    host, _, port = block.endpoint.rpartition(":")
    if not 0 < int(port) < 65536:
        raise FeedSetupError(f"spec.betfairStream.endpoint: port {port} must be between 1 and 65535")
    tls: ClientTls = block.tls
    ca_pem = ""
    if tls.ca_secret_ref is not None and tls.mode is TlsMode.VERIFY:
        key = tls.ca_secret_ref.key or CA_KEY
        ca_pem = secrets(tls.ca_secret_ref.name).get(key, "")
        if not ca_pem:
            raise FeedSetupError(
                f"Secret {tls.ca_secret_ref.name}: key {key} (spec.betfairStream.tls.caSecretRef) is missing"
            )
    return Endpoint(host.strip("[]"), int(port), tls.mode is TlsMode.VERIFY, ca_pem, tls.server_name or "")


def stream_filter(declared: BetfairMarketFilter) -> dict[str, object]:
    """The market filter as the stream spells it; what narrows nothing is left out."""
    values: dict[str, object] = {
        "marketIds": list(declared.market_ids),
        "eventIds": list(declared.event_ids),
        "eventTypeIds": list(declared.event_type_ids),
        "marketTypes": list(declared.market_types),
        "countryCodes": list(declared.country_codes),
        "turnInPlayEnabled": declared.turn_in_play,
        "bspMarket": declared.bsp_market,
    }
    return {name: value for name, value in values.items() if value not in ([], None)}
