"""One file for each command of the `touchline` program: its options, its help with examples, and the call of what does it.

A command parses, calls and prints; what it does lives one level up, where tests can reach it without a terminal. What enters
here is registered in `touchline.local.cli`.
"""
