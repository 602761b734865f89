"""Ids made of a provider's own words, for EntityMaps with `unmatched: Accept`."""

import re
import unicodedata
from functools import lru_cache

_BREAK = re.compile(r"[^a-z0-9]+")
MAX_LENGTH = 63


@lru_cache(maxsize=1 << 14)
def accepted_id(text: str) -> str:
    """A token for any text: `São Paulo FC` -> `sao-paulo-fc`.

    Latin letters lose their accents and everything but letters and digits becomes one `-`. A text with nothing of that kind gives
    its code points in hexadecimal, so that two such names stay apart.
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii").lower()
    words = _BREAK.sub("-", plain).strip("-") or "-".join(f"{ord(character):x}" for character in text) or "unnamed"
    return words[:MAX_LENGTH].strip("-")
