"""Which module makes which trigger."""

from collections.abc import Callable

from touchline.book.config import TriggerConfig
from touchline.book.triggers.base import Trigger
from touchline.book.triggers.event_status import EventStatus
from touchline.book.triggers.feed_delay import FeedDelay
from touchline.book.triggers.price_move import PriceMove
from touchline.book.triggers.provider_disagreement import ProviderDisagreement
from touchline.book.triggers.provider_disconnect import ProviderDisconnect
from touchline.book.triggers.sequence_gap import SequenceGap
from touchline.domain.reasons import HoldReason

TRIGGERS: dict[HoldReason, Callable[[TriggerConfig], Trigger]] = {
    HoldReason.FEED_DELAY: FeedDelay,
    HoldReason.PRICE_MOVE: PriceMove,
    HoldReason.PROVIDER_DISCONNECT: ProviderDisconnect,
    HoldReason.EVENT_STATUS: EventStatus,
    HoldReason.PROVIDER_DISAGREEMENT: ProviderDisagreement,
    HoldReason.SEQUENCE_GAP: SequenceGap,
}
"""Liability is missing: it needs the desk's figures, which the book does not have yet (`touchline.api.unsupported`)."""


def make_trigger(config: TriggerConfig) -> Trigger | None:
    """The trigger of a configuration, or None where its type is not built."""
    maker = TRIGGERS.get(config.type)
    return maker(config) if maker is not None else None
