"""The six ways in which bookmakers write a price, and what is said when a text is not one.

Each format names the same thing, the profit `b` on a stake of one unit (decimal odds are `b + 1`):

format      a price that pays b                      example b = 10/11   example b = 3/2
American    100 b from +100 up, -100 / b below       -110                +150
Decimal     b + 1                                    1.909091            2.50
Fractional  b as a fraction                          10/11               3/2
HongKong    b                                        0.909091            1.5
Indonesian  b from 1 up, -1 / b below                -1.1                1.5
Malay       b up to 1, -1 / b above                  0.909091            -0.666667
"""

from enum import StrEnum

SHOWN_CHARACTERS = 40
"""How much of a refused text an error repeats: a corrupt message may be megabytes long."""


class PriceFormat(StrEnum):
    """How a provider writes its prices. `code` is the letter that stands for it on the wire."""

    AMERICAN = "American"
    DECIMAL = "Decimal"
    FRACTIONAL = "Fractional"
    HONG_KONG = "HongKong"
    INDONESIAN = "Indonesian"
    MALAY = "Malay"

    @property
    def code(self) -> str:
        """One letter: A, D, F, H, I or M."""
        return self.value[0]

    @classmethod
    def from_code(cls, code: str) -> "PriceFormat":
        """The format that a wire letter stands for.

        Raises:
            PriceError: no format has this letter.
        """
        try:
            return _BY_CODE[code]
        except KeyError:
            raise PriceError(code, None, f"a price format is one of the letters {' '.join(_BY_CODE)}") from None


_BY_CODE = {price_format.code: price_format for price_format in PriceFormat}


class PriceError(ValueError):
    """A text or number that is not a price; permanent: the same input never becomes one.

    `text` is what was refused (its first characters), `format` what it was read as (None where that is not the
    question), `rule` the rule that it breaks.
    """

    def __init__(self, text: str, price_format: PriceFormat | None, rule: str) -> None:
        shown = text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"
        subject = f"{price_format} price {shown!r}" if price_format else repr(shown)
        super().__init__(f"{subject}: {rule}")
        self.text = shown
        self.format = price_format
        self.rule = rule

    def __reduce__(self) -> tuple[type["PriceError"], tuple[str, PriceFormat | None, str]]:
        return type(self), (self.text, self.format, self.rule)
