"""What can be wrong with a feed before a single byte was exchanged.

FeedSetupError                  permanent: the FeedProvider or its Secret must change
├── UnsupportedProtocol         no adapter speaks the protocol
└── BadCredentials              the Secret lacks a key, or a key is empty

While a feed runs, its transport raises `TransportError` and its session says `Reconnect` (see `interface`).
"""


class FeedSetupError(Exception):
    """The feed cannot be started as declared; the message names the field or Secret and what to do. Permanent."""


class UnsupportedProtocol(FeedSetupError):
    """No adapter speaks this protocol."""


class BadCredentials(FeedSetupError):
    """The Secret does not hold what the protocol needs."""
