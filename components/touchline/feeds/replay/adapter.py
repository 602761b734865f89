"""One FeedProvider with protocol Replay, made into a session and a way to open its file."""

import asyncio
from dataclasses import dataclass

from touchline.api.v1alpha1.feed_provider import FeedProviderSpec
from touchline.feeds.errors import FeedSetupError
from touchline.feeds.interface import Session, Transport
from touchline.feeds.replay.recording import Recording
from touchline.feeds.replay.session import ReplaySession
from touchline.feeds.replay.transport import Progress, ReplayTransport


@dataclass(frozen=True)
class ReplayOptions:
    """`speed` None: as fast as it goes."""

    file: str
    speed: float | None = 1.0
    loop: bool = False
    heartbeat_us: int = 1_000_000


class ReplayAdapter:
    """Implements `touchline.feeds.interface.Adapter`; `progress` says how far it has come."""

    def __init__(self, options: ReplayOptions) -> None:
        self.options = options
        self.progress = Progress()
        self.session: Session = ReplaySession(
            options.file, speed=options.speed, heartbeat_us=options.heartbeat_us, loop=options.loop
        )

    async def connect(self) -> Transport:
        recording = await asyncio.to_thread(Recording, self.options.file)
        return ReplayTransport(recording, self.options.speed, loop=self.options.loop, progress=self.progress)


def replay_adapter(spec: FeedProviderSpec) -> ReplayAdapter:
    """The adapter of a FeedProvider.

    Raises:
        FeedSetupError: the block is missing.
    """
    block = spec.replay
    if block is None:
        raise FeedSetupError("spec.replay is missing")
    return ReplayAdapter(ReplayOptions(block.file, block.factor, block.loop, block.heartbeat.micros))
