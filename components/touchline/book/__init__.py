"""One shard's book: what every provider says of each market, and the one state that we derive from it and publish.

`shard.ShardBook` is the whole as a state machine; the modules beside it are its rules, each of which can be called with plain
values, and `shell` and `node` connect it to the world. Rules may enter that decide from inputs alone, without a clock,
a socket or randomness; the limits and the liability of bets belong to `touchline.desk`.
"""
