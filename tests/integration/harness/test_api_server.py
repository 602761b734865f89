"""An API server alone: what it answers, what its audit log tells, and what becomes of it under faults."""

import json
from pathlib import Path

import pytest

from support.lone_harness import lone_harness
from support.waiting import wait_until
from touchline_e2e.apiserver import ADMIN, ApiServer
from touchline_e2e.errors import CommandFailed
from touchline_e2e.fixtures import api_server, need

__all__ = ["api_server"]
pytestmark = [pytest.mark.servers, pytest.mark.cluster]

CRDS = Path(__file__).parents[3] / "crds"
POLICY = (CRDS.parent / "examples" / "kinds" / "suspension-policy.yaml").read_text(encoding="utf-8")


def _config_map(name: str, **values: str) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": values})


def test_what_is_applied_is_there_and_in_the_audit_log(api_server: ApiServer) -> None:
    mark = api_server.audit.mark()
    api_server.kubectl("apply", "--server-side", "-f", "-", stdin=_config_map("limits", stake="500.00"))
    listed = json.loads(api_server.kubectl("get", "configmaps", "-o", "json"))
    assert [item["data"] for item in listed["items"] if item["metadata"]["name"] == "limits"] == [{"stake": "500.00"}]
    wait_until(lambda: any(r.verb == "list" and r.resource == "configmaps" for r in api_server.audit.requests(mark)))
    writes = api_server.audit.writes(mark, user=ADMIN)
    assert [str(write) for write in writes] == [f"{ADMIN} patch configmaps default/limits -> 201"]


def test_the_projects_own_resources_are_served(api_server: ApiServer) -> None:
    api_server.kubectl("apply", "--server-side", "-f", str(CRDS))
    api_server.kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", str(CRDS))
    api_server.kubectl("apply", "--server-side", "-f", "-", stdin=POLICY)
    assert "in-play" in api_server.kubectl("get", "suspensionpolicies", "-o", "name")
    with pytest.raises(CommandFailed, match="triggers"):
        api_server.kubectl(
            "apply", "--server-side", "-f", "-", stdin=POLICY.replace("type: FeedDelay", "type: GutFeeling")
        )


def test_who_has_no_rights_may_do_nothing(api_server: ApiServer) -> None:
    stranger = api_server.kubeconfig_for("system:serviceaccount:default:stranger")
    with pytest.raises(CommandFailed, match="forbidden"):
        api_server.kubectl("get", "secrets", kubeconfig=stranger)
    rights = ("--verb=get", "--resource=secrets")
    api_server.kubectl("create", "role", "reader", *rights)
    api_server.kubectl("create", "rolebinding", "reader", "--role=reader", "--serviceaccount=default:stranger")
    with pytest.raises(CommandFailed, match="NotFound"):
        api_server.kubectl("get", "secrets", "one", kubeconfig=stranger)


def test_the_children_of_a_deleted_owner_are_collected(api_server: ApiServer) -> None:
    api_server.kubectl("apply", "--server-side", "-f", "-", stdin=_config_map("owner"))
    owner = json.loads(api_server.kubectl("get", "configmap", "owner", "-o", "json"))
    child = json.loads(_config_map("child"))
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"]}
    child["metadata"]["ownerReferences"] = [reference]
    api_server.kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(child))
    api_server.kubectl("delete", "configmap", "owner")
    api_server.kubectl("wait", "--for=delete", "configmap/child", "--timeout=60s")


@pytest.mark.parametrize("kill", [False, True], ids=["in order", "as a crash"])
def test_a_restarted_server_knows_what_it_knew(api_server: ApiServer, kill: bool) -> None:
    name = f"kept-{kill}".lower()
    api_server.kubectl("create", "configmap", name)
    api_server.stop_server(kill=kill)
    assert not api_server.is_ready()
    api_server.start_server()
    assert name in api_server.kubectl("get", "configmaps", "-o", "name")


def test_while_etcd_stands_still_nothing_is_written_and_afterwards_all_is_well(api_server: ApiServer) -> None:
    with api_server.etcd_stopped(), pytest.raises(CommandFailed):
        api_server.kubectl("create", "configmap", "stuck", "--request-timeout=1s")
    wait_until(api_server.is_ready, within=30)
    api_server.kubectl("create", "configmap", "after-the-stop")


def test_a_killed_harness_leaves_no_server_and_no_file(tmp_path: Path) -> None:
    need("etcd", "kubernetes")
    script = """
        import signal
        from touchline_e2e.apiserver import ApiServer
        with ApiServer() as server:
            print(server.processes.keeper_pid, server.url, flush=True)
            signal.pause()
    """
    with lone_harness(script, tmp_path) as (_, (keeper, url)):
        assert url.startswith("https://127.0.0.1:")
        started = Path(f"/proc/{keeper}/task/{keeper}/children").read_text(encoding="utf-8").split()
        names = [Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip() for pid in started]
        assert sorted(names) == ["etcd", "kube-apiserver"]
        assert list(tmp_path.iterdir())
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in (keeper, *started)), within=20)
    assert list(tmp_path.iterdir()) == []
