"""What counts as a difference between a plan and what is live: this decides whether anything is written."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline_operator.kube.differs import difference

scalars = st.one_of(st.text(max_size=8), st.integers(-5, 5), st.booleans())
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=5), inner, max_size=4)),
    max_leaves=12,
)
objects = st.dictionaries(st.text(min_size=1, max_size=5), values, max_size=4)


@given(objects)
def test_20_a_plan_never_differs_from_itself(planned: dict[str, Any]) -> None:
    assert difference(planned, copy.deepcopy(planned)) is None


@given(objects, objects)
def test_23_fields_that_others_added_are_no_difference(planned: dict[str, Any], foreign: dict[str, Any]) -> None:
    assert difference(planned, {**foreign, **planned}) is None


@given(objects, st.text(min_size=1, max_size=5), st.integers(1, 9))
def test_21_a_value_that_was_edited_is_a_difference(planned: dict[str, Any], name: str, value: int) -> None:
    assert difference({**planned, name: value}, {**planned, name: value + 1}) == f".{name}"


@pytest.mark.parametrize(
    ("planned", "live"),
    [
        pytest.param({"ports": []}, {}, id="an empty list and none"),
        pytest.param({"selector": {}}, {}, id="an empty object and none"),
        pytest.param({"suspend": False}, {}, id="false and none"),
        pytest.param(
            {"containers": [{"name": "book"}]},
            {"containers": [{"name": "mesh"}, {"name": "book", "imagePullPolicy": "Always"}]},
            id="a container that a mesh put in front",
        ),
        pytest.param(
            {"volumeMounts": [{"name": "tmp", "mountPath": "/a"}, {"name": "tmp", "mountPath": "/b"}]},
            {"volumeMounts": [{"name": "tmp", "mountPath": "/b"}, {"name": "tmp", "mountPath": "/a"}]},
            id="mounts of one volume are told apart by their path",
        ),
        pytest.param({"averageValue": "10000"}, {"averageValue": "10k"}, id="one amount in two writings"),
        pytest.param({"storage": "1024Mi"}, {"storage": "1Gi"}, id="one amount in two units"),
    ],
)
def test_20_what_the_api_server_and_others_add_is_no_difference(planned: dict[str, Any], live: dict[str, Any]) -> None:
    assert difference(planned, live) is None


@pytest.mark.parametrize(
    ("planned", "live", "path"),
    [
        ({"replicas": 2}, {"replicas": 3}, ".replicas"),
        ({"a": {"b": [{"name": "x", "v": 1}]}}, {"a": {"b": [{"name": "x", "v": 2}]}}, ".a.b[0].v"),
        ({"containers": [{"name": "book"}]}, {"containers": [{"name": "mesh"}]}, ".containers[0]"),
        ({"command": ["a", "b"]}, {"command": ["a"]}, ".command"),
        ({"command": ["a", "b"]}, {"command": ["b", "a"]}, ".command[0]"),
        ({"to": [{"podSelector": {}}]}, {"to": []}, ".to"),
        ({"memory": "1Gi"}, {"memory": "2Gi"}, ".memory"),
        ({"value": "10000"}, {"value": "10k"}, ".value"),
    ],
)
def test_21_an_edit_is_found_with_its_path(planned: dict[str, Any], live: dict[str, Any], path: str) -> None:
    assert difference(planned, live) == path
