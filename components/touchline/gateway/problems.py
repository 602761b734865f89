"""Problem documents (RFC 9457): one shape for every error, over HTTP and in `error` frames."""

from collections.abc import Iterable
from typing import Any, NamedTuple

TYPE_BASE = "https://touchline.dev/problems/"


class Fault(NamedTuple):
    """One thing that is wrong with what was sent. `pointer` is a JSON pointer (RFC 6901) into it."""

    pointer: str
    detail: str


class Problem(Exception):
    """An answer that is an error. `slug` names its kind for programs, `detail` says what happened for people."""

    def __init__(
        self,
        status: int,
        slug: str,
        title: str,
        detail: str = "",
        faults: Iterable[Fault] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail or title)
        self.status = status
        self.slug = slug
        self.title = title
        self.detail = detail
        self.faults = tuple(faults)
        self.headers = headers or {}

    def document(self) -> dict[str, Any]:
        """The document itself."""
        document: dict[str, Any] = {"type": TYPE_BASE + self.slug, "title": self.title, "status": self.status}
        if self.detail:
            document["detail"] = self.detail
        if self.faults:
            document["errors"] = [{"pointer": fault.pointer, "detail": fault.detail} for fault in self.faults]
        return document


def malformed(detail: str, faults: Iterable[Fault] = ()) -> Problem:
    """What was sent has not the declared form."""
    return Problem(422, "malformed", "The request is malformed", detail, faults)


def pointer(path: Iterable[str | int]) -> str:
    """A JSON pointer from the steps of a path."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)
