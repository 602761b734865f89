"""Lines of markets (2.5 goals, a handicap of -1.5) in one canonical text."""

from decimal import Decimal, InvalidOperation

from touchline.domain.keys import LINE_PATTERN

MAX_TEXT = 16


def canonical_line(text: str) -> str:
    """The shortest text of a line, without a plus sign or trailing zeros: `+2.50` -> `2.5`, `-0` -> `0`.

    Raises:
        ValueError: it is not a plain decimal number of at most six digits and four decimals.
    """
    try:
        number = Decimal(text.strip()) if len(text) <= MAX_TEXT else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite() or abs(number) >= 10**6 or number != round(number, 4):
        raise ValueError(f"{text!r} is not a line (expected {LINE_PATTERN})")
    plain = f"{number.normalize():f}"
    return "0" if plain == "-0" else plain


def mirrored(line: str) -> str:
    """The same handicap seen from the other side."""
    return canonical_line(str(-Decimal(line)))


def specifier(text: str, name: str) -> str:
    """One specifier of a market that carries several, `total=2.5|mapnr=1`; empty where it is missing.

    A text without any `=` is a single value and stands for whatever is asked.
    """
    if "=" not in text:
        return text
    for part in text.split("|"):
        key, _, value = part.partition("=")
        if key.strip() == name:
            return value.strip()
    return ""
