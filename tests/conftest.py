"""Fixtures for every test."""

from support.servers import nats, nats_server, valkey_server

__all__ = ["nats", "nats_server", "valkey_server"]
