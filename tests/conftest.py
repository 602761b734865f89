"""Fixtures and settings for every test."""

import os

from hypothesis import HealthCheck, settings

from support.servers import nats, nats_server, valkey_server

__all__ = ["nats", "nats_server", "valkey_server"]

# How long an example takes says something of the machine, not of the code: a cold or busy one must not fail a rule that holds.
settings.register_profile("touchline", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# Continuous integration draws the same examples each time; new ones are drawn wherever people work.
settings.register_profile("touchline-ci", settings.get_profile("touchline"), derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "touchline"))
