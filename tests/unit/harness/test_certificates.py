"""Certificates and kubeconfigs: Kubernetes reads a user and its groups from them, Python and Go verify them."""

import base64
import stat
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from cryptography.x509.verification import PolicyBuilder, Store

from touchline_e2e import kubeconfigs
from touchline_e2e.certificates import Authority, Pair


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("pki"))


def _read(pair: Pair) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pair.certificate.read_bytes())


def test_a_server_is_valid_under_each_of_its_names_and_no_other(authority: Authority) -> None:
    leaf = _read(authority.server("kube-apiserver", names=("localhost", "127.0.0.1")))
    policy = PolicyBuilder().store(Store([_read(authority.pair)]))
    policy.build_server_verifier(x509.DNSName("localhost")).verify(leaf, [])
    with pytest.raises(x509.verification.VerificationError):
        policy.build_server_verifier(x509.DNSName("elsewhere")).verify(leaf, [])


def test_a_client_is_a_user_of_its_groups(authority: Authority) -> None:
    leaf = _read(authority.client("trader", user="system:node:n1", groups=("system:nodes", "night shift")))
    named = [(item.oid, item.value) for item in leaf.subject]
    assert named == [
        (NameOID.ORGANIZATION_NAME, "system:nodes"),
        (NameOID.ORGANIZATION_NAME, "night shift"),
        (NameOID.COMMON_NAME, "system:node:n1"),
    ]
    usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]


def test_keys_are_their_owners_alone(authority: Authority) -> None:
    keys = [authority.pair.key, authority.client("one", user="one").key, authority.signing_key("tokens").key]
    assert [stat.S_IMODE(key.stat().st_mode) for key in keys] == [0o600] * 3


def test_a_kubeconfig_holds_everything_that_it_needs(authority: Authority, tmp_path: Path) -> None:
    pair = authority.client("admin", user="admin")
    path = kubeconfigs.write(
        tmp_path / "config", server="https://127.0.0.1:6443", authority=authority.pair.certificate, pair=pair
    )
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert document["current-context"] == document["contexts"][0]["name"]
    assert document["clusters"][0]["cluster"]["server"] == "https://127.0.0.1:6443"
    inline = document["clusters"][0]["cluster"]["certificate-authority-data"]
    assert base64.b64decode(inline) == authority.pair.certificate.read_bytes()
    assert base64.b64decode(document["users"][0]["user"]["client-key-data"]) == pair.key.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
