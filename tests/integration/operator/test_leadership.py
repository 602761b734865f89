"""Two replicas, one writer, and what they do when one dies or the API server goes. The numbers are OPERATOR-CHECKLIST's lines."""

import time
from pathlib import Path
from typing import Any

import pytest

from support import chart
from support.observed_world import engine, market, policy, provider
from support.operator_process import SYSTEM, Operator, Server, eventually
from support.small_engine import CACHE, SECRET, counted
from touchline_operator.plan.ingest import REPLICAS
from touchline_operator.run.elector import DURATION_S, MARGIN_S, RENEW_S

pytestmark = [pytest.mark.servers, pytest.mark.cluster]


def lease(server: Server) -> dict[str, Any]:
    found = server.get(SYSTEM, "lease", "touchline-operator")
    assert found is not None
    spec: dict[str, Any] = found["spec"]
    return spec


def test_32_of_two_replicas_one_writes_and_a_killed_one_is_replaced_within_the_lease(
    server: Server, tenant: str, tmp_path: Path
) -> None:
    with Operator(server, log=tmp_path / "one.log") as one:
        eventually(lambda: one.leads, "the first leads")
        with Operator(server, log=tmp_path / "two.log") as two:
            server.apply(tenant, policy())
            eventually(
                lambda: server.says(tenant, "suspensionpolicy", "strict", "ReferencesResolved", "True"),
                "the leader works",
            )
            assert (one.leads, two.leads) == (True, False)
            assert two.metric("touchline_operator_writes_total", verb="apply") == 0
            assert (two.probe("healthz"), two.probe("readyz")) == (200, 200)

            one.process.kill()
            killed = time.monotonic()
            server.apply(tenant, market("m"))
            eventually(lambda: two.leads, "the second leads", within=DURATION_S + RENEW_S + 10)
            took = time.monotonic() - killed
            assert took > DURATION_S - RENEW_S - 1, "it took a Lease that was still another's"
            eventually(
                lambda: server.says(tenant, "market", "m", "ReferencesResolved", "False"), "what came meanwhile is done"
            )
            assert lease(server)["holderIdentity"] == two.identity


def test_32_a_leader_that_is_stopped_in_order_gives_its_lease_away_at_once(
    server: Server, tenant: str, tmp_path: Path
) -> None:
    with Operator(server, log=tmp_path / "one.log") as one:
        eventually(lambda: one.leads, "the first leads")
        with Operator(server, log=tmp_path / "two.log") as two:
            eventually(lambda: two.probe("readyz") == 200, "the second stands by")
            one.process.terminate()
            stopped = time.monotonic()
            eventually(lambda: two.leads, "the second leads", within=DURATION_S)
            assert time.monotonic() - stopped < DURATION_S - 5
            assert one.process.wait(15) == 0


def test_33_a_leader_that_loses_the_api_server_ends_before_its_lease_does_and_a_new_one_takes_over(
    server: Server, tenant: str, tmp_path: Path
) -> None:
    with Operator(server, log=tmp_path / "one.log") as one:
        eventually(lambda: one.leads, "the first leads")
        server.apply(tenant, engine(redis=CACHE), provider("one"), policy(), market("m", providers=["one"]))
        one.settle()
        lost = time.monotonic()
        with server.api.etcd_stopped():
            # Requests hang now; every write must have ended, and the process with it, before the Lease can be taken.
            eventually(lambda: one.process.poll() is not None, "the leader ends", within=DURATION_S + RENEW_S)
            took = time.monotonic() - lost
        assert one.process.returncode == 1
        assert took < DURATION_S
        assert took > DURATION_S - MARGIN_S - RENEW_S - 1
        assert "the Lease was lost" in one.log()
    with Operator(server, log=tmp_path / "two.log") as two:
        eventually(lambda: two.leads, "another leads", within=DURATION_S + RENEW_S + 20)
        server.apply(tenant, market("m", providers=["one"], freshness={"maxAge": "100ms"}))
        eventually(lambda: server.says(tenant, "market", "m", "FreshnessAttainable", "False"), "and works")


