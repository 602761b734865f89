"""A broker's pods are told at once that their configuration changed. There is no kubelet here: what it would do then, the scenario
`test_new_provider` shows."""

import base64

import pytest

from support.observed_world import provider
from support.operator_process import USER, Operator, Server, eventually
from support.small_engine import small
from support.unscheduled_pods import api_server, forbidden_pods
from touchline_operator.plan.nudge import AGAIN, CONFIG

__all__ = ["api_server"]

pytestmark = [pytest.mark.servers, pytest.mark.cluster]

POD = "main-nats-0"


def told(server: Server, tenant: str) -> str:
    found = server.get(tenant, "pod", POD)
    return "" if found is None else str((found["metadata"].get("annotations") or {}).get(CONFIG, ""))


def users(server: Server, tenant: str) -> str:
    found = server.get(tenant, "secret", "main-nats-config")
    assert found is not None
    return base64.b64decode(found["data"]["nats.conf"]).decode()


def of_pods(server: Server, tenant: str, mark: int) -> list[str]:
    return [
        f"{each.verb} {each.name} {each.code}"
        for each in server.api.audit.requests(mark)
        if each.user == USER and each.resource == "pods" and each.namespace == tenant
    ]


def test_a_new_providers_user_makes_the_kubelet_look_and_restarts_nothing(
    server: Server, tenant: str, operator: Operator
) -> None:
    small(server, tenant, operator)
    eventually(lambda: server.get(tenant, "pod", POD) is not None, "the broker's pod is there")
    before, pod = server.get(tenant, "statefulset", "main-nats"), server.get(tenant, "pod", POD)
    was = told(server, tenant)
    server.apply(tenant, provider("three"))
    eventually(lambda: told(server, tenant) not in {"", was}, "the pod is told", within=10)
    assert '"ingest-three"' in users(server, tenant), "the Secret is written before"

    after, still = server.get(tenant, "statefulset", "main-nats"), server.get(tenant, "pod", POD)
    assert before is not None
    assert after is not None
    assert pod is not None
    assert still is not None
    assert after["status"]["updateRevision"] == before["status"]["updateRevision"]
    assert after["spec"]["template"] == before["spec"]["template"]
    assert still["metadata"]["uid"] == pod["metadata"]["uid"]

    is_ = told(server, tenant)
    server.delete(tenant, "feedprovider", "three")
    eventually(lambda: told(server, tenant) not in {"", is_}, "also of a user that goes", within=10)
    assert '"ingest-three"' not in users(server, tenant)


def test_20_nothing_is_asked_or_written_about_pods_while_the_configuration_stays(
    server: Server, tenant: str, operator: Operator
) -> None:
    small(server, tenant, operator)
    eventually(lambda: server.get(tenant, "pod", POD) is not None, "the broker's pod is there")
    mark = server.api.audit.mark()
    operator.look_again("OddsEngine", 2)
    operator.settle()
    assert of_pods(server, tenant, mark) == []


def test_41_of_pods_only_what_the_role_gives_is_asked_for_and_they_are_never_watched(
    server: Server, tenant: str, operator: Operator
) -> None:
    small(server, tenant, operator)
    asked = [each for each in server.api.audit.requests() if each.user == USER and each.resource == "pods"]
    assert asked, "this test shows nothing"
    assert {each.verb for each in asked} <= {"list", "patch", "delete"}
    assert [str(each) for each in asked if each.code == 403] == []


def test_30_without_the_permission_everything_else_is_done_and_the_log_says_it_once(
    server: Server, tenant: str, operator: Operator
) -> None:
    small(server, tenant, operator)
    with forbidden_pods(server):
        mark = server.api.audit.mark()
        for name in ("three", "four", "five"):
            server.apply(tenant, provider(name))
            eventually(
                lambda name=name: server.get(tenant, "deployment", f"{name}-ingest") is not None,  # type: ignore[misc]
                f"{name} is made",
            )
        eventually(lambda: any(each.endswith("403") for each in of_pods(server, tenant, mark)), "it was refused")
        operator.settle()
        assert operator.log().count(f"pods in {tenant}: ") == 1
        assert not server.says(tenant, "oddsengine", "main", "Degraded", "True", "ChildRefused")

    was = told(server, tenant)
    server.apply(tenant, provider("six"))
    eventually(lambda: told(server, tenant).removesuffix(AGAIN) not in {"", was}, "with it the pod is told again")
