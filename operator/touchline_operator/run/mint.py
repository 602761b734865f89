"""Makes what is random: passwords and certificates. What is wanted is said by `plan.wants`."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from touchline.local.credentials import new_password
from touchline_operator.plan.wants import Wants
from touchline_operator.world.material import Certificate, Material

AUTHORITY_DAYS, SERVER_DAYS = 3650, 365


def minted(material: Material, wants: Wants, *, name: str, now: int) -> Material:
    """The material with everything that is wanted. `name` is the engine's, for the certificates; `now` epoch microseconds."""
    passwords = {**material.passwords, **{user: new_password() for user in wants.users}}
    material = replace(material, passwords=passwords)
    if wants.valkey:
        material = replace(material, valkey_password=new_password())
    if wants.routes:
        material = replace(material, routes_password=new_password())
    if wants.authority:
        material = replace(material, authority=_authority(f"touchline {name}"[:64], now))
    if wants.server_names:
        assert material.authority is not None
        material = replace(material, server=_server(material.authority, wants.server_names, now))
    return material


def _authority(name: str, now: int) -> Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    begin, end = _validity(now, AUTHORITY_DAYS)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Certificate(_pem(certificate), _key_pem(key), int(end.timestamp()) * 1_000_000)


def _server(authority: Certificate, names: tuple[str, ...], now: int) -> Certificate:
    issuer = x509.load_pem_x509_certificate(authority.certificate.encode())
    signer = serialization.load_pem_private_key(authority.key.encode(), password=None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    begin, end = _validity(now, SERVER_DAYS)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])]))
        .issuer_name(issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        # Servers are each other's clients, over their routes.
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False
        )
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .sign(signer, hashes.SHA256())
    )
    return Certificate(_pem(certificate), _key_pem(key), int(end.timestamp()) * 1_000_000, names)


def _validity(now: int, days: int) -> tuple[datetime, datetime]:
    # An hour back: the clocks of nodes differ.
    moment = datetime.fromtimestamp(now // 1_000_000, UTC)
    return moment - timedelta(hours=1), moment + timedelta(days=days)


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
