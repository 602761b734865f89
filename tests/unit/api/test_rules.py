"""Every rule that an object can break, broken once: refused by CEL and by the models, with the same words, at the right field."""

from typing import Any

import pytest

from support.crd_server import is_transition, refusals, rules
from support.manifests import sample
from touchline.api import KINDS, InvalidResource, parse_resource
from touchline.api.crds import crd_document

SCHEMAS = {
    kind: crd_document(model)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    for kind, model in KINDS.items()
}


def put(value: Any, path: str, new: Any) -> None:
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    for part in parents:
        value = value.setdefault(part, {}) if isinstance(value, dict) else value[part]
    if new is None:
        del value[last]
    else:
        value[last] = new


CASES: list[tuple[str, str, dict[str, Any], str, str]] = [
    (
        "OddsEngine",
        "main",
        {"bets": {"durability": "Quorum"}, "nats": {"managed": {"replicas": 1}}},
        "spec.bets.durability",
        "replicas of at least 3",
    ),
    (
        "OddsEngine",
        "main",
        {"bets": {"durability": "GlobalQuorum"}, "region": None},
        "spec.bets.durability",
        "must have region",
    ),
    ("OddsEngine", "main", {"nats.managed.replicas": 2}, "spec.nats.managed.replicas", "must be 1, 3 or 5 servers"),
    ("OddsEngine", "main", {"nats": {}}, "spec.nats", "exactly one of: managed, external"),
    ("OddsEngine", "main", {"redis": {}}, "spec.redis", "exactly one of: managed, external"),
    (
        "OddsEngine",
        "main",
        {"gateway.auth": {"anonymous": {}, "jwt": {"issuer": "i", "audience": "a", "jwksSecretRef": {"name": "j"}}}},
        "spec.gateway.auth",
        "exactly one of: jwt, anonymous",
    ),
    (
        "OddsEngine",
        "main",
        {"gateway.autoscaling": {"minReplicas": 9, "maxReplicas": 3}},
        "spec.gateway.autoscaling.minReplicas",
        "not above maxReplicas",
    ),
    ("OddsEngine", "main", {"bets.deadline": "1ms"}, "spec.bets.deadline", "must be between 100ms and 1m"),
    (
        "FeedProvider",
        "betfair-a",
        {"betfairStream": None},
        "spec",
        "must have betfairStream exactly when protocol is BetfairStream",
    ),
    (
        "FeedProvider",
        "betfair-a",
        {"replay": {"file": "x"}},
        "spec",
        "must have replay exactly when protocol is Replay",
    ),
    ("FeedProvider", "betfair-a", {"credentialsSecretRef": None}, "spec", "must have credentialsSecretRef"),
    (
        "FeedProvider",
        "betfair-a",
        {"health.maxSilence": "400ms"},
        "spec.health.maxSilence",
        "longer than the protocol's heartbeat",
    ),
    (
        "FeedProvider",
        "recording",
        {"health.maxSilence": "1s"},
        "spec.health.maxSilence",
        "longer than the protocol's heartbeat",
    ),
    ("FeedProvider", "recording", {"replay.speed": "0"}, "spec.replay.speed", "must have a speed above 0"),
    (
        "FeedProvider",
        "betfair-a",
        {"reconnect": {"initial": "30s", "longest": "1s"}},
        "spec.reconnect.initial",
        "initial not above longest",
    ),
    (
        "FeedProvider",
        "betfair-a",
        {"health.maxLossPercent": "100.5"},
        "spec.health.maxLossPercent",
        "must be between 0 and 100",
    ),
    (
        "Market",
        "football-winner-prematch",
        {"selector.sports": ["*", "Football"]},
        "spec.selector.sports",
        "may not have * beside other sports",
    ),
    (
        "Market",
        "football-winner-prematch",
        {"selector.leagues": ["*", "a"]},
        "spec.selector.leagues",
        "may not have * beside other leagues",
    ),
    (
        "Market",
        "football-winner-prematch",
        {"selector.marketTypes": ["*", "a"]},
        "spec.selector.marketTypes",
        "may not have * beside",
    ),
    (
        "Market",
        "football-winner-prematch",
        {"feeds.model": "MarketRouting"},
        "spec.feeds",
        "must have marketRouting exactly when model",
    ),
    (
        "Market",
        "football-winner-prematch",
        {"feeds.aggregated": {}},
        "spec.feeds",
        "may not have aggregated unless model is Aggregated",
    ),
    (
        "Market",
        "football-winner-prematch",
        {"feeds.providers.1.priority": 1},
        "spec.feeds.providers",
        "a priority of its own",
    ),
    (
        "Market",
        "football-winner-prematch",
        {"feeds.model": "ActiveActive", "feeds.providers": [{"name": "a"}]},
        "spec.feeds.providers",
        "at least two providers",
    ),
    (
        "Market",
        "american-football",
        {"feeds.marketRouting.routes.0.provider": "nobody"},
        "spec.feeds.marketRouting",
        "every route's provider among",
    ),
    (
        "Market",
        "football-winner-prematch",
        {"betting.priceChange": "AcceptWithin"},
        "spec.betting",
        "must have acceptWithinPercent exactly when",
    ),
    (
        "Market",
        "football-winner-prematch",
        {"betting.stake": {"min": "9.00", "max": "10.00"}, "betting.stake.min": "11"},
        "spec.betting.stake.min",
        "min not above max",
    ),
    (
        "Market",
        "football-winner-prematch",
        {"betting.maxLiability": {"selection": "10", "market": "9", "event": "20"}},
        "spec.betting.maxLiability",
        "selection not above market",
    ),
    (
        "Market",
        "football-winner-prematch",
        {"betting.stake.max": "-1"},
        "spec.betting.stake.max",
        "must be between 0 and",
    ),
    (
        "SuspensionPolicy",
        "football",
        {"triggers.0.feedDelay": None},
        "spec.triggers[0]",
        "must have feedDelay exactly when type is FeedDelay",
    ),
    (
        "SuspensionPolicy",
        "football",
        {"triggers.1.priceMove": None},
        "spec.triggers[1]",
        "must have priceMove exactly when",
    ),
    (
        "SuspensionPolicy",
        "football",
        {"triggers.2.liability": {}},
        "spec.triggers[2]",
        "must have liability exactly when",
    ),
    (
        "SuspensionPolicy",
        "football",
        {"triggers.3.eventStatus": None},
        "spec.triggers[3]",
        "must have eventStatus exactly when",
    ),
    (
        "SuspensionPolicy",
        "football",
        {"triggers.4.providerDisagreement": {"percent": "1"}},
        "spec.triggers[4]",
        "must have providerDisagreement",
    ),
    (
        "SuspensionPolicy",
        "football",
        {"triggers.0.scope": "Selection"},
        "spec.triggers[0].scope",
        "may not have scope Selection unless",
    ),
    (
        "SuspensionPolicy",
        "football",
        {"triggers.1.scope": "Provider"},
        "spec.triggers[1].scope",
        "may not have scope Provider unless",
    ),
    (
        "SuspensionPolicy",
        "football",
        {"reopening.overroundPercent": None},
        "spec.reopening",
        "overroundPercent exactly when checks lists Overround",
    ),
    (
        "SuspensionPolicy",
        "football",
        {"reopening.overroundPercent": {"min": "120", "max": "110"}},
        "spec.reopening.overroundPercent.min",
        "min not above max",
    ),
    (
        "EntityMap",
        "american-football",
        {"teams.0.aliases.0": {"provider": "genius"}},
        "spec.teams[0].aliases[0]",
        "must have name, id or both",
    ),
    (
        "EntityMap",
        "american-football",
        {"teams.0.aliases.0.protocol": "Pinnacle"},
        "spec.teams[0].aliases[0]",
        "more than one of: provider, protocol",
    ),
    (
        "EntityMap",
        "american-football",
        {"marketTypes.1.aliases.0.line": "2.5"},
        "spec.marketTypes[1].aliases[0]",
        "more than one of: line, lineFrom",
    ),
    (
        "EntityMap",
        "american-football",
        {"marketTypes.1.aliases.0.specifier": None},
        "spec.marketTypes[1].aliases[0]",
        "specifier exactly when lineFrom",
    ),
    (
        "EntityMap",
        "american-football",
        {"marketTypes.1.aliases.0": {"protocol": "Pinnacle"}},
        "spec.marketTypes[1].aliases[0]",
        "one of name, id or namePattern",
    ),
    (
        "EntityMap",
        "american-football",
        {"marketTypes.1.selections.0.aliases.0": {}},
        "spec.marketTypes[1].selections[0].aliases[0]",
        "one of name, id, namePattern or position",
    ),
    (
        "Region",
        "us-west",
        {"endpoints.gateway": "wss://x.example.com"},
        "spec.endpoints.gateway",
        "may not have endpoints.gateway with role Witness",
    ),
    (
        "Region",
        "us-east",
        {"recovery.order": ["Odds", "Betting", "Odds"]},
        "spec.recovery.order",
        "may not name a part twice",
    ),
    (
        "FailoverDrill",
        "provider-loss",
        {"providerRef": None},
        "spec",
        "must have providerRef exactly when scenario is ProviderLoss",
    ),
    ("InsightModel", "odd-moves", {"image": "example.com/model:1"}, "spec", "exactly one of: builtin, onnx, image"),
    ("InsightModel", "odd-moves", {"mode": "Canary"}, "spec", "must have canaryPercent exactly when mode is Canary"),
    (
        "InsightModel",
        "odd-moves",
        {"builtin": None, "onnx": {"sha256": "0" * 64}},
        "spec.onnx",
        "exactly one of: configMapRef, url",
    ),
    (
        "InsightModel",
        "odd-moves",
        {"scaling": {"minReplicas": 3, "maxReplicas": 2}},
        "spec.scaling.minReplicas",
        "not above maxReplicas",
    ),
    ("InsightModel", "odd-moves", {"output.alertAbove": "1.5"}, "spec.output.alertAbove", "must be between 0 and 1"),
]


