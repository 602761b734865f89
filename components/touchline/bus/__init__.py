"""How the parts talk: NATS connections, subjects, streams, buckets and the messages on them.

Everything that two processes must agree on stands here once; what a message means for the book or a client stands with them.
Every component may import this package; it imports only `touchline.domain`.
"""
