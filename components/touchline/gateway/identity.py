"""Who a client is. Anonymous clients have an identity too, made up by whoever accepts the connection."""

from typing import NamedTuple

ANY_JURISDICTION = "any"
NEVER_EXPIRES = 0


class Identity(NamedTuple):
    """`customer` owns bets; `jurisdiction` is where the bettor bets from; `expires` in epoch microseconds (0: never)."""

    customer: str
    jurisdiction: str = ANY_JURISDICTION
    expires: int = NEVER_EXPIRES
