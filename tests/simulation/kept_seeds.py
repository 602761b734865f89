"""Seeds that found a bug in the product, and what it was. They are run again for ever.

A seed only means the same run while everything that is drawn stays the same; each bug found is therefore also kept as a deliberate bug or
as a unit test, which do not age.
"""

KEPT: dict[int, str] = {
    1: "a node that restarted on another machine took its predecessor's stamp for its own (`echo-of-another-clock`)",
    3: "a client that came from a gateway that was further was sent an older state (`resumed-backwards`)",
    792: "a client that was shown lost authority was not told better by another gateway (`lost-state-continued`)",
    1231: "a heartbeat that was two seconds late proved that the prices were fresh (`late-heartbeat-trusted`)",
    1526: "a late word of a dead ingest replaced the living one for ever (`word-of-the-dead`)",
}

CAUGHT_AT: dict[str, int] = {
    "lease-taken-early": 0,
    "holder-ignores-expiry": 0,
    "pause-not-noticed": 10,
    "epoch-not-raised": 0,
    "released-but-leading": 16,
    "no-fencing": 10,
    "acknowledged-before-sync": 0,
    "unknown-is-success": 3,
    "lease-without-compare": 10,
    "answered-before-stored": 0,
    "keys-forgotten": 1,
    "no-second-check": 1,
    "fresh-at-the-last-tick": 131,
    "terms-ignored": 0,
    "gap-ignored": 3,
    "arrival-for-echo": 42,
    "echo-of-another-clock": 1,
    "wrong-cause-clears": 0,
    "hole-in-a-set-ignored": 213,
    "suspension-ignored": 2,
    "applied-twice": 49,
    "silence-ignored": 5,
    "delay-not-measured": 12,
    "unreliable-trusted": 4,
    "late-heartbeat-trusted": 1231,
    "word-of-the-dead": 1526,
    "halts-ignored": 8,
    "lower-epoch-taken": 19,
    "gap-without-snapshot": 4,
    "resume-from-anywhere": 34,
    "resumed-backwards": 3,
    "lost-state-continued": 792,
    "slow-client-forgotten": 3,
    "silence-not-noticed": 1,
}
"""The first seed that catches each deliberate bug, to save the way there."""
