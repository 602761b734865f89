"""The status of the kinds that have no pods: they are right or not, and the data plane has been told or not."""

from __future__ import annotations

from touchline.api import EntityMap
from touchline.api.aliases_check import ambiguous_names
from touchline_operator.check.findings import Judgement
from touchline_operator.status.common import conflicted, joined, paused, ready_by_telling, references
from touchline_operator.status.conditions import FALSE, TRUE, UNKNOWN, Said
from touchline_operator.status.figures import Figures
from touchline_operator.status.outcome import Outcome
from touchline_operator.world.observed import Observed

NOT_RUN = ("FailoverDrill", "InsightModel")
"""Kinds that are checked, kept and told, and that nothing carries out yet."""


def plain_conditions(observed: Observed, judgement: Judgement, outcome: Outcome) -> list[Said]:
    """Every condition of an object without pods."""
    kind = observed.target.key.kind
    said = [paused(observed), references(judgement), ready_by_telling(observed, judgement, outcome)]
    if kind == "Market":
        said += [conflicted(judgement), *_promises(judgement)]
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
    """What can be counted without the data plane."""
    kind, resource = observed.target.key.kind, observed.target.resource
    if kind == "SuspensionPolicy":
        users = [key for key in observed.world.referrers(observed.target.key) if key.kind == "Market"]
        return {"markets": len(users)}
    if isinstance(resource, EntityMap):
        spec = resource.spec
        entries = sum(1 + len(league.aliases) for league in spec.leagues)
        entries += sum(1 + len(team.aliases) for team in spec.teams)
        entries += sum(1 + len(player.aliases) for player in spec.players)
        entries += sum(1 + len(market.aliases) for market in spec.market_types)
        return {"entries": entries, "conflicts": sum(1 for _ in ambiguous_names(spec))}
    return {}
