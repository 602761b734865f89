"""Entries of a map from CSV text."""

import pytest

from touchline.api.entity_source import expand_source
from touchline.api.errors import InvalidSource
from touchline.api.v1alpha1.entity_map import EntityMapSpec, EntitySource

SPEC = EntityMapSpec.model_validate(
    {
        "sport": "Football",
        "leagues": [{"id": "epl", "name": "Premier League"}],
        "teams": [{"id": "arsenal", "name": "Arsenal", "league": "epl", "aliases": [{"name": "Gunners"}]}],
    }
)
HEAD = "kind,id,name,parent,alias_name,alias_id,provider,protocol\n"


def test_lines_of_one_id_are_one_entry_with_several_aliases() -> None:
    text = f"{HEAD}team,chelsea,Chelsea,epl,CFC,,a,\nteam,chelsea,Chelsea,epl,,38,,Pinnacle\n\nplayer,saka,Bukayo Saka,arsenal,,,,\n"
    spec = expand_source(SPEC, text)
    assert [team.id for team in spec.teams] == ["arsenal", "chelsea"]
    chelsea = spec.teams[1]
    assert (chelsea.name, chelsea.league) == ("Chelsea", "epl")
    assert [alias.to_wire() for alias in chelsea.aliases] == [
        {"name": "CFC", "provider": "a"},
        {"id": "38", "protocol": "Pinnacle"},
    ]
    assert (spec.players[0].team, spec.players[0].aliases) == ("arsenal", ())
    assert spec.leagues == SPEC.leagues


def test_an_entry_that_the_map_has_already_gets_the_aliases_too() -> None:
    spec = expand_source(SPEC, "kind,id,name,alias_name\nteam,arsenal,Arsenal,AFC\n")
    assert [alias.name for alias in spec.teams[0].aliases] == ["Gunners", "AFC"]
    assert spec.teams[0].league == "epl"


def test_cells_may_be_quoted() -> None:
    spec = expand_source(SPEC, 'kind,id,name\nleague,x,"Cup, the"\n')
    assert spec.leagues[1].name == "Cup, the"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("id,name\nx,y\n", "line 1: the first line must name columns"),
        ("kind,id,name,nmae\n", "line 1: the first line must name columns"),
        ("kind,id,name,name\n", "line 1: the first line must name columns"),
        ("kind,id,name\nclub,x,X\n", "line 2: kind must be league, team or player, not 'club'"),
        ("kind,id,name\nteam,x\n", "line 2: has 2 cells, but the first line names 3 columns"),
        ("kind,id,name\nteam,a.b,X\n", "line 2: id: must be an id"),
        ("kind,id,name\nteam,,X\n", "line 2: id: must be given"),
        (f"{HEAD}team,x,X,,A,,p,Pinnacle\n", "line 2: aliases[0]: may not have more than one of: provider, protocol"),
        ('kind,id,name\nteam,"x,X\n', "is not CSV"),
    ],
)
def test_a_mistake_is_told_with_its_line(text: str, told: str) -> None:
    with pytest.raises(InvalidSource) as refused:
        expand_source(SPEC, text)
    assert told in str(refused.value)


def test_text_without_lines_adds_nothing() -> None:
    assert expand_source(SPEC, "") == SPEC


def test_the_result_keeps_to_the_bounds_of_a_map_and_is_complete() -> None:
    spec = SPEC.model_copy(update={"source": EntitySource.model_validate({"configMapRef": {"name": "a", "key": "b"}})})
    lines = [f"team,t{number},T{number}" for number in range(2000)]
    assert expand_source(spec, "\n".join(["kind,id,name", *lines[1:]])).source is None
    with pytest.raises(
        InvalidSource, match="line 2001: teams: must have at most 2000 items, not 2001; spread the lines"
    ):
        expand_source(spec, "\n".join(["kind,id,name", *lines]))
