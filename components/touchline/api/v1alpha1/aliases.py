"""How one thing is called by a provider: by name, by id, by position, for one provider or one protocol."""

from __future__ import annotations

import fnmatch
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from touchline.api.types.block import Block, Whole
from touchline.api.types.decimals import Line
from touchline.api.types.lists import ListAtomic
from touchline.api.types.references import LabelName, Text
from touchline.api.types.rules import Rule, Shape, at_most_one
from touchline.api.v1alpha1.protocols import Protocol

Pattern = Annotated[
    str,
    Shape(
        pattern=r"^[^\x00-\x1f\[\]]+$",
        max_length=256,
        says="must be text in which * stands for any text and ? for one character, without [ and ]",
    ),
]
ProviderId = Annotated[str, Shape(pattern=r"^[^\x00-\x1f]+$", max_length=128, says="must be an id on one line")]

_ONE_SCOPE = at_most_one(("provider", "provider"), ("protocol", "protocol"))


class Scoped(Block):
    """Something that holds for one provider, for one protocol, or, where neither is named, for all."""

    rules: ClassVar[tuple[Rule, ...]] = (_ONE_SCOPE,)

    provider: LabelName | None = Field(default=None, description="FeedProvider that says so; left out, any.")
    protocol: Protocol | None = Field(
        default=None,
        description="Protocol whose providers say so; a Replay counts as the protocol that it plays. Left out, any.",
    )

    def applies_to(self, *, provider: str, protocol: str) -> bool:
        """Whether a provider of that name and spoken protocol (`FeedProviderSpec.spoken`) may use this."""
        return (self.provider is None or self.provider == provider) and (
            self.protocol is None or self.protocol == protocol
        )


class Alias(Scoped):
    """What a provider calls a league, team or player."""

    rules: ClassVar[tuple[Rule, ...]] = (
        _ONE_SCOPE,
        Rule(
            cel="has(self.name) || has(self.id)",
            message="must have name, id or both",
            holds=lambda alias: alias.name is not None or alias.id is not None,
        ),
    )

    name: Text | None = Field(default=None, description="The provider's name, compared without regard to case.")
    id: ProviderId | None = Field(default=None, description="The provider's id, compared exactly.")


class IdAlias(Scoped):
    """A provider's id of a sport or an event."""

    id: ProviderId = Field(description="The provider's id, compared exactly.")


class SelectionAlias(Scoped):
    """What a provider calls a selection."""

    rules: ClassVar[tuple[Rule, ...]] = (
        _ONE_SCOPE,
        Rule(
            cel="has(self.name) || has(self.id) || has(self.namePattern) || has(self.position)",
            message="must have one of name, id, namePattern or position",
            holds=lambda alias: (
                (alias.name or alias.id or alias.name_pattern) is not None or alias.position is not None
            ),
        ),
    )

    name: Text | None = Field(default=None, description="The provider's name, compared without regard to case.")
    id: ProviderId | None = Field(default=None, description="The provider's id, compared exactly.")
    name_pattern: Pattern | None = Field(
        default=None, description="Pattern of the provider's name, as in Over *, compared without regard to case."
    )
    position: Whole | None = Field(
        default=None,
        ge=1,
        le=1000,
        description="Place in the provider's own order of the market, for feeds that send no names. Tried last.",
    )


class LineSource(StrEnum):
    """Where the line of a market is found in a provider's message."""

    SELECTION_HANDICAP = "SelectionHandicap"
    SPECIFIER = "Specifier"


class MarketTypeAlias(Scoped):
    """What a provider calls a market type, and how it tells the line."""

    rules: ClassVar[tuple[Rule, ...]] = (
        _ONE_SCOPE,
        Rule(
            cel="has(self.name) || has(self.id) || has(self.namePattern)",
            message="must have one of name, id or namePattern",
            holds=lambda alias: (alias.name or alias.id or alias.name_pattern) is not None,
        ),
        at_most_one(("line", "line"), ("line_from", "lineFrom")),
        Rule(
            cel="has(self.specifier) == (has(self.lineFrom) && self.lineFrom == 'Specifier')",
            message="must have specifier exactly when lineFrom is Specifier",
            holds=lambda alias: (alias.specifier is not None) == (alias.line_from == LineSource.SPECIFIER),
        ),
    )

    name: Text | None = Field(default=None, description="The provider's name, compared without regard to case.")
    id: ProviderId | None = Field(default=None, description="The provider's id, compared exactly.")
    name_pattern: Pattern | None = Field(
        default=None, description="Pattern of the provider's name, compared without regard to case."
    )
    line: Line | None = Field(default=None, description="The line that the name stands for: 2.5 of OVER_UNDER_25.")
    line_from: LineSource | None = Field(
        default=None,
        description="Where the line is in the message: each selection's handicap, or a specifier of the market.",
    )
    specifier: Text | None = Field(default=None, description="Name of the specifier, such as total.")


Aliases = Annotated[tuple[Alias, ...], ListAtomic(max_items=16)]
IdAliases = Annotated[tuple[IdAlias, ...], ListAtomic(max_items=16)]


def name_matches(pattern: str, name: str) -> bool:
    """Whether a provider's name fits a pattern, without regard to case. `*` is any text, `?` one character."""
    return fnmatch.fnmatchcase(name.casefold(), pattern.casefold())
