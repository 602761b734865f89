"""Provider simulators that speak the real protocols: here the Betfair Exchange Stream, over TLS, with faults on demand.

What decides (fixtures, books, subscriptions, faults) is a state machine under `(now, input) -> outputs`; `server` and `control` are
the thin shells with sockets. The engine never imports this package: it only ever meets it over a connection.
"""
