"""Freshness: proof that a price is still what its provider offers, whenever it last changed.

A quiet price can be right for hours, so the age of the last change proves nothing (FEEDS, "naive", 1). What proves it is one beat
of ingest: "my provider is in this state, it last gave a sign of life so long ago, and I have sent you everything up to
this number". The beat carries back a stamp of our own clock, so `now - stamp` bounds the age of the statement by one clock, whatever
was queued, paused or skewed in between.
"""

from typing import NamedTuple

from touchline.book.config import ProviderConfig
from touchline.book.link import NEVER
from touchline.domain.status import ProviderState


class Proof(NamedTuple):
    """`age_us` is `NEVER` where no beat has echoed our clock yet. `why` says what is not proven; empty when fresh."""

    fresh: bool
    age_us: int
    why: str


def proof(
    now: int,
    *,
    echo: int,
    state: ProviderState,
    silence_us: int,
    delay_us: int,
    max_age_us: int,
    provider: ProviderConfig | None,
) -> Proof:
    """Judge what the newest beat proves at `now`; synchrony is judged apart (`Link.in_sync`).

    `echo` is the stamp of our clock in that beat, -1 for none; `delay_us` is -1 where ingest cannot tell. All bounds may be reached.
    """
    age = now - echo if echo >= 0 else NEVER
    if provider is None:
        return Proof(False, age, "no FeedProvider of this name is configured")
    if echo < 0:
        return Proof(False, age, "no beat has proven its age yet")
    if state is not ProviderState.CONNECTED:
        return Proof(False, age, f"the provider is {state.value}")
    if age > max_age_us:
        return Proof(False, age, f"the last proof is {_ms(age)} old, allowed are {_ms(max_age_us)}")
    if silence_us + age > provider.max_silence_us:
        silence = _ms(silence_us + age)
        return Proof(False, age, f"no sign of life for up to {silence}, allowed are {_ms(provider.max_silence_us)}")
    if delay_us > provider.max_delay_us:
        return Proof(False, age, f"the feed is {_ms(delay_us)} behind, allowed are {_ms(provider.max_delay_us)}")
    return Proof(True, age, "")


def _ms(micros: int) -> str:
    return f"{micros // 1000} ms"
