"""Small parts of the shell that need no server: what a watch owes, where an API server is, what an event says."""

import base64
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.observed_world import NOW, engine, market, observe, policy, world_of
from touchline_operator.errors import Permanent
from touchline_operator.kube.access import find_access
from touchline_operator.kube.events import event
from touchline_operator.plan.wants import Wants
from touchline_operator.run.mint import minted
from touchline_operator.run.watch_age import WatchAge
from touchline_operator.world.keys import Key
from touchline_operator.world.material import Material

A = Key("Market", "bets", "a")


def test_a_watch_that_shows_what_was_written_owes_nothing() -> None:
    age = WatchAge()
    age.ahead(100, A, 7)
    age.delivered(A, 6)
    assert age.age_us(150) == 50
    age.delivered(A, 7)
    assert age.age_us(200) == 0


def test_a_watch_owes_from_the_first_thing_that_it_did_not_show() -> None:
    age = WatchAge()
    age.ahead(100, A, 7)
    age.ahead(900, A, 8)
    age.delivered(A, 7)
    assert age.age_us(1000) == 900
    age.gone(A)
    assert age.age_us(1000) == 0


def kubeconfig(folder: Path, user: dict[str, Any], cluster: dict[str, Any]) -> str:
    path = folder / "config"
    path.write_text(
        yaml.safe_dump(
            {
                "current-context": "here",
                "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
                "clusters": [{"name": "c", "cluster": cluster}],
                "users": [{"name": "u", "user": user}],
            }
        )
    )
    return str(path)


def test_a_kubeconfig_with_everything_inside_is_used(tmp_path: Path) -> None:
    material = minted(Material(), Wants(authority=True, server_names=("localhost",)), name="main", now=NOW)
    assert material.authority is not None
    assert material.server is not None
    packed = {key: base64.b64encode(text.encode()).decode() for key, text in (
        ("certificate-authority-data", material.authority.certificate),
        ("client-certificate-data", material.server.certificate), ("client-key-data", material.server.key))}  # fmt: skip
    user = {key: packed[key] for key in ("client-certificate-data", "client-key-data")}
    cluster = {"server": "https://localhost:6443/", "certificate-authority-data": packed["certificate-authority-data"]}
    access = find_access(kubeconfig(tmp_path, user, cluster))
    assert access.server == "https://localhost:6443"
    assert access.tls is not None
    assert len(access.tls.get_ca_certs()) == 1
    assert access.certificate_file is not None
    assert Path(access.certificate_file).stat().st_mode & 0o077 == 0, "only we can read it"


def test_a_token_is_shown_and_one_from_a_file_is_read_each_time(tmp_path: Path) -> None:
    cluster = {"server": "https://localhost:6443"}
    assert find_access(kubeconfig(tmp_path, {"token": "t"}, cluster)).headers() == {"Authorization": "Bearer t"}
    (tmp_path / "token").write_text("first\n")
    access = find_access(kubeconfig(tmp_path, {"tokenFile": "token"}, cluster))
    assert access.headers() == {"Authorization": "Bearer first"}
    (tmp_path / "token").write_text("second\n")
    assert access.headers() == {"Authorization": "Bearer second"}


@pytest.mark.parametrize(
    ("user", "says"),
    [({"exec": {"command": "aws"}}, "plugin"), ({"client-certificate": "nowhere.crt"}, "No such file")],
)
def test_an_access_that_cannot_be_used_says_why(tmp_path: Path, user: dict[str, Any], says: str) -> None:
    with pytest.raises(Permanent, match=says):
        find_access(kubeconfig(tmp_path, user, {"server": "https://localhost:6443"}))


def test_without_any_kubeconfig_the_message_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Permanent, match="--kubeconfig"):
        find_access(str(tmp_path / "none"))


def test_47_an_event_has_one_name_for_one_cause_and_another_for_another() -> None:
    target = observe(world_of([engine(), policy(), market("m")]), "Market", "m").target
    said = {"type": "Ready", "status": "False", "reason": "SecretNotFound", "message": "no Secret"}
    first = event(target, said, at="2026-11-25T00:00:00Z", identity="one")
    again = event(target, said, at="2026-11-25T00:05:00Z", identity="two")
    other = event(target, {**said, "message": "no other Secret"}, at="2026-11-25T00:00:00Z", identity="one")
    assert first["metadata"]["name"] == again["metadata"]["name"] != other["metadata"]["name"]
    assert (first["type"], first["reason"], first["involvedObject"]["uid"]) == (
        "Warning",
        "SecretNotFound",
        "uid-market-m",
    )
    good = event(target, {"type": "Ready", "status": "True", "reason": "Live", "message": ""}, at="", identity="")
    assert good["type"] == "Normal"
