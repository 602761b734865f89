"""The control plane's command lines: loopback alone by itself, RBAC always, and an audit of every resource."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from touchline_e2e import control_plane
from touchline_e2e.certificates import Pair

PAIR = Pair(Path("/pki/x.crt"), Path("/pki/x.key"))
SECRETS = control_plane.Secrets(PAIR, PAIR, PAIR, PAIR, PAIR)


def _api_server(**changes: Any) -> list[str]:
    arguments: dict[str, Any] = {
        "binary": Path("/bin/kube-apiserver"),
        "secrets": SECRETS,
        "etcd_port": 1,
        "port": 2,
        "bind": "127.0.0.1",
        "advertise": "127.0.0.1",
        "audit_policy": Path("/policy.yaml"),
        "audit_log": Path("/audit.jsonl"),
        "alone": True,
    }
    return control_plane.api_server(**(arguments | changes))


def test_an_api_server_alone_writes_no_endpoints_of_its_own() -> None:
    assert "--endpoint-reconciler-type=none" in _api_server()
    assert "--endpoint-reconciler-type=none" not in _api_server(alone=False)


def test_rights_are_always_checked_and_requests_always_logged() -> None:
    words = _api_server(alone=False)
    assert "--authorization-mode=Node,RBAC" in words
    assert "--audit-log-path=/audit.jsonl" in words
    assert not [word for word in words if "anonymous-auth=true" in word or "AlwaysAllow" in word]


def test_flags_of_the_callers_own_come_last_so_that_they_win() -> None:
    assert _api_server(extra=("--v=4",))[-1] == "--v=4"


def test_etcd_listens_on_loopback_alone() -> None:
    words = control_plane.etcd(binary=Path("/bin/etcd"), folder=Path("/store"), client_port=1, peer_port=2)
    urls = [word.partition("=")[2].removeprefix("e2e=") for word in words if "http://" in word]
    assert len(urls) == 5
    assert all(url.startswith("http://127.0.0.1:") for url in urls)


def test_only_the_controllers_that_were_asked_for_run() -> None:
    words = control_plane.controller_manager(
        binary=Path("/bin/kcm"), secrets=SECRETS, kubeconfig=Path("/k"), port=3, controllers=("namespace-controller",)
    )
    assert "--controllers=namespace-controller" in words
    assert "--leader-elect=false" in words


@pytest.mark.parametrize("level", ["Metadata", "RequestResponse"])
def test_the_audit_policy_logs_resources_and_nothing_else(tmp_path: Path, level: str) -> None:
    path = control_plane.write_audit_policy(tmp_path / "policy.yaml", level)
    policy = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert policy["rules"] == [{"level": "None", "nonResourceURLs": ["/*"]}, {"level": level}]
    assert policy["omitStages"] == ["RequestReceived"]
