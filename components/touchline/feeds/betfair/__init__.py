"""The Betfair Exchange Stream API: messages, ladders, the cache of markets, the session and its TLS connection.

Everything that knows Betfair's words lives here; `touchline.feeds.replay` reads recordings of the same messages with the same
decoder and cache. Only `connection` opens sockets; nothing here knows an internal id or a policy.
"""
