"""What is secret and random of one engine: passwords and certificates.

All of it stands in one Secret that no pod mounts; what pods mount is cut from it, for each only its own. It is made elsewhere (`run/mint`):
here it is only read, and what is missing is named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

_PASSWORD = "password."
_VALKEY = "valkey-password"
_ROUTES = "routes-password"


class Certificate(NamedTuple):
    """A certificate with its key, as PEM text. `until` is the end of its validity in epoch microseconds."""

    certificate: str
    key: str
    until: int
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Material:
    """`passwords` by broker user; empty texts and None are not made yet."""

    passwords: Mapping[str, str] = field(default_factory=dict)
    valkey_password: str = ""
    routes_password: str = ""
    authority: Certificate | None = None
    server: Certificate | None = None

    def data(self) -> dict[str, str]:
        """The Secret's values as text, by key."""
        values = {f"{_PASSWORD}{user}": password for user, password in sorted(self.passwords.items())}
        values |= {_VALKEY: self.valkey_password, _ROUTES: self.routes_password}
        for name, pair in (("authority", self.authority), ("server", self.server)):
            if pair is not None:
                values |= {
                    f"{name}.crt": pair.certificate,
                    f"{name}.key": pair.key,
                    f"{name}.until": str(pair.until),
                    f"{name}.names": ",".join(pair.names),
                }
        return {key: value for key, value in values.items() if value}


def read_material(values: Mapping[str, str]) -> Material:
    """What the Secret's values hold; what is missing stays empty."""
    pairs: dict[str, Certificate] = {}
    for name in ("authority", "server"):
        certificate, key = values.get(f"{name}.crt", ""), values.get(f"{name}.key", "")
        until = values.get(f"{name}.until", "")
        if certificate and key and until.isdigit():
            names = tuple(part for part in values.get(f"{name}.names", "").split(",") if part)
            pairs[name] = Certificate(certificate, key, int(until), names)
    return Material(
        passwords={key.removeprefix(_PASSWORD): text for key, text in values.items() if key.startswith(_PASSWORD)},
        valkey_password=values.get(_VALKEY, ""),
        routes_password=values.get(_ROUTES, ""),
        authority=pairs.get("authority"),
        server=pairs.get("server"),
    )


def without_strangers(material: Material, users: Iterable[str]) -> Material:
    """Material without the passwords of users that there are no more."""
    wanted = dict.fromkeys(users)
    kept = {user: password for user, password in material.passwords.items() if user in wanted}
    return replace(material, passwords=kept)
