"""One package per provider protocol: how to connect, what its bytes mean, and a quality sheet that says what is covered.

An adapter speaks the provider's vocabulary and nothing else: it never sees an EntityMap, a Market class or an internal id
(that is `touchline.ingest`). Its session is a state machine without I/O; only `connection` modules open sockets and files.
"""
