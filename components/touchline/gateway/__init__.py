"""The gateway: from the book's updates to bettors' sockets, and from their bets to the shards' leaders.

What decides (`hub`, `board`, `fanout`, `sessions` and what they import) is a state machine without I/O; `server`, `intake`, `bets` and
`cache` connect it to sockets, the broker and the last-value cache. What a price or a bet is worth is decided elsewhere: nothing in this
room may change one.
"""
