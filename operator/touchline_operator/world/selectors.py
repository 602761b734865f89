"""Which Market classes of a namespace can meet a selector, without looking at all of them.

For each of sports, leagues and market types: class names by the word that they narrow to, and the classes that narrow nothing there. A
selector can only meet classes that share a word with it in every dimension, so the smallest dimension's candidates are enough to look at.
"""

from touchline.api.selectors import ALL, overlap, specificity
from touchline.api.v1alpha1.market import Selector

_DIMENSIONS = ("sports", "leagues", "market_types")
_Names = dict[str, None]


class SelectorIndex:
    """The selectors of one namespace's Markets, by name."""

    def __init__(self) -> None:
        self._selectors: dict[str, Selector] = {}
        self._words: dict[str, dict[str, _Names]] = {dimension: {} for dimension in _DIMENSIONS}

    def put(self, name: str, selector: Selector) -> None:
        """Add or replace one class."""
        self.remove(name)
        self._selectors[name] = selector
        for dimension in _DIMENSIONS:
            for word in _words(selector, dimension):
                self._words[dimension].setdefault(word, {})[name] = None

    def remove(self, name: str) -> None:
        """Forget one class, if it is known."""
        selector = self._selectors.pop(name, None)
        if selector is None:
            return
        for dimension in _DIMENSIONS:
            for word in _words(selector, dimension):
                names = self._words[dimension][word]
                del names[name]
                if not names:
                    del self._words[dimension][word]

    def rivals(self, name: str, selector: Selector) -> list[str]:
        """Names of the other classes, in order, that are as specific and can match the same market."""
        level = specificity(selector)
        found = []
        for other in self._candidates(selector):
            theirs = self._selectors[other]
            if other != name and specificity(theirs) == level and overlap(selector, theirs):
                found.append(other)
        return sorted(found)

    def _candidates(self, selector: Selector) -> _Names:
        smallest: _Names | None = None
        for dimension in _DIMENSIONS:
            words = _words(selector, dimension)
            if words == (ALL,):
                continue
            names: _Names = {}
            for word in (*words, ALL):
                names |= self._words[dimension].get(word, {})
            if smallest is None or len(names) < len(smallest):
                smallest = names
        return dict.fromkeys(self._selectors) if smallest is None else smallest


def _words(selector: Selector, dimension: str) -> tuple[str, ...]:
    words: tuple[str, ...] = getattr(selector, dimension)
    return (ALL,) if not words or ALL in words else words
