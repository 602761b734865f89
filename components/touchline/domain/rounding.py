"""Exact rounding of rationals to integers, and the text of an integer number of millionths.

Half-even ("banker's rounding") is the one rule of this package: it has no drift when many prices are rounded.
"""

MILLION = 1_000_000


def divide_half_even(numerator: int, denominator: int) -> int:
    """`numerator / denominator` to the nearest integer, a tie to the even one. The denominator must be positive."""
    quotient, rest = divmod(numerator, denominator)
    twice = 2 * rest
    if twice > denominator or (twice == denominator and quotient & 1):
        return quotient + 1
    return quotient


def millionths_text(millionths: int, least_decimals: int = 0) -> str:
    """Shortest exact decimal text of `millionths / 1,000,000` with at least `least_decimals` (0-6) decimals."""
    sign = "-" if millionths < 0 else ""
    whole, part = divmod(abs(millionths), MILLION)
    decimals = f"{part:06d}".rstrip("0").ljust(least_decimals, "0")
    return f"{sign}{whole}.{decimals}" if decimals else f"{sign}{whole}"
