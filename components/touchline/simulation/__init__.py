"""A whole engine in one process under virtual time: the real state machines, seeded faults, and what must hold after every step.

A seed decides everything: latencies, faults, prices, bets. The same seed is the same run on every machine, so a violation found once can
be replayed as often as it takes. Nothing outside this package imports it, and it imports only machines, never their shells.
"""
