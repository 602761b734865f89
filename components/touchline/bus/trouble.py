"""Trouble that is met again with each try: told when it begins and when it becomes another, not ten times a second."""

import logging


class Trouble:
    """What is wrong at present, by what it is about."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._told: dict[str, str] = {}

    def tell(self, text: str, *, about: str = "") -> None:
        """Warn, unless this is what was said of it last."""
        if self._told.get(about) != text:
            self._told[about] = text
            self._log.warning("%s", text)

    def over(self, *, about: str | None = None) -> None:
        """It works (all of it, where nothing is named): the next trouble is news."""
        if about is None:
            self._told.clear()
        else:
            self._told.pop(about, None)
