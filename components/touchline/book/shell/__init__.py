"""What connects the book's state machines to the broker, the cache and the clock: one node's process, in parts.

Each module carries outputs out or brings inputs in; none decides anything about prices, bets or leadership. Nothing outside
`touchline.book.node` imports this room, and the machines never do.
"""
