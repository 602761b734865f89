"""All kinds of custom resources, and how a plain object becomes one of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from touchline.api.errors import Fault, InvalidResource, UnknownKind
from touchline.api.faults import did_you_mean, faults_of
from touchline.api.types.resource import API_VERSION, GROUP
from touchline.api.v1alpha1.entity_map import EntityMap
from touchline.api.v1alpha1.failover_drill import FailoverDrill
from touchline.api.v1alpha1.feed_provider import FeedProvider
from touchline.api.v1alpha1.insight_model import InsightModel
from touchline.api.v1alpha1.market import Market
from touchline.api.v1alpha1.odds_engine import OddsEngine
from touchline.api.v1alpha1.region import Region
from touchline.api.v1alpha1.suspension_policy import SuspensionPolicy

Resource = OddsEngine | FeedProvider | Market | SuspensionPolicy | EntityMap | Region | FailoverDrill | InsightModel

KINDS: dict[str, type[Resource]] = {
    "OddsEngine": OddsEngine,
    "FeedProvider": FeedProvider,
    "Market": Market,
    "SuspensionPolicy": SuspensionPolicy,
    "EntityMap": EntityMap,
    "Region": Region,
    "FailoverDrill": FailoverDrill,
    "InsightModel": InsightModel,
}


def kind_of(obj: Mapping[str, Any]) -> type[Resource]:
    """The model of a plain object, by its apiVersion and kind. Raises UnknownKind."""
    kind, version = obj.get("kind"), obj.get("apiVersion")
    if not isinstance(kind, str):
        raise UnknownKind(Fault(("kind",), "must name the kind of the object", f"one of {', '.join(KINDS)}"))
    if not isinstance(version, str):
        raise UnknownKind(Fault(("apiVersion",), "must name the version of the object", f"write {API_VERSION}"))
    if kind in KINDS and version == API_VERSION:
        return KINDS[kind]
    if kind in KINDS:
        raise UnknownKind(Fault(("apiVersion",), f"{version!r} is no version of {kind}", f"write {API_VERSION}"))
    close = did_you_mean(kind, KINDS)
    if version.startswith(f"{GROUP}/") or close:
        raise UnknownKind(
            Fault(("kind",), f"there is no kind {kind!r} in {GROUP}", close or f"one of {', '.join(KINDS)}")
        )
    raise UnknownKind(Fault(("kind",), f"{kind} of {version} is no resource of Touchline"))


def parse_resource(obj: Mapping[str, Any]) -> Resource:
    """The resource that a plain object (parsed YAML or JSON) describes.

    Raises UnknownKind where it is none of ours, InvalidResource with every fault where it is not valid.
    """
    model = kind_of(obj)
    try:
        return model.model_validate(dict(obj))
    except ValidationError as error:
        metadata = obj.get("metadata")
        name = metadata.get("name") if isinstance(metadata, Mapping) else None
        raise InvalidResource(str(obj["kind"]), str(name), faults_of(error, model)) from None
