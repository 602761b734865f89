"""The words of the trade as pure values: prices, market keys, statuses, versions, holds and reasons.

Everything here is a plain value or a pure function of plain values; nothing reads a clock, a file or a socket.
Every other package may import this one; this one imports nobody (enforced by import-linter).
"""
