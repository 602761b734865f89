"""The vocabulary of Touchline: models of every custom resource (touchline.dev/v1alpha1), and what is generated from them.

The operator, the components and local mode all read specs through these models, so that one sentence has one meaning.
Only shapes, bounds, defaults and rules over specs belong here; nothing here talks to a network or runs a market.
"""

from touchline.api.errors import ApiError, Fault, InvalidResource, UnknownKind
from touchline.api.kinds import KINDS, Resource, kind_of, parse_resource
from touchline.api.types.decimals import DecimalString
from touchline.api.types.durations import Duration
from touchline.api.types.resource import (
    API_VERSION,
    GROUP,
    PAUSED,
    RECORDINGS,
    RECORDINGS_PATTERN,
    SIMULATE,
    SIMULATE_GROUP,
    VERSION,
)
from touchline.api.types.sizes import Quantity
from touchline.api.v1alpha1.entity_map import EntityMap
from touchline.api.v1alpha1.failover_drill import FailoverDrill
from touchline.api.v1alpha1.feed_provider import FeedProvider
from touchline.api.v1alpha1.insight_model import InsightModel
from touchline.api.v1alpha1.market import Market
from touchline.api.v1alpha1.odds_engine import OddsEngine
from touchline.api.v1alpha1.region import Region
from touchline.api.v1alpha1.suspension_policy import SuspensionPolicy

__all__ = [
    "API_VERSION",
    "GROUP",
    "KINDS",
    "PAUSED",
    "RECORDINGS",
    "RECORDINGS_PATTERN",
    "SIMULATE",
    "SIMULATE_GROUP",
    "VERSION",
    "ApiError",
    "DecimalString",
    "Duration",
    "EntityMap",
    "FailoverDrill",
    "Fault",
    "FeedProvider",
    "InsightModel",
    "InvalidResource",
    "Market",
    "OddsEngine",
    "Quantity",
    "Region",
    "Resource",
    "SuspensionPolicy",
    "UnknownKind",
    "kind_of",
    "parse_resource",
]
