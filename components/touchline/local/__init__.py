"""The engine on one machine: the command line, the supervisor of local processes, and embedded servers.

Local mode runs the very components that a cluster runs; only what starts them differs. This package may import every other
component package; nobody imports it, except tests and benchmarks.
"""
