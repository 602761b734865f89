"""The desk: decides bets, one shard at a time, where that shard's prices are made.

`Desk` is the state machine; the rules it applies stand beside it as pure functions of plain values, and `store` is the only module
that touches the broker. Nothing else may write a shard's decisions, and nobody is told one before it is stored.
"""