def test_22_after_a_restart_of_the_api_server_the_next_change_is_handled_in_seconds(
    server: Server, tenant: str, tmp_path: Path
) -> None:
    with Operator(server, log=tmp_path / "one.log") as one:
        eventually(lambda: one.leads, "it leads")
        server.apply(tenant, engine(redis=CACHE), policy(), provider("one"), market("m", providers=["one"]))
        eventually(lambda: server.says(tenant, "market", "m", "ReferencesResolved", "True"), "it works")
        began = time.monotonic()
        server.api.restart_server(kill=True)
        away = time.monotonic() - began
        server.apply(tenant, market("m", providers=["one"], freshness={"maxAge": "100ms"}))
        if away < DURATION_S - MARGIN_S - RENEW_S - 1:
            eventually(lambda: handled(server, tenant), "the change is handled", within=15)
            assert one.process.poll() is None
            return
        # On a slow machine the server was away for longer than authority lasts: then another process has to take over.
        eventually(lambda: one.process.poll() is not None, "it gives up", within=DURATION_S)
    with Operator(server, log=tmp_path / "two.log"):
        eventually(lambda: handled(server, tenant), "the change is handled", within=DURATION_S + RENEW_S + 30)


def handled(server: Server, tenant: str) -> bool:
    return server.says(tenant, "market", "m", "FreshnessAttainable", "False", "MaxAgeTooShort")


def test_22_26_what_changed_and_went_while_no_operator_ran_is_brought_about(
    server: Server, tenant: str, tmp_path: Path
) -> None:
    with Operator(server, log=tmp_path / "one.log") as one:
        eventually(lambda: one.leads, "it leads")
        server.apply(tenant, engine(redis=CACHE), provider("gone"), provider("kept"), policy())
        eventually(lambda: "deployment/gone-ingest" in server.names(tenant, "deployments"), "both run")
        one.settle()
    server.delete(tenant, "feedprovider", "gone")
    server.delete(tenant, "statefulset", "main-book")
    server.patch(tenant, "deployment", "kept-ingest", {"spec": {"replicas": 9}})
    server.apply(tenant, engine(redis=CACHE, gateway={"replicas": 3, "auth": {"anonymous": {}}}))
    with Operator(server, log=tmp_path / "two.log") as two:
        eventually(lambda: two.leads, "another leads")
        eventually(
            lambda: (server.get(tenant, "deployment", "main-gateway") or {})["spec"]["replicas"] == 3,
            "the change is made",
        )
        eventually(
            lambda: (server.get(tenant, "deployment", "kept-ingest") or {})["spec"]["replicas"] == REPLICAS,
            "the edit is undone",
        )
        eventually(lambda: "statefulset/main-book" in server.names(tenant, "statefulsets"), "the deleted child is back")
        eventually(
            lambda: "deployment/gone-ingest" not in server.names(tenant, "deployments"), "the deleted one is cleaned up"
        )


def test_20_a_new_leader_writes_nothing_where_everything_is_as_planned(
    server: Server, tenant: str, tmp_path: Path
) -> None:
    with Operator(server, log=tmp_path / "one.log") as one:
        eventually(lambda: one.leads, "it leads")
        server.apply(tenant, SECRET, engine(redis=CACHE), provider("one"), policy(), market("m", providers=["one"]))
        eventually(lambda: server.get(tenant, "deployment", "one-ingest") is not None, "it works")
        eventually(lambda: counted(server, tenant), "the policy's figures are written")
        one.look_again("OddsEngine", 1)
        one.settle()
    mark = server.api.audit.mark()
    with Operator(server, log=tmp_path / "two.log") as two:
        eventually(lambda: two.leads, "another leads")
        two.look_again("OddsEngine", 2)
        two.settle()
        assert [str(each) for each in server.writes(mark) if each.namespace == tenant] == []


def test_41_an_operator_for_one_namespace_needs_and_touches_nothing_outside_it(
    server: Server, tenant: str, tmp_path: Path
) -> None:
    user = chart.user(release="of-one", namespace=SYSTEM)
    mine = chart.roles({"operator": {"namespaces": [tenant]}}, release="of-one", namespace=SYSTEM)
    assert {each["kind"] for each in mine} == {"ServiceAccount", "Role", "RoleBinding"}
    server.apply("", *mine)
    other = server.namespace(f"{tenant}-other")
    server.apply(other, policy())
    mark = server.api.audit.mark()
    with Operator(
        server, namespaces=[tenant], user=user, lease="of-one-touchline-operator", log=tmp_path / "one.log"
    ) as one:
        eventually(lambda: one.leads, "it leads")
        server.apply(tenant, engine(redis=CACHE), provider("one"), policy())
        eventually(lambda: server.get(tenant, "deployment", "one-ingest") is not None, "it works in its namespace")
        one.settle()
        asked = [each for each in server.api.audit.requests(mark) if each.user == user]
        assert [str(each) for each in asked if each.code == 403] == []
        assert {each.namespace for each in asked if each.namespace} <= {tenant, SYSTEM}
        assert server.condition(other, "suspensionpolicy", "strict", "Ready")["reason"] == "Pending"
