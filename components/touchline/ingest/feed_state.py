"""The state that beats report: the session's word, and what ingest itself must add before a price may be trusted. Pure.

A recovery is complete for the book only when every market that it brought has its event's id and a resync set is numbered.
A gap, or a capture that cannot store, holds whatever the session says.
"""

from touchline.domain.status import ProviderState

FINISH_US = 10_000_000
"""How long the end of a recovery waits for look-ups; after that it is declared with what is known."""
_LIVE = {ProviderState.CONNECTED, ProviderState.UNRELIABLE}


class FeedState:
    """The state of one provider's feed."""

    def __init__(self) -> None:
        self._said = ProviderState.DISCONNECTED
        self._detail = "not connected yet"
        self._finishing_until = 0
        self._gap = ""
        self.hold = ""
        """Set by reception: why data cannot be trusted though it arrives (`raw capture …`)."""

    def session(self, now: int, state: ProviderState, detail: str) -> None:
        """The session's word. Coming alive after anything else ends a recovery (`finish`)."""
        if state in _LIVE and self._said not in _LIVE:
            self._finishing_until = now + FINISH_US
        if state not in _LIVE:
            self._finishing_until = 0
        if state != ProviderState.UNRELIABLE:
            self._gap = ""
        self._said, self._detail = state, detail

    def gap(self, detail: str) -> None:
        """Messages are missing: held until the session's next recovery is complete."""
        self._gap = detail
        if self._said in _LIVE:
            self._said = ProviderState.RECOVERING

    def finish(self, now: int, pending: int) -> bool:
        """Whether a recovery ends at this moment: then a resync set must be sent before the next beat."""
        if not self._finishing_until or (pending and now < self._finishing_until):
            return False
        self._finishing_until = 0
        return True

    @property
    def state(self) -> ProviderState:
        """What the beat says."""
        if self._said in _LIVE:
            if self._finishing_until:
                return ProviderState.RECOVERING
            if self.hold:
                return ProviderState.UNRELIABLE
        return self._said

    @property
    def detail(self) -> str:
        """Why, in words."""
        if self._said in _LIVE and self._finishing_until:
            return "recovered; the ids of its events are being looked up"
        if self._said in _LIVE and self.hold:
            return self.hold
        return self._gap or self._detail
