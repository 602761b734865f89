"""Argo CD and Flux apply what the operator works with, each in its own name, and neither finds a difference afterwards.

What Argo CD does is done by its own code (`touchline_e2e.health_judges`), what Flux does by kubectl: a forced server-side apply.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from support.gitops import KINDS, TRACKED_BY, Manifest, all_kinds, at_rest, customs, live, owned, tracked, versions
from support.operator_process import ROOT, Operator, Server
from touchline.local.servers import NatsServer
from touchline_e2e.fixtures import need
from touchline_e2e.health_judges import Mode, argocd_compare, argocd_sync

pytestmark = [pytest.mark.servers, pytest.mark.cluster]

ARGO_CD, FLUX = "argocd-controller", "kustomize-controller"
EXAMPLES = [KINDS, ROOT / "examples" / "quickstart", ROOT / "examples" / "single-region", ROOT / "examples" / "replay"]
CHILDREN = "statefulsets,deployments,services,configmaps,serviceaccounts,networkpolicies,poddisruptionbudgets"
Apply = Callable[[list[Manifest]], None]


@pytest.fixture(autouse=True)
def _built() -> None:
    need("argocd-judge")


def by_argo_cd(server: Server, mode: Mode) -> Apply:
    return lambda manifests: void(argocd_sync(manifests, server.api.kubeconfig, mode))


def by_flux(server: Server) -> Apply:
    words = ["apply", "--server-side", f"--field-manager={FLUX}", "--force-conflicts", "-f", "-"]
    return lambda manifests: void(server.api.kubectl(*words, stdin=yaml.safe_dump_all(manifests)))


def void(_: object) -> None:
    pass


def out_of_sync(server: Server, manifests: list[Manifest], *modes: Mode) -> list[str]:
    return [
        f"{mode}: {each}"
        for mode in modes
        for each in argocd_compare(manifests, server.api.kubeconfig, mode)
        if each.status != "Synced"
    ]


def a_second_time_changes_nothing(server: Server, operator: Operator, manifests: list[Manifest], apply: Apply) -> None:
    before = at_rest(server, operator, manifests)
    mark = server.api.audit.mark()
    apply(manifests)
    assert versions(server, manifests) == before
    operator.look_again("OddsEngine", 1)
    operator.settle()
    assert versions(server, manifests) == before
    tenant = manifests[0]["metadata"]["namespace"]
    assert [str(each) for each in server.writes(mark) if each.namespace == tenant] == []


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_49_argo_cd_finds_everything_synced_and_syncs_it_again_without_a_change(
    server: Server, tenant: str, operator: Operator, example: Path
) -> None:
    manifests = tracked(tenant, example)
    apply = by_argo_cd(server, Mode.SERVER_SIDE)
    apply(manifests)
    a_second_time_changes_nothing(server, operator, manifests, apply)
    assert out_of_sync(server, manifests, Mode.SERVER_SIDE, Mode.SERVER_SIDE_DIFF) == []


def test_49_argo_cd_without_server_side_apply_is_as_quiet(server: Server, tenant: str, operator: Operator) -> None:
    manifests = tracked(tenant, ROOT / "examples" / "quickstart")
    apply = by_argo_cd(server, Mode.CLIENT_SIDE)
    apply(manifests)
    a_second_time_changes_nothing(server, operator, manifests, apply)
    assert out_of_sync(server, manifests, Mode.CLIENT_SIDE) == []


def test_49_argo_cd_finds_what_somebody_changed(server: Server, tenant: str, operator: Operator) -> None:
    manifests = tracked(tenant, ROOT / "examples" / "quickstart")
    argocd_sync(manifests, server.api.kubeconfig, Mode.SERVER_SIDE)
    server.patch(tenant, "market", "football-total-goals", {"spec": {"freshness": {"maxAge": "3s"}}})
    for mode in (Mode.SERVER_SIDE, Mode.SERVER_SIDE_DIFF):
        found = [each for each in argocd_compare(manifests, server.api.kubeconfig, mode) if each.status != "Synced"]
        assert [(each.kind, each.name, each.status) for each in found] == [
            ("Market", "football-total-goals", "OutOfSync")
        ]


@pytest.mark.parametrize("example", EXAMPLES[:2], ids=lambda path: path.name)
def test_flux_applies_everything_again_without_a_change(
    server: Server, tenant: str, operator: Operator, example: Path
) -> None:
    manifests = tracked(tenant, example)
    apply = by_flux(server)
    apply(manifests)
    a_second_time_changes_nothing(server, operator, manifests, apply)


def test_every_kind_is_the_gitops_tools_but_for_its_status(
    server: Server, tenant: str, operator: Operator, broker: NatsServer
) -> None:
    manifests = all_kinds(tenant, broker)
    by_argo_cd(server, Mode.SERVER_SIDE)(manifests)
    at_rest(server, operator, manifests)
    for manager in (
        ARGO_CD,
        FLUX,
    ):  # kubectl ends with 1 for a difference; Flux's apply would conflict with any other value
        words = ["diff", "--server-side", f"--field-manager={manager}", "-f", "-"]
        assert server.api.kubectl(*words, stdin=yaml.safe_dump_all(customs(manifests))) == ""
    found = customs(live(server, manifests))
    assert len({each["kind"] for each in found}) == 8
    for each in found:
        name = f"{each['kind']} {each['metadata']['name']}"
        assert owned(each, "touchline-operator") == {"f:status"}, name
        assert owned(each, ARGO_CD) == {"f:metadata", "f:spec"}, name
        assert {entry["manager"] for entry in each["metadata"]["managedFields"]} == {ARGO_CD, "touchline-operator"}


def test_children_are_not_taken_for_the_gitops_tools_own(server: Server, tenant: str, operator: Operator) -> None:
    manifests = tracked(tenant, ROOT / "examples" / "quickstart")
    for each in manifests:
        each["metadata"]["labels"] = {"kustomize.toolkit.fluxcd.io/name": "touchline"}
    argocd_sync(manifests, server.api.kubeconfig, Mode.SERVER_SIDE)
    at_rest(server, operator, manifests)
    children = [line.split("/") for line in server.names(tenant, CHILDREN)]
    assert len(children) > 10
    for kind, name in children:
        metadata = (server.get(tenant, kind, name) or {})["metadata"]
        assert TRACKED_BY not in metadata.get("annotations", {}), (kind, name)
        assert not [each for each in metadata.get("labels", {}) if "fluxcd.io" in each], (kind, name)
