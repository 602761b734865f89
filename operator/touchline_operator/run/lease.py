"""Who of the operator's replicas writes: a `coordination.k8s.io` Lease, as a machine without clock and sockets.

A candidate may take the Lease once it has seen the same version of it for its whole duration by its own monotonic clock: what the
holder wrote as time does not matter. A holder's authority ends `margin_us` before its Lease could be taken, counted from the moment
*before* it sent its last successful renewal; only results of writes count. `now` is monotonic, in microseconds; versions are opaque.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Read:
    """Get the Lease; answer with `read` or `failed`."""


@dataclass(frozen=True)
class Write:
    """Create (`version` empty) or replace the Lease, if it is still of this version; answer with `written` or `failed`."""

    version: str
    holder: str
    transitions: int
    taken: bool


class Lease:
    """One replica's view."""

    def __init__(self, identity: str, *, duration_us: int, renew_us: int, margin_us: int) -> None:
        self._identity = identity
        self._duration_us = duration_us
        self._renew_us = renew_us
        self._margin_us = margin_us
        self._version: str | None = None
        self._seen_at = 0
        self._holder = ""
        self._transitions = 0
        self._sent_at = 0
        self._due = 0
        self._asking = False
        self._asked: Write | None = None
        self.until = 0
        """End of our authority; in the past: none."""
        self.holder = ""
        """Who holds it, as far as is known."""

    def holds(self, now: int) -> bool:
        """Whether this replica may write now."""
        return now < self.until

    def tick(self, now: int) -> Read | Write | None:
        """What to ask of the API server now; at most one question is open."""
        if self._asking or now < self._due:
            return None
        self._asking = True
        self._due = now + self._renew_us
        self._sent_at = now
        self._asked = self._question(now)
        return self._asked or Read()

    def read(self, now: int, version: str, holder: str, transitions: int) -> None:
        """The Lease as it is; `version` empty: there is none."""
        self._asking = False
        if version != self._version:
            self._version, self._seen_at = version, now
        self._holder = self.holder = holder
        self._transitions = transitions
        if self._may_take(now):
            self._due = now

    def written(self, now: int, version: str | None) -> None:
        """The write was stored as this version; None: somebody else was quicker."""
        self._asking = False
        asked, self._asked = self._asked, None
        assert asked is not None
        if version is None:
            self._version, self._due = None, now
            if not self.holds(now):
                self.until = 0
            return
        self._version, self._seen_at, self._holder = version, now, asked.holder
        self._transitions, self.holder = asked.transitions, asked.holder
        self.until = self._sent_at + self._duration_us - self._margin_us if asked.holder == self._identity else 0

    def failed(self, now: int) -> None:
        """No answer: it may or may not have been stored. Ask again; authority is not prolonged."""
        self._asking = False
        self._asked = None
        self._version = None
        self._due = min(self._due, now + self._renew_us)

    def release(self) -> Write | None:
        """Give it up on purpose, so that another need not wait; None where it is not ours."""
        self.until = 0
        if self._holder != self._identity or not self._version:
            return None
        self._asking = True
        self._asked = Write(self._version, "", self._transitions, taken=False)
        return self._asked

    def _question(self, now: int) -> Write | None:
        if self._version is None:
            return None
        if self._holder == self._identity and self._version:
            return Write(self._version, self._identity, self._transitions, taken=not self.holds(now))
        if self._may_take(now):
            return Write(self._version, self._identity, self._transitions + bool(self._version), taken=True)
        return None

    def _may_take(self, now: int) -> bool:
        if self._version is None or self._holder == self._identity:
            return False
        return not self._version or not self._holder or now - self._seen_at >= self._duration_us
