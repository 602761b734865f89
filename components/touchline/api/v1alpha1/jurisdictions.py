"""Where a bettor bets from, as ISO 3166 codes."""

from __future__ import annotations

from typing import Annotated

from touchline.api.types.rules import Shape

Jurisdiction = Annotated[
    str,
    Shape(
        pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$",
        max_length=6,
        says="must be an ISO 3166 code such as GB or US-NJ",
    ),
]
JurisdictionOrAll = Annotated[
    str,
    Shape(
        pattern=r"^(\*|[A-Z]{2}(-[A-Z0-9]{1,3})?)$",
        max_length=6,
        says="must be * or an ISO 3166 code such as GB or US-NJ",
    ),
]