@pytest.mark.parametrize(
    ("kind", "name", "changes", "path", "told"), CASES, ids=[f"{case[0]}: {case[4]}" for case in CASES]
)
def test_a_broken_rule_is_told_alike_by_crd_and_models(
    kind: str, name: str, changes: dict[str, Any], path: str, told: str
) -> None:
    obj = sample(kind, name)
    assert refusals(SCHEMAS[kind], obj["spec"]) == []
    for where, new in changes.items():
        if new is not None or where != "region" or "region" in obj["spec"]:
            put(obj["spec"], where, new)
    assert any(told in each for each in refusals(SCHEMAS[kind], obj["spec"]))
    with pytest.raises(InvalidResource) as refused:
        parse_resource(obj)
    assert any(f"{path}: " in str(fault) and told in str(fault) for fault in refused.value.faults), refused.value.faults


def test_every_rule_that_names_several_fields_is_broken_once_above() -> None:
    told = [case[4] for case in CASES]
    for kind, schema in SCHEMAS.items():
        for path, rule in rules(schema):
            if is_transition(rule) or rule["message"].startswith("must be between"):
                continue
            if "exactly when protocol is" in rule["message"]:
                continue  # one rule, written for each protocol
            assert any(words in rule["message"] for words in told), (kind, path, rule["message"])
