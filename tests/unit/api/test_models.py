"""What holds for every model: closed, frozen, described, strict, and unchanged by a round trip."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

import touchline.api
from support.manifests import objects, sample
from touchline.api import KINDS, InvalidResource, Market, OddsEngine, UnknownKind, parse_resource
from touchline.api.faults import fields_at
from touchline.api.types.block import Block
from touchline.api.types.rules import Rule
from touchline.api.v1alpha1.feed_provider import PROTOCOL_BLOCKS, FeedProviderSpec
from touchline.api.v1alpha1.protocols import Protocol
from touchline.api.v1alpha1.triggers import Trigger, TriggerType
from touchline.domain.reasons import HoldReason


def blocks(model: type[Block] = Block) -> Iterator[type[Block]]:
    for child in model.__subclasses__():
        yield child
        yield from blocks(child)


def specs() -> list[type[Block]]:
    return sorted(
        {block for block in blocks() if ".v1alpha1." in block.__module__}, key=lambda block: block.__qualname__
    )


def test_the_package_exports_exactly_its_public_names() -> None:
    for name in touchline.api.__all__:
        assert hasattr(touchline.api, name)
    assert list(touchline.api.__all__) == sorted(touchline.api.__all__, key=lambda name: (not name.isupper(), name))


def test_there_are_eight_kinds_each_named_after_its_model() -> None:
    assert list(KINDS) == [
        *(
            "OddsEngine",
            "FeedProvider",
            "Market",
            "SuspensionPolicy",
            "EntityMap",
            "Region",
            "FailoverDrill",
            "InsightModel",
        )
    ]
    assert all(model.__name__ == kind for kind, model in KINDS.items())


@pytest.mark.parametrize("block", specs(), ids=lambda block: block.__qualname__)
def test_every_block_is_closed_frozen_documented_and_every_field_described(block: type[Block]) -> None:
    assert block.__doc__
    assert block.model_config["frozen"]
    for name, field in block.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), field.description


@pytest.mark.parametrize("block", specs(), ids=lambda block: block.__qualname__)
def test_every_rule_says_must_or_may_not(block: type[Block]) -> None:
    for rule in block.rules:
        assert isinstance(rule, Rule)
        assert rule.message.startswith(("must ", "may not ")), rule.message


@pytest.mark.parametrize("obj", objects(), ids=lambda obj: f"{obj['kind']}-{obj['metadata']['name']}")
def test_an_object_survives_the_way_to_the_wire_and_back(obj: dict[str, Any]) -> None:
    resource = parse_resource(obj)
    again = parse_resource(resource.to_wire())
    assert again == resource
    assert again.to_wire() == resource.to_wire()


def test_decimals_reach_the_wire_exactly_as_written() -> None:
    obj = sample("Market", "football-winner-prematch")
    obj["spec"]["betting"]["stake"] = {"min": "1.0", "max": "20.000"}
    resource = parse_resource(obj)
    assert resource.to_wire()["spec"]["betting"]["stake"] == {"min": "1.0", "max": "20.000"}


def test_the_defaults_of_a_market_are_safe_ones() -> None:
    market = parse_resource(
        {
            "apiVersion": "touchline.dev/v1alpha1",
            "kind": "Market",
            "metadata": {"name": "m"},
            "spec": {"feeds": {"providers": [{"name": "p"}]}, "suspensionPolicyRef": {"name": "s"}},
        }
    )
    assert isinstance(market, Market)
    assert market.spec.freshness.max_age.micros == 1_000_000
    assert market.spec.betting.price_change == "AcceptBetter"
    assert market.spec.betting.stake.max.micros == 1000_000_000
    assert market.spec.suspended is False
    assert market.namespace == "default"


def test_an_engine_never_lets_anybody_in_by_default() -> None:
    obj = sample("OddsEngine", "main")
    obj["spec"]["gateway"] = {}
    with pytest.raises(InvalidResource, match=r"spec.gateway.auth: must be given"):
        parse_resource(obj)


def test_every_protocol_has_exactly_one_block_named_after_it() -> None:
    assert [protocol for protocol, _, _ in PROTOCOL_BLOCKS] == list(Protocol)
    for protocol, attribute, wire in PROTOCOL_BLOCKS:
        assert wire == protocol[0].lower() + protocol[1:]
        assert FeedProviderSpec.model_fields[attribute].alias == wire


def test_a_provider_with_the_block_of_another_protocol_is_refused() -> None:
    obj = sample("FeedProvider", "betfair-a")
    obj["spec"]["replay"] = {"file": "x"}
    with pytest.raises(InvalidResource, match="must have replay exactly when protocol is Replay"):
        parse_resource(obj)
    del obj["spec"]["replay"], obj["spec"]["betfairStream"]
    with pytest.raises(InvalidResource, match="must have betfairStream exactly when protocol is BetfairStream"):
        parse_resource(obj)


def test_every_trigger_type_is_the_reason_of_a_hold() -> None:
    assert {kind.value for kind in TriggerType} <= {reason.value for reason in HoldReason}


def test_a_trigger_without_its_block_is_refused() -> None:
    with pytest.raises(ValidationError, match="must have priceMove exactly when type is PriceMove"):
        Trigger.model_validate({"name": "x", "type": "PriceMove"})


def test_a_replay_counts_as_the_protocol_that_it_plays() -> None:
    provider = parse_resource(sample("FeedProvider", "recording"))
    assert isinstance(provider, touchline.api.FeedProvider)
    assert (provider.spec.protocol, provider.spec.spoken) == (Protocol.REPLAY, Protocol.BETFAIR_STREAM)


def test_the_name_of_an_object_is_one_token() -> None:
    obj = sample("OddsEngine", "main")
    for name in ("a.b", "A", "-a", "a" * 64, "a>b", ""):
        obj["metadata"]["name"] = name
        with pytest.raises(InvalidResource, match=r"metadata\.name"):
            parse_resource(obj)


def test_metadata_that_the_api_server_adds_is_read_over() -> None:
    obj = sample("OddsEngine", "main")
    obj["metadata"] |= {
        "uid": "1",
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "managedFields": [{"manager": "kubectl"}],
    }
    obj["status"] = {"conditions": [], "addedByANewerOperator": 1}
    engine = parse_resource(obj)
    assert isinstance(engine, OddsEngine)
    assert engine.metadata.uid == "1"


@pytest.mark.parametrize(
    ("obj", "told"),
    [
        ({}, "kind: must name the kind"),
        ({"kind": "Market"}, "apiVersion: must name the version"),
        ({"apiVersion": "touchline.dev/v1", "kind": "Market"}, "write touchline.dev/v1alpha1"),
        ({"apiVersion": "touchline.dev/v1alpha1", "kind": "Markt"}, 'did you mean "Market"'),
        ({"apiVersion": "touchline.dev/v1alpha1", "kind": "Zebra"}, "one of OddsEngine, FeedProvider"),
        ({"apiVersion": "apps/v1", "kind": "Deployment"}, "no resource of Touchline"),
    ],
)
def test_an_object_that_is_none_of_ours_is_told_why(obj: dict[str, Any], told: str) -> None:
    with pytest.raises(UnknownKind) as refused:
        parse_resource(obj)
    assert told in str(refused.value)


def test_fields_are_found_through_lists_and_optional_blocks() -> None:
    assert fields_at(Market, ("spec", "feeds", "providers", 0)) == ["name", "priority", "weight"]
    assert fields_at(Market, ("spec", "pricing")) == ["marginPercent", "method", "ladder"]
    assert fields_at(Market, ("spec", "nowhere", "else")) == []


def test_no_model_takes_a_number_as_text_or_text_as_a_number() -> None:
    obj = sample("OddsEngine", "main")
    for shards in ("8", 8.0, True, None):
        obj["spec"]["shards"] = shards
        with pytest.raises(InvalidResource, match=r"spec\.shards: must be a whole number"):
            parse_resource(obj)
    obj["spec"]["shards"] = 8
    obj["spec"]["nats"] = {"managed": {"replicas": True}}
    with pytest.raises(InvalidResource, match=r"spec\.nats\.managed\.replicas"):
        parse_resource(obj)


def test_the_models_are_all_pydantic_and_hold_no_open_dictionary() -> None:
    for block in specs():
        assert issubclass(block, BaseModel)
        for field in block.model_fields.values():
            assert "dict[" not in str(field.annotation)
