"""What runs while a `with` lasts: processes that end with it, however it ends."""

from abc import abstractmethod
from types import TracebackType
from typing import ClassVar, Self

from touchline_e2e import programs
from touchline_e2e.access import Access
from touchline_e2e.processes import Processes


class Lifetime(Access):
    """An API server of ours and what belongs to it.

    Attributes:
        processes: what runs, with its logs.
    """

    NEEDS: ClassVar[tuple[str, ...]]
    """Programs without which it cannot begin (`touchline_e2e.programs`)."""

    processes: Processes

    def __enter__(self) -> Self:
        self._check()
        self.processes = Processes()
        try:
            self._start()
        except BaseException:
            self.processes.end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.processes.end()

    def _check(self) -> None:
        """Raises an error that names what is missing, before anything runs."""
        for name in self.NEEDS:
            programs.find(name)

    @abstractmethod
    def _start(self) -> None:
        """Start everything. What runs when it fails is ended."""
