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
