"""Seeds that found a bug in the product, and what it was. They are run again for ever.

A seed only means the same run while everything that is drawn stays the same; each bug found is therefore also kept as a deliberate bug or
as a unit test, which do not age.
"""

KEPT: dict[int, str] = {
    12: "a node that restarted on another machine took its predecessor's stamp for its own (`echo-of-another-clock`)",
    320: "a client was sent an older version after a reconnect (`resumed-backwards`)",
    477: "a client that came from a gateway that was further was sent an older state (`resumed-backwards`)",
    1526: "a late word of a dead ingest replaced the living one for ever (`word-of-the-dead`)",
    1948: "a heartbeat that was two seconds late proved that the prices were fresh (`late-heartbeat-trusted`)",
}

CAUGHT_AT: dict[str, int] = {
    "acknowledged-before-sync": 0,
    "answered-before-stored": 0,
    "applied-twice": 49,
    "arrival-for-echo": 42,
    "echo-of-another-clock": 1,
    "epoch-not-raised": 0,
    "fresh-at-the-last-tick": 131,
    "gap-ignored": 3,
    "gap-without-snapshot": 4,
    "halts-ignored": 8,
    "holder-ignores-expiry": 0,
    "hole-in-a-set-ignored": 213,
    "keys-forgotten": 1,
    "lease-taken-early": 0,
    "lease-without-compare": 10,
    "lower-epoch-taken": 19,
    "no-fencing": 10,
    "no-second-check": 1,
    "pause-not-noticed": 10,
    "released-but-leading": 16,
    "resume-from-anywhere": 34,
    "resumed-backwards": 3,
    "silence-ignored": 5,
    "silence-not-noticed": 1,
    "slow-client-forgotten": 3,
    "suspension-ignored": 2,
    "terms-ignored": 0,
    "unknown-is-success": 3,
    "unreliable-trusted": 4,
    "wrong-cause-clears": 0,
}
"""The first seed that catches each deliberate bug; looked for anew where what is drawn has changed."""

NOT_CAUGHT_YET = frozenset({"delay-not-measured", "late-heartbeat-trusted", "word-of-the-dead"})
"""Deliberate bugs that no seed was shown to catch: the world does not yet draw what they need."""
