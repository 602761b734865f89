"""Kubernetes for Touchline's tests: an API server alone, or a whole cluster of one or two nodes, started from nothing.

What starts, watches and ends the programs of a cluster belongs here, and what builds and finds those programs; what a
test asserts does not. Nothing here knows Touchline's engine: the room could serve any operator.
"""
