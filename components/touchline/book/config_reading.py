"""Reads custom resources and traders' orders into a `BookConfig`, once for each change of the configuration."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec

from touchline.api import ApiError, FeedProvider, Market, SuspensionPolicy, parse_resource
from touchline.api.unsupported import unsupported
from touchline.api.v1alpha1.triggers import Trigger, TriggerAction
from touchline.book.config import (
    BookConfig,
    ChoiceConfig,
    ClassConfig,
    HaltConfig,
    PolicyConfig,
    ProviderConfig,
    RouteConfig,
    TriggerConfig,
)
from touchline.domain.reasons import HoldReason

HALT, RESUME = "Halt", "Resume"
_KINDS = ("Market", "SuspensionPolicy", "FeedProvider")


class _Order(msgspec.Struct):
    """A `HaltConfig` as it stands in the bucket: an object, where msgspec reads a named tuple from an array."""

    scope: Literal["market", "event", "provider", "all"]
    id: str = ""
    by: str = ""
    note: str = ""
    at: int = 0


def config_of_bucket(content: Mapping[str, Mapping[str, Any]]) -> BookConfig:
    """The configuration in the `config` bucket: the parsed value of each key (`<Kind>.<name>`, `Halt.…`, `Resume.…`).

    Keys of other kinds are passed over. What cannot be read is left out and stands in `faults`: a class that is left out holds its
    markets, and so does a policy; a halt that cannot be read halts everything.
    """
    resources: list[Market | SuspensionPolicy | FeedProvider] = []
    halts: list[HaltConfig] = []
    resumes: list[HaltConfig] = []
    faults: list[str] = []
    for key in sorted(content):
        kind = key.partition(".")[0]
        if kind in _KINDS:
            try:
                resource = parse_resource(content[key])
            except ApiError as error:
                faults.append(f"{key}: {error}")
                continue
            if isinstance(resource, Market | SuspensionPolicy | FeedProvider):
                resources.append(resource)
        elif kind in {HALT, RESUME}:
            try:
                order = HaltConfig(*msgspec.structs.astuple(msgspec.convert(content[key], _Order)))
            except msgspec.ValidationError as error:
                faults.append(f"{key}: {error}")
                if kind == HALT:
                    halts.append(HaltConfig("all", note=f"{key} cannot be read"))
                continue
            (halts if kind == HALT else resumes).append(order)
    return config_of(resources, halts=halts, resumes=resumes, faults=faults)


def config_of(
    resources: Iterable[Market | SuspensionPolicy | FeedProvider],
    *,
    halts: Iterable[HaltConfig] = (),
    resumes: Iterable[HaltConfig] = (),
    faults: Iterable[str] = (),
) -> BookConfig:
    """The configuration that resources declare, whatever their order."""
    ordered = sorted(resources, key=lambda resource: (resource.kind, resource.name))
    policies = {entry.name: policy_config(entry) for entry in ordered if isinstance(entry, SuspensionPolicy)}
    return BookConfig(
        classes=[class_config(entry, policies) for entry in ordered if isinstance(entry, Market)],
        providers=[provider_config(entry) for entry in ordered if isinstance(entry, FeedProvider)],
        halts=halts,
        resumes=resumes,
        faults=faults,
    )


def class_config(market: Market, policies: Mapping[str, PolicyConfig]) -> ClassConfig:
    spec = market.spec
    choices = [ChoiceConfig(entry.name, entry.priority, entry.weight) for entry in spec.feeds.providers]
    routes = spec.feeds.market_routing.routes if spec.feeds.market_routing is not None else ()
    return ClassConfig(
        name=market.name,
        model=spec.feeds.model.value,
        providers=tuple(sorted(choices, key=lambda choice: (choice.priority, choice.name))),
        max_age_us=spec.freshness.max_age.micros,
        policy=policies.get(spec.suspension_policy_ref.name),
        resource=market,
        switch_after_us=spec.feeds.switch_after.micros,
        fail_back_after_us=spec.feeds.fail_back_after.micros,
        delay_us=spec.betting.delay.micros,
        suspended=spec.suspended,
        routes=tuple(RouteConfig(entry.provider, entry.sports, entry.leagues, entry.market_types) for entry in routes),
        unsupported=_not_acted_on(market),
    )


def provider_config(provider: FeedProvider) -> ProviderConfig:
    health = provider.spec.health
    return ProviderConfig(provider.name, health.max_silence.micros, health.max_delay.micros)


def policy_config(policy: SuspensionPolicy) -> PolicyConfig:
    reopening = policy.spec.reopening
    bounds = reopening.overround_percent
    triggers = tuple(_trigger(policy.name, entry, reopening.cool_down.micros) for entry in policy.spec.triggers)
    checks = tuple(check.value for check in reopening.checks)
    found = PolicyConfig(policy.name, triggers, checks, unsupported=_not_acted_on(policy))
    if bounds is None:
        return found
    return found._replace(overround_min_ppm=_ppm(bounds.min.micros), overround_max_ppm=_ppm(bounds.max.micros))


def _not_acted_on(resource: Market | SuspensionPolicy) -> str:
    """In one sentence for each, what no part of this release acts on; empty for nothing."""
    return "; ".join(f"{resource.kind} {resource.name}: {each.message}" for each in unsupported(resource))


def _trigger(policy: str, trigger: Trigger, cool_down_us: int) -> TriggerConfig:
    config = TriggerConfig(
        name=trigger.name,
        type=HoldReason(trigger.type.value),
        cause=f"policy/{policy}/{trigger.name}",
        scope=trigger.scope.value,
        review=trigger.action is TriggerAction.SUSPEND_AND_REVIEW,
        cool_down_us=cool_down_us if trigger.cool_down is None else trigger.cool_down.micros,
    )
    if (delay := trigger.feed_delay) is not None:
        return config._replace(threshold_us=delay.threshold.micros)
    if (move := trigger.price_move) is not None:
        return config._replace(
            metric=move.metric.value, percent_ppm=_ppm(move.percent.micros), within_us=move.within.micros
        )
    if (status := trigger.event_status) is not None:
        return config._replace(incidents=tuple(incident.value for incident in status.incidents))
    if (differ := trigger.provider_disagreement) is not None:
        return config._replace(
            metric=differ.metric.value, percent_ppm=_ppm(differ.percent.micros), within_us=differ.for_.micros
        )
    return config


def _ppm(percent_micros: int) -> int:
    """Percent in millionths to parts per million of the whole: 15 % is 15_000_000 and 150_000."""
    return percent_micros // 100
