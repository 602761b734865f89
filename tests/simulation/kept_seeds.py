"""Seeds that found a bug in the product, and what it was. They are run again for ever.

A seed only means the same run while everything that is drawn stays the same; each bug found is therefore also kept as a deliberate bug or
as a unit test, which do not age.
"""

KEPT: dict[int, str] = {
    1: "a node that restarted on another machine took its predecessor's stamp for its own (`echo-of-another-clock`)",
    3: "a client that came from a gateway that was further was sent an older state (`resumed-backwards`)",
    575: "a review's time is told anew by the wall clock, and the monitor took the later one for another review",
}

CAUGHT_AT: dict[str, int] = {
    "lease-taken-early": 3,
    "holder-ignores-expiry": 9,
    "pause-not-noticed": 9,
    "epoch-not-raised": 0,
    "released-but-leading": 3,
    "no-fencing": 38,
    "acknowledged-before-sync": 0,
    "unknown-is-success": 51,
    "lease-without-compare": 3,
    "answered-before-stored": 0,
    "keys-forgotten": 3,
    "no-second-check": 11,
    "fresh-at-the-last-tick": 213,
    "terms-ignored": 2,
    "gap-ignored": 12,
    "arrival-for-echo": 151,
    "echo-of-another-clock": 21,
    "wrong-cause-clears": 0,
    "hole-in-a-set-ignored": 87,
    "suspension-ignored": 1,
    "applied-twice": 87,
    "silence-ignored": 30,
    "delay-not-measured": 173,
    "unreliable-trusted": 115,
    "late-heartbeat-trusted": 864,
    "word-of-the-dead": 1243,
    "halts-ignored": 3,
    "pending-dies-with-leader": 6,
    "pending-not-written": 0,
    "lower-epoch-taken": 38,
    "gap-without-snapshot": 13,
    "resume-from-anywhere": 1,
    "resumed-backwards": 112,
    "lost-state-continued": 1424,
    "slow-client-forgotten": 31,
    "silence-not-noticed": 3,
}
"""The first seed that catches each deliberate bug, to save the way there."""
