"""The status of the kinds that have no pods: they are right or not, and the data plane has been told or not."""

from __future__ import annotations

from touchline.api import EntityMap, Market, Region, SuspensionPolicy
from touchline.api.aliases_check import ambiguous_names
from touchline.api.v1alpha1.entity_map import EntityMapSpec
from touchline_operator.check.findings import Judgement
from touchline_operator.status.books import counting, leaders, policy_sum
from touchline_operator.status.common import conflicted, joined, paused, ready_by_telling, references
from touchline_operator.status.conditions import FALSE, TRUE, UNKNOWN, Said
from touchline_operator.status.figures import Figures, kept, present
from touchline_operator.status.market import market_figures, suspension
from touchline_operator.status.outcome import Outcome
from touchline_operator.status.unmatched import unmatched
from touchline_operator.world.observed import Observed

NOT_RUN = ("FailoverDrill", "InsightModel")
"""Kinds that are checked, kept and told, and that nothing carries out yet."""


def plain_conditions(observed: Observed, judgement: Judgement, outcome: Outcome) -> list[Said]:
    """Every condition of an object without pods."""
    kind = observed.target.key.kind
    said = [paused(observed), references(judgement), ready_by_telling(observed, judgement, outcome)]
    if kind == "Market":
        said += [conflicted(judgement), *_promises(judgement), suspension(observed, judgement)]
    if kind in NOT_RUN:
        said.append(
            Said("Executed", FALSE, "NotRunByThisRelease", f"a {kind} is checked and kept, but this release runs none")
        )
    return said


def _promises(judgement: Judgement) -> list[Said]:
    if judgement.invalid:
        return [
            Said(kind, UNKNOWN, "Invalid", "the object cannot be read") for kind in ("FreshnessAttainable", "Redundant")
        ]
    return [
        Said("FreshnessAttainable", FALSE, judgement.unprovable[0].reason, joined(judgement.unprovable))
        if judgement.unprovable
        else Said("FreshnessAttainable", TRUE, "Attainable"),
        Said("Redundant", FALSE, judgement.not_redundant[0].reason, joined(judgement.not_redundant))
        if judgement.not_redundant
        else Said("Redundant", TRUE, "DifferentUpstreams"),
    ]


def plain_figures(observed: Observed) -> Figures:
    """What can be counted of an object without pods, by the operator or by the data plane."""
    match observed.target.resource:
        case Market():
            return market_figures(observed)
        case SuspensionPolicy():
            return _policy_figures(observed)
        case Region():
            return _region_figures(observed)
        case EntityMap(spec=spec):
            return _map_figures(observed, spec)
        case _:
            return {}


def _policy_figures(observed: Observed) -> Figures:
    users = [key for key in observed.world.referrers(observed.target.key) if key.kind == "Market"]
    health, told = observed.health, {"markets": len(users)}
    if health.starting:
        return {**kept(observed.target.status, ("holds", "suspensionsLastHour")), **told}
    if not counting(health):
        return told
    counted = policy_sum(health, observed.target.key.name)
    fired = [{"type": kind, "count": count} for kind, count in counted.last_hour.items()]
    return {"holds": counted.holds, "suspensionsLastHour": fired, **told}


def _region_figures(observed: Observed) -> Figures:
    """Of the region that this cluster is; of others this operator sees nothing."""
    engine, health = observed.engine_resource, observed.health
    if engine is None or engine.spec.region != observed.target.key.name:
        return {}
    if health.starting:
        return kept(observed.target.status, ("reachable", "shardsLed"))
    return present({"reachable": health.connected, "shardsLed": len(leaders(health)) if health.connected else None})


def _map_figures(observed: Observed, spec: EntityMapSpec) -> Figures:
    entries = sum(1 + len(league.aliases) for league in spec.leagues)
    entries += sum(1 + len(team.aliases) for team in spec.teams)
    entries += sum(1 + len(player.aliases) for player in spec.players)
    entries += sum(1 + len(market.aliases) for market in spec.market_types)
    health = observed.health
    if health.starting:
        seen = kept(observed.target.status, ("unmatched",))
    else:
        seen = present({"unmatched": unmatched(observed, spec.sport) or None})
    return {"entries": entries, "conflicts": sum(1 for _ in ambiguous_names(spec)), **seen}
