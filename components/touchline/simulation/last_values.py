"""The last-value cache: each shard's states, kept by a store of its own that refuses lower epochs."""

from touchline.bus.wire import unpack
from touchline.simulation.scheduler import Scheduler


class LastValues:
    """As the script in Valkey does it: a write in a lower epoch than the shard's is refused, a higher one empties the hash first."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._values: dict[int, dict[str, bytes]] = {}
        self._epochs: dict[int, int] = {}

    def send(self, shard: int, epoch: int, frames: list[tuple[str, bytes]]) -> None:
        """A write on its way; what becomes of it nobody is told."""
        self._scheduler.after(self._scheduler.between(1, 30) * 1_000, self.write, shard, epoch, frames)

    def write(self, shard: int, epoch: int, frames: list[tuple[str, bytes]]) -> None:
        """Whole states of some markets; nothing where the epoch is refused."""
        if epoch < self._epochs.get(shard, 0):
            return
        if epoch > self._epochs.get(shard, 0):
            self._values[shard] = {}
        self._epochs[shard] = epoch
        values = self._values.setdefault(shard, {})
        for subject, payload in frames:
            values[unpack(payload).market] = subject.encode() + b"\n" + payload

    def read(self, shard: int) -> list[bytes]:
        return list(self._values.get(shard, {}).values())
