"""Benchmarks: each module measures one thing beside its limit or a peer, in the same run.

A module here has `measure() -> list[Row]`; `python -m bench` runs them all, prints one table and writes `bench/results.json`. Nothing
in the product imports this package, and no test asserts a time.
"""
