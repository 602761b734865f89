"""Whose words an alias is, and what a pattern means."""

import pytest

from touchline.api.v1alpha1.aliases import Alias, SelectionAlias, name_matches


@pytest.mark.parametrize(
    ("fields", "provider", "protocol", "applies"),
    [
        ({}, "any", "Pinnacle", True),
        ({"provider": "a"}, "a", "Pinnacle", True),
        ({"provider": "a"}, "b", "Pinnacle", False),
        ({"protocol": "BetfairStream"}, "a", "BetfairStream", True),
        ({"protocol": "BetfairStream"}, "b", "BetfairStream", True),
        ({"protocol": "BetfairStream"}, "a", "Pinnacle", False),
    ],
)
def test_an_alias_holds_for_its_provider_its_protocol_or_everybody(
    fields: dict[str, str], provider: str, protocol: str, applies: bool
) -> None:
    alias = Alias.model_validate({"name": "x", **fields})
    assert alias.applies_to(provider=provider, protocol=protocol) is applies


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("Over *", "Over 2.5 Goals", True),
        ("Over *", "OVER 2.5 goals", True),
        ("Over *", "Under 2.5 Goals", False),
        ("Over *", "Overtime", False),
        ("*", "", True),
        ("Set ?", "Set 1", True),
        ("Set ?", "Set 10", False),
        ("a.c", "abc", False),
    ],
)
def test_a_pattern_has_a_star_and_a_question_mark_and_ignores_case(pattern: str, name: str, fits: bool) -> None:
    assert name_matches(pattern, name) is fits


def test_a_pattern_may_not_hold_character_classes() -> None:
    with pytest.raises(ValueError, match="without"):
        SelectionAlias.model_validate({"namePattern": "Over [0-9]"})
