"""Which providers one simulator serves together, and which ask for something that their group cannot be given.

One group has one content: what its first provider by name asks for. Whoever asks for something else is served by nobody, in local mode
(such files are refused) as in a cluster (such a provider is not ready): to serve it the other content would be a lie, and to connect it to
the real provider nobody asked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from touchline.api.errors import Fault
from touchline.api.types.resource import RECORDINGS, SIMULATE, SIMULATE_GROUP
from touchline.api.v1alpha1.feed_provider import FeedProvider

MOST_PROVIDERS = 64
"""Providers of one group: one process serves them all."""


class SimulatedGroup(NamedTuple):
    """Providers that are served the same, sorted; `what` and `recordings` are what their annotations say."""

    name: str
    what: str
    recordings: str
    providers: tuple[str, ...]


def simulated_groups(providers: Iterable[FeedProvider]) -> tuple[list[SimulatedGroup], dict[str, Fault]]:
    """The groups by name, and what is wrong with the providers that fit in none, by provider. The order of `providers` does not matter."""
    content: dict[str, tuple[str, str]] = {}
    members: dict[str, list[str]] = {}
    faults: dict[str, Fault] = {}
    for provider in sorted(providers, key=lambda each: each.name):
        asked = _asked(provider)
        if asked is None:
            continue
        group = group_name(provider)
        named = members.setdefault(group, [])
        if content.setdefault(group, asked) != asked:
            faults[provider.name] = _disagrees(group, asked, named[0], content[group])
        elif len(named) == MOST_PROVIDERS:
            message = f'the group "{group}" has {MOST_PROVIDERS} providers already'
            faults[provider.name] = Fault(_path(SIMULATE_GROUP), message, "give this one another group")
        else:
            named.append(provider.name)
    return [SimulatedGroup(name, *content[name], tuple(named)) for name, named in sorted(members.items())], faults


def group_name(provider: FeedProvider) -> str:
    """The group that a provider is in; by itself, where it names none, that of its own name."""
    return provider.metadata.annotations.get(SIMULATE_GROUP) or provider.name


def is_simulated(provider: FeedProvider) -> bool:
    """Whether a provider asks for a simulator that there is."""
    return _asked(provider) is not None


def _asked(provider: FeedProvider) -> tuple[str, str] | None:
    """What a provider asks to be served, and from which volume; None where it asks for nothing that there is a simulator for."""
    annotations = provider.metadata.annotations
    what = annotations.get(SIMULATE)
    if not what or provider.spec.betfair_stream is None:
        return None
    return what, annotations.get(RECORDINGS, "") if what.startswith("recording:") else ""


def _path(annotation: str) -> tuple[str, ...]:
    return ("metadata", "annotations", annotation)


def _disagrees(group: str, asked: tuple[str, str], first: str, served: tuple[str, str]) -> Fault:
    place, annotation = (0, SIMULATE) if asked[0] != served[0] else (1, RECORDINGS)
    message = (
        f'this asks for {asked[place] or "none"}, and "{first}" of the same group "{group}" for {served[place] or "none"}: '
        "one simulator serves a group, all of it the same"
    )
    return Fault(_path(annotation), message, f"write the same, or give this one another {SIMULATE_GROUP}")
