"""The API server: requests and their errors, what differs from what is wanted, writing it, and telling it in events.

Everything that writes asks first whether this process may (`Authority`). Decisions about what to write are made in the pure rooms;
here only whether a write is needed at all.
"""
