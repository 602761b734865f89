"""From a FeedProvider to its adapter, by protocol name.

A protocol that the API declares but nobody has built yet is refused here with a permanent, clear error: a feed that cannot run
must say so and must not look like one that is merely silent.
"""

from touchline.api.v1alpha1.feed_provider import FeedProviderSpec
from touchline.feeds.backoff import Spread
from touchline.feeds.betfair.adapter import Secrets, betfair_adapter
from touchline.feeds.errors import UnsupportedProtocol
from touchline.feeds.interface import Adapter
from touchline.feeds.replay.adapter import replay_adapter

PROTOCOLS = ("BetfairStream", "Replay")
"""The protocols that an adapter exists for."""


def adapter_for(spec: FeedProviderSpec, secrets: Secrets, rng: Spread | None = None) -> Adapter:
    """A new adapter of a FeedProvider. `rng`, seeded by the caller, spreads reconnects; without it waits are exact.

    Raises:
        UnsupportedProtocol: no adapter speaks the protocol.
        FeedSetupError: the declaration or a Secret is incomplete. All of these are permanent.
    """
    match spec.protocol.value:
        case "BetfairStream":
            return betfair_adapter(spec, secrets, rng)
        case "Replay":
            return replay_adapter(spec)
        case other:
            raise UnsupportedProtocol(f"spec.protocol: no adapter speaks {other} yet; there are {', '.join(PROTOCOLS)}")
